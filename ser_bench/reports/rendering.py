"""Pages from templates.

In:   a template of a room's `templates/` and its values.
Out:  HTML, in which values are text and never markup, and no letter of a name is hidden or turns the direction of reading; the way from a
      page to the index of the results beside it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.errors import lines
from ser_bench.utils.atomic import FORMULA
from ser_bench.utils.formatting import IN_TEX, MARKDOWN, TEX, format_score, format_seconds, number_of, plural

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment
    from jinja2.bccache import Bucket
    from markupsafe import Markup

INDEX = "index.html"
JOINT = re.compile(r"[-+/_,(](?=.)")
OURS = '<meta name="generator" content="ser-bench: index of results">'
"""What an index says of itself in its first lines."""


def render(template: str, *, room: str = "ser_bench.reports", **values: Any) -> str:
    """A template of this room, or of another package, filled in."""
    return _templates(room).get_template(template).render(**values)


@cache
def _templates(room: str) -> Environment:
    """The templates of a room, each compiled once per process."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader(room),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=kept_compiled(Path(__file__).parent / "__pycache__"),
    )
    environment.filters["breakable"] = breakable
    environment.filters |= {"seconds": format_seconds, "score": format_score}
    environment.globals |= {"number_of": number_of, "plural": plural}
    environment.globals |= {"MARKDOWN": MARKDOWN.pattern, "FORMULA": FORMULA.pattern, "TEX": TEX.pattern, "IN_TEX": IN_TEX}
    return environment


def kept_compiled(folder: Path) -> BytecodeCache | None:
    """What keeps compiled templates beside Python's own compiled files, in `folder`; None where Python keeps none.

    Jinja compares the template's text; its version and the state of this module, whose environment is compiled too, are compared with it.
    """
    if sys.dont_write_bytecode or not os.access(folder, os.W_OK):
        return None
    import jinja2

    state = f"{jinja2.__version__} {Path(__file__).stat().st_mtime_ns} "

    class Kept(jinja2.FileSystemBytecodeCache):
        """No page is lost to a full disk."""

        def get_source_checksum(self, source: str) -> str:
            return super().get_source_checksum(state + source)

        def dump_bytecode(self, bucket: Bucket) -> None:
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)

    return Kept(str(folder), "%s.jinja")


def way_back(folder: Path) -> str:
    """The address of the index beside a folder, from the pages in it; empty where there is none."""
    return f"../{INDEX}" if is_index(folder.absolute().parent / INDEX) else ""


def is_index(file: Path) -> bool:
    """Whether a file is an index of results that we wrote."""
    try:
        with file.open("rb") as opened:
            return OURS.encode() in opened.read(400)
    except OSError:
        return False


def _shown(value: object) -> object:
    """A value as a page shows it: what is text, with control characters and marks of direction written out."""
    from markupsafe import Markup

    return lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def breakable(name: object) -> Markup:
    """A name, or a path, which a narrow column may break after what joins its parts."""
    from markupsafe import Markup, escape

    return Markup(JOINT.sub(r"\g<0><wbr>", str(escape(lines(str(name))))))
