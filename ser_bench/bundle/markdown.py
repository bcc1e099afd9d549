"""Markdown of a model card as HTML that holds nothing but the card's own text.

In:   Markdown: metadata between `---` lines, headings, paragraphs, lists, pipe tables, fenced code, quotes; bold, emphasis, code and links.
Out:  HTML of some twenty elements, whose only values from the card are text and links' addresses.
Rule: every letter of the card is escaped before it is placed, so that no card can add an element, an attribute or an address other than
      http and https; what is no Markdown known here stays as the text that it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape

DEEPEST = 6
ITEM = re.compile(r"\s*(?:[-*+]|(\d{1,9})[.)])\s+(.*)")
HEADING = re.compile(r"(#{1,6})\s+(.*)")
FENCE = re.compile(r"\s*(```+|~~~+)")
RULE = re.compile(r"-{3,}|\*{3,}")
DELIMITER = re.compile(r"\|?:?-+:?(?:\|:?-+:?)*\|?")
INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?<!`)(?P<ticks>`{1,3})(?P<code>[^`]+)(?P=ticks)(?!`)"
    r"|\*\*(?P<strong>[^\s*](?:[^*]*[^\s*])?)\*\*"
    r"|(?<![\w*])(?P<mark>[*_])(?P<em>[^\s*_](?:[^*_]*[^\s*_])?)(?P=mark)(?![\w*])"
    r"|!?\[(?P<text>(?:[^\[\]\\]|\\.)*)\]\((?P<to>[^()\s]*)\)"
    r"|<(?P<address>https?://[^<>\s]+)>"
)


def to_html(text: str, *, below: int = 1) -> str:
    r"""Markdown to HTML.

    Parameters
    ----------
    text : str
    below : int
        Levels by which headings are lowered, to stand below those of the page around them.

    >>> to_html("# Card\n\n- **UAR** <b>\n")
    '<h2>Card</h2>\n<ul>\n<li><strong>UAR</strong> &lt;b&gt;</li>\n</ul>'
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    metadata, lines = _metadata(lines)
    found = [f"<details><summary>Metadata</summary>{_code(metadata)}</details>"] if metadata else []
    while lines:
        take = next(take for starts, take in BLOCKS if starts(lines))
        html, lines = take(lines, below)
        found.append(html)
    return "\n".join(filter(None, found))


def inline(text: str) -> str:
    """What stands in a line: bold, emphasis, code, links; all else is escaped.

    >>> inline("*a* `<i>` [b](javascript:c) [d](https://e.org/?f&g)")
    '<em>a</em> <code>&lt;i&gt;</code> b <a href="https://e.org/?f&amp;g" rel="noreferrer noopener">d</a>'
    """
    return "".join(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    for found in INLINE.finditer(text):
        yield escape(text[at : found.start()])
        at = found.end()
        if (escaped := found["escaped"]) is not None:
            yield escape(escaped)
        elif found["code"] is not None:
            yield f"<code>{escape(found['code'])}</code>"
        elif found["strong"] is not None:
            yield f"<strong>{inline(found['strong'])}</strong>"
        elif found["em"] is not None:
            yield f"<em>{inline(found['em'])}</em>"
        elif found["address"] is not None:
            yield _link(found["address"], escape(found["address"]))
        else:
            yield _link(found["to"], inline(found["text"]))
    yield escape(text[at:])


def _link(address: str, html: str) -> str:
    """A link, or its text alone where the address is no page's; an address within a link's text is not linked again."""
    if not re.match(r"https?://", address) or "<a " in html:
        return html
    return f'<a href="{escape(address)}" rel="noreferrer noopener">{html}</a>'


def _metadata(lines: list[str]) -> tuple[list[str], list[str]]:
    """What stands between `---` lines at the very beginning, and the rest."""
    if lines[0].rstrip() == "---" and "---" in (ends := [line.rstrip() for line in lines[1:]]):
        last = ends.index("---") + 1
        return lines[1:last], lines[last + 1 :]
    return [], lines


def _dense(line: str) -> str:
    """A line without its spaces."""
    return "".join(line.split())


def _code(lines: list[str]) -> str:
    return f"<pre><code>{escape(chr(10).join(lines))}</code></pre>"


def _blank(lines: list[str], below: int) -> tuple[str, list[str]]:
    return "", lines[1:]


def _heading(lines: list[str], below: int) -> tuple[str, list[str]]:
    found = HEADING.fullmatch(lines[0])
    assert found
    level = min(len(found[1]) + below, DEEPEST)
    return f"<h{level}>{inline(found[2].strip().rstrip('#').rstrip())}</h{level}>", lines[1:]


def _fenced(lines: list[str], below: int) -> tuple[str, list[str]]:
    found = FENCE.match(lines[0])
    assert found
    ends = next((at for at, line in enumerate(lines[1:], 1) if line.strip() == found[1]), len(lines))
    return _code(lines[1:ends]), lines[ends + 1 :]


def _rule(lines: list[str], below: int) -> tuple[str, list[str]]:
    return "<hr>", lines[1:]


def _cells(line: str) -> list[str]:
    """The cells of a line of a table; a bar behind a backslash, or in code, is text."""
    inner = re.sub(r"(?<!\\)\|$", "", line.strip().removeprefix("|"))
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _table(lines: list[str], below: int) -> tuple[str, list[str]]:
    head, width = _cells(lines[0]), len(_cells(lines[0]))
    ends = next((at for at, line in enumerate(lines) if "|" not in line), len(lines))
    numeric = [' class="num"' if cell.endswith(":") and not cell.startswith(":") else "" for cell in [*_cells(lines[1]), *[""] * width]]
    rows = ["<tr>" + "".join(f'<th scope="col"{kind}>{inline(cell)}</th>' for kind, cell in zip(numeric, head, strict=False)) + "</tr>"]
    for line in lines[2:ends]:
        cells = [*_cells(line), *[""] * width][:width]
        rows.append("<tr>" + "".join(f"<td{kind}>{inline(cell)}</td>" for kind, cell in zip(numeric, cells, strict=False)) + "</tr>")
    body = f"<thead>{rows[0]}</thead>\n<tbody>\n" + "\n".join(rows[1:]) + "\n</tbody>"
    return f"<table>\n{body}\n</table>", lines[ends:]


def _list(lines: list[str], below: int) -> tuple[str, list[str]]:
    """A list; what is indented below an item continues it, and items of a list within a list are items of it."""
    first = ITEM.fullmatch(lines[0])
    assert first
    kind, items, at = "ol" if first[1] else "ul", [], 0
    while at < len(lines) and lines[at].strip():
        if found := ITEM.fullmatch(lines[at]):
            items.append(found[2])
        elif lines[at][:1].isspace():
            items[-1] += f" {lines[at].strip()}"
        else:
            break
        at += 1
    return f"<{kind}>\n" + "\n".join(f"<li>{inline(item)}</li>" for item in items) + f"\n</{kind}>", lines[at:]


def _quote(lines: list[str], below: int) -> tuple[str, list[str]]:
    ends = next((at for at, line in enumerate(lines) if not line.startswith(">")), len(lines))
    said = " ".join(line[1:].strip() for line in lines[:ends])
    return f"<blockquote>{inline(said)}</blockquote>", lines[ends:]


def _paragraph(lines: list[str], below: int) -> tuple[str, list[str]]:
    ends = 1
    while ends < len(lines) and not any(starts(lines[ends:]) for starts, _ in BLOCKS[:-1]):
        ends += 1
    return f"<p>{inline(' '.join(line.strip() for line in lines[:ends]))}</p>", lines[ends:]


Take = Callable[[list[str], int], tuple[str, list[str]]]
BLOCKS: list[tuple[Callable[[list[str]], object], Take]] = [
    (lambda lines: not lines[0].strip(), _blank),
    (lambda lines: HEADING.fullmatch(lines[0]), _heading),
    (lambda lines: FENCE.match(lines[0]), _fenced),
    (lambda lines: RULE.fullmatch(_dense(lines[0])), _rule),
    (lambda lines: "|" in lines[0] and len(lines) > 1 and "|" in lines[1] and DELIMITER.fullmatch(_dense(lines[1])), _table),
    (lambda lines: ITEM.fullmatch(lines[0]), _list),
    (lambda lines: lines[0].startswith(">"), _quote),
    (lambda lines: True, _paragraph),
]
"""What a block begins with, and what takes it off the lines; the last takes whatever is no other."""
