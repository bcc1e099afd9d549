"""Pages from templates.

In:   a template of a room's `templates/` and its values.
Out:  HTML, in which values are text and never markup.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


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
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    return environment


def breakable(name: object) -> Markup:
    """A name of parts joined by ``+``, which a narrow column may break between these."""
    from markupsafe import Markup

    return Markup("+<wbr>").join(str(name).split("+"))
