"""Whatever a name holds, Markdown shows it: in a paragraph, a heading, a list, a cell, as code."""

import re
from html import unescape

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ser_bench.bundle.card import code
from ser_bench.errors import printable
from ser_bench.utils.formatting import escaped, table_lines

MARKUP = "\\`*_[]()<>#&;:|~$!-+=1. ab'\"/{}%^@\n\t\u202e"
NAMES = st.text(st.one_of(st.sampled_from(MARKUP), st.characters(codec="utf-8")), min_size=1, max_size=30).map(str.strip).filter(bool)
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def as_read(text: str) -> str:
    return unescape(READER.render(text)).strip()


@settings(max_examples=300)
@given(NAMES)
@example("__a__")
@example("1. a")
@example("+ a")
@example("- - -")
@example("a #")
@example("[a]: b")
def test_a_name_is_read_as_it_is_written(name):
    shown, plain = escaped(name), printable(name).strip()
    assert as_read(shown) == f"<p>{plain}</p>"
    assert as_read(f"# {shown}") == f"<h1>{plain}</h1>"
    assert as_read(f"- {shown}") == f"<ul>\n<li>{plain}</li>\n</ul>"
    assert as_read(f"**{shown}.**") == f"<p><strong>{plain}.</strong></p>"


@settings(max_examples=300)
@given(NAMES)
@example("a\\|b")
@example("`|`")
def test_a_name_in_a_table_or_in_code_breaks_neither(name):
    plain = printable(name).strip()
    cells = re.findall("<td>(.*?)</td>", READER.render("\n".join(table_lines(["a", "b", "c"], [[escaped(name), code(name), "end"]]))))
    assert [unescape(cell) for cell in cells] == [plain, f"<code>{printable(name)}</code>", "end"]
