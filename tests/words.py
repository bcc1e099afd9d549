"""Words that pages, help, documents and docstrings do not use: each occurrence is printed with its line and what to say instead.

In:   the Markdown documents, the templates, and the string literals and docstrings of `ser_bench` and the benchmarks; `make lint` runs it.
Out:  one line per occurrence; exit code 1 where there is any.
Rule: a pattern is narrow enough that no occurrence has to be excused. A phrase is found across the end of a line, and never across
      that of a paragraph.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
UNITS = (
    "clip|speaker|unit|row|line|fold|emotion|seed|group|trial|class|core|fingerprint|stage|"
    "cell|pair|block|model|channel|system|value|condition|split|process|track|extractor"
)
INSTEAD = {
    rf"\b(?:[Oo]ne|[Aa]) (?:row|line|fold|folder|value|column|thread|worker|process|score|UAR|table|shade|matrix) an? (?:{UNITS})\b": "per",
    r"\b(?:once|twice) an? (?:split|seed|process|page|run|class|fold)\b(?= ?[,.;:])": "per",
    r"\bprocessor (?:seconds|minutes|hours)\b": "CPU time",
    r"\bhostile reviewer\b": "reviewer",
    r"\bnever heard\b": "unseen",
    r"\w learnt from\b": "trained on",
    r"\bjudg(?:e|es|ed|ing)\b(?= [a-z])": "evaluate",
    r"\b(?:be|is|was|were) learnt\b": "learned",
    r"\b(?:cannot|can) be told (?:apart|from)\b": "is (not) significantly different from; can be predicted from",
    r"\b(?:is|are|not) told apart\b": "differ significantly",
    r"\btells? of\b": "reports",
    r"\b(?:tuned|judged|ranked|fitted|computed|drawn|split) anew\b": "re-tuned, again",
    r"\banew (?:for|from|inside|where|,)": "again",
    r"\btaken for (?:happiness|anger|fear|sadness|neutral|another)\b": "predicted as",
    r"\bheard what was meant\b": "recognised the emotion",
    r"\branked apart\b": "ranked separately",
    r"\bin vain\b": "without effect",
    r"\b[0-9.]+ %(?=\s|,|;|\)|$)": "no space before %",
    r"\btwins\b": "duplicates",
    r"\bdoubled clips?\b": "duplicate clips",
    r"\brests on\b": "is based on",
    r"\bsystems? from elsewhere\b": "external system",
    r"\b(?:tables?|features) of one's own\b": "user-supplied",
    r"\bspeakers apart\b": "speaker-independent",
    r"\bby the test score\b": "on the test set",
    r"\bp vs best\b": "p (vs. best)",
    r"\bearn(?:s)? (?:their|its) place\b": "matter",
    r"\bfound finished\b": "reused",
    r"\bstill to do\b": "remaining",
    r"\ba guess among\b": "chance level",
    r"\babsent here\b": "missing",
    r"\bspeakers heard before\b": "shared with training",
    r"\b(?:row|one|score|system|line|pair|choice) (?:is |that is )?in the middle\b": "median",
    r"\btest score\b(?= \()": "test set",
    r"\bOf (?:--|backend)[a-z]*": "With --option:",
    r"\b(?:one a core|one a clip|one a class|one a speaker|one a seed|one a unit|one an extractor)\b": "one per",
    r"\bno quality is known\b": "not evaluated",
    r"\b[a-z]{2,}\((?:s|es|ies)\)": "`number_of`: 1 unit, 2 units",
    r"\{\{ \"(?:s|es|ies)\b[^\"]*\" if\b": "`number_of` or `plural`: 1 unit, 2 units",
    r"\bowners let anybody\b": "may be downloaded freely",
}
BANNED = [(re.compile(pattern.replace(" ", r"(?:[ \t]+|[ \t]*\n[ \t]*)")), instead) for pattern, instead in INSTEAD.items()]
"""A space is one within a line, or the end of a line and what the next one is indented by."""
GENERATED = re.compile(r"<!-- reference -->.*?<!-- /reference -->", re.DOTALL)


def found(text: str, first: int = 1) -> Iterator[tuple[int, str, str]]:
    """Line, words and what to say instead, of each occurrence in a text whose first line has the number `first`."""
    for pattern, instead in BANNED:
        yield from ((first + text.count("\n", 0, match.start()), " ".join(match[0].split()), instead) for match in pattern.finditer(text))


def found_in(path: Path) -> Iterator[tuple[int, str, str]]:
    """What `found` finds in a document or template, or in the string literals of a module, code and comments aside."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from found(GENERATED.sub(lambda block: "\n" * block[0].count("\n"), text))
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            first = node.lineno
            yield from found(node.value, first)


def places() -> list[Path]:
    """Every file that is looked at."""
    documents = [
        ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "results/README.md", "features/README.md", "Makefile")
    ]
    house, benchmarks = ROOT / "ser_bench", ROOT / "benchmarks"
    code = [*sorted(house.rglob("*.j2")), *sorted(house.rglob("*.py")), *sorted(benchmarks.glob("*.py"))]
    return [*documents, *sorted((ROOT / "docs").glob("*.md")), *code]


def main() -> int:
    """Print every occurrence; 1 where there is any."""
    said = [f"{path.relative_to(ROOT)}:{n}: '{words}': {instead}" for path in places() for n, words, instead in found_in(path)]
    print("\n".join(said) or "words: nothing found")
    return int(bool(said))


if __name__ == "__main__":
    sys.exit(main())
