"""A card becomes HTML, and nothing in it becomes more than text."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.bundle.markdown import to_html
from ser_bench.utils.formatting import escaped, table_lines

HEADINGS = {f"h{level}" for level in range(1, 7)}
TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
ELEMENTS = HEADINGS | TABLES | {"p", "ul", "ol", "li", "pre", "code", "blockquote", "hr", "strong", "em", "a", "details", "summary"}
EMPTY = {"hr"}


class Seen(HTMLParser):
    """Elements, attributes and text of some HTML; each element that is opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text, self.open, self.other = "", [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.other.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("# A *b*\n## C #", "<h2>A <em>b</em></h2>\n<h3>C</h3>"),
        ("one\ntwo\n\nthree", "<p>one two</p>\n<p>three</p>"),
        ("- a\n  more\n- b\n\n1. c", "<ul>\n<li>a more</li>\n<li>b</li>\n</ul>\n<ol>\n<li>c</li>\n</ol>"),
        ("text\n- a", "<p>text</p>\n<ul>\n<li>a</li>\n</ul>"),
        ("```sh\na <b>\n\n# c\n```\nd", "<pre><code>a &lt;b&gt;\n\n# c</code></pre>\n<p>d</p>"),
        ("```\nnever closed", "<pre><code>never closed</code></pre>"),
        ("> a\n> b", "<blockquote>a b</blockquote>"),
        ("a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>"),
        ("---\nlicense: mit\n---\nb", "<details><summary>Metadata</summary><pre><code>license: mit</code></pre></details>\n<p>b</p>"),
        ("**a** `b_c_d` e_f_g _h_ 2 * 3 * 4", "<p><strong>a</strong> <code>b_c_d</code> e_f_g <em>h</em> 2 * 3 * 4</p>"),
        ("<https://e.org>", '<p><a href="https://e.org" rel="noreferrer noopener">https://e.org</a></p>'),
        ("![picture](https://e.org/a.png)", '<p><a href="https://e.org/a.png" rel="noreferrer noopener">picture</a></p>'),
        (
            '[a](javascript:x) [b](//e.org) [c](https://e.org/"x")',
            '<p>a b <a href="https://e.org/&quot;x&quot;" rel="noreferrer noopener">c</a></p>',
        ),
    ],
)
def test_markdown_is_read(markdown, html):
    assert to_html(markdown) == html


def test_a_table_keeps_its_cells_and_its_sides():
    page = to_html("\n".join(table_lines(["emotion", "recall"], [["a|b", ".5"], ["c", ".7"]], words=["emotion"])))
    assert '<td>a|b</td><td class="num">.5</td>' in page
    assert '<th scope="col">emotion</th><th scope="col" class="num">recall</th>' in page
    assert page.count("<tr>") == 3


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", '"><b>', "<!--", "]]>", "&lt;b&gt;"],
)
@pytest.mark.parametrize(
    "around", ["{}", "# {}", "- {}", "> {}", "**{}**", "`{}`", "| a |\n|---|\n| {} |", "[{}](https://e.org)", "[a](https://e.org/{})"]
)
def test_hostile_text_stays_text(hostile, around):
    seen = Seen(to_html(around.format(hostile)))
    assert set(seen.elements) <= ELEMENTS
    assert not seen.other
    assert all(name in ("href", "rel", "class", "scope") for name, _ in seen.attributes)


@given(st.text(alphabet="ab <>&\"'`*_#-|[]()!\\\n\t:/~1.\r\u2028\u00e9", max_size=60))
@settings(max_examples=60)
def test_no_text_becomes_an_element_or_an_address_of_its_own(text):
    seen = Seen(to_html(text))
    assert set(seen.elements) <= ELEMENTS
    assert not seen.open
    assert not seen.other
    for name, value in seen.attributes:
        if name == "href":
            assert value.startswith(("http://", "https://"))
        else:
            assert (name, value) in {("rel", "noreferrer noopener"), ("class", "num"), ("scope", "col")}


@given(st.text(alphabet="".join(map(chr, range(33, 127))) + "\u00e9", min_size=1, max_size=20))
@settings(max_examples=40)
def test_what_is_escaped_for_markdown_is_shown_as_it_was(name):
    assert Seen(to_html(f"name: {escaped(name)}.")).text == f"name: {name}."
