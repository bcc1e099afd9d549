"""Pages from templates.

In:   a template of `templates/` and its values.
Out:  HTML, in which values are text and never markup.
"""

from __future__ import annotations

from typing import Any


def render(template: str, **values: Any) -> str:
    """A template of this room, filled in."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    templates = Environment(
        loader=PackageLoader("ser_bench.reports"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(template).render(**values)
