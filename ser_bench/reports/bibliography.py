"""What a paper cites for a result, as BibTeX.

In:   keys of `references.bib`, which has methods, libraries and the best-known corpora; citations in words, as corpora and feature sets
      have them.
Out:  references, each with its key, how it is cited in running text, and its entry.
Rule: nothing is made up: an entry made of a citation in words says what that says, with "and others" where it says "et al.".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ser_bench.utils.formatting import escaped_for_tex

IN_WORDS = re.compile(r"(?P<authors>\D+?) \((?P<year>\d{4})\), (?P<title>.+?)(?:\. (?P<published>.+))?")
"""Authors (year), title. Where it was published."""
ARTICLES = {"a", "an", "the"}


@dataclass(frozen=True)
class Reference:
    """What is cited.

    Parameters
    ----------
    key : str
    cited : str
        How running text names it: ``Westfall and Young, 1993``; empty of what it names anyhow.
    entry : str
        Of BibTeX.
    """

    key: str
    cited: str
    entry: str


def kept(*keys: str) -> tuple[Reference, ...]:
    """References of `references.bib` by their keys."""
    return tuple(_kept()[key] for key in keys)


def software(version: str) -> Reference:
    """ser-bench itself."""
    title = "ser-bench: speaker-independent benchmarks for speech emotion recognition with hand-crafted features"
    lines = (f"title = {{{title}}}", "author = {{The ser-bench developers}}", f"version = {{{_plain(version)}}}")
    return Reference("ser_bench", "", _entry("software", "ser_bench", lines))


def in_words(text: str) -> list[Reference]:
    """The references that a citation in words names, between semicolons: of `references.bib` where they are there, else made of the words.

    >>> [found.cited for found in in_words("Doe & Roe (2020), A corpus. Interspeech; as they do; Wilson (1927), Probable inference")]
    ['Doe and Roe, 2020', 'Wilson, 1927']
    >>> in_words("a folder of recordings")
    []
    """
    parts = (IN_WORDS.fullmatch(part.strip()) for part in text.split(";"))
    return [_made_of(part) for part in parts if part]


def bibtex(references: Iterable[Reference]) -> str:
    """The entries of references, each once."""
    return "\n\n".join(dict.fromkeys(reference.entry for reference in references)) + "\n"


def _made_of(part: re.Match[str]) -> Reference:
    names = re.split(r", | & ", part["authors"].removesuffix(" et al."))
    authors = " and ".join([*map(_plain, names), *(["others"] if part["authors"].endswith(" et al.") else [])])
    words = re.findall(r"[a-z0-9]+", _ascii(part["title"]).lower())
    key = "".join([*re.findall("[a-z]", _ascii(names[0]).lower()), part["year"], next((w for w in words if w not in ARTICLES), "")])
    if key in _kept():
        return _kept()[key]
    lines = [f"author = {{{authors}}}", f"title = {{{_plain(part['title'])}}}", f"year = {{{part['year']}}}"]
    lines += [f"howpublished = {{{_plain(part['published'])}}}"] if part["published"] else []
    return Reference(key, _cited(authors, part["year"]), _entry("misc", key, lines))


@cache
def _kept() -> dict[str, Reference]:
    """What `references.bib` has, by key."""
    text = files("ser_bench.reports").joinpath("references.bib").read_text(encoding="utf-8")
    found = {}
    for entry in text.strip().split("\n\n"):
        key, authors, year = (re.search(how, entry)[1] for how in (r"^@\w+\{(.+),", r"author = \{(.+)\}", r"year = \{(.+)\}"))  # type: ignore[index]
        found[key] = Reference(key, _cited(authors, year), entry)
    return found


def _cited(authors: str, year: str) -> str:
    """How running text names authors as BibTeX has them.

    >>> _cited("Doe, Jane and Roe, Richard", "2020"), _cited("Doe and others", "2020"), _cited("A, B and C, D and E, F", "2020")
    ('Doe and Roe, 2020', 'Doe et al., 2020', 'A et al., 2020')
    """
    first, *others = (name.partition(",")[0] for name in authors.split(" and "))
    after = "" if not others else f" and {others[0]}" if len(others) == 1 and others[0] != "others" else " et al."
    return f"{first}{after}, {year}"


def _entry(kind: str, key: str, lines: Iterable[str]) -> str:
    return f"@{kind}{{{key},\n" + ",\n".join(f"  {line}" for line in lines) + "\n}"


def _plain(text: str) -> str:
    """Words of others as the value of an entry: nothing in them is a command, and no brace is open."""
    return escaped_for_tex(text.translate(str.maketrans("{}\\", "()/")))


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
