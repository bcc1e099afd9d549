"""The switch to per cent reaches every score of every kind of page, in what is drawn and said aloud too, and nothing that is none."""

import re
from typing import Any

import pytest

from tests.reports.conftest import looking, show

READ = """
const parts = [], heads = /^(p|p \\(.*|p vs .*|P .*|hyperparameters|chosen|mean rank)$/;
const told = node => {
  const cell = node.closest("td"), table = cell?.closest("table");
  const head = table?.tHead && [...table.tHead.rows].at(-1).cells[cell.cellIndex]?.textContent.trim().replaceAll("\u00a0", " ");
  const row = cell?.closest("tr").cells[0].textContent.trim();
  if (head && heads.test(head)) return head;
  if (row === "log loss") return row;
  return node.closest("pre:not([data-score]), code, .diagram") ? "text" : "score";
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let text = walker.nextNode(); text; text = walker.nextNode())
  if (!text.parentNode.closest("script, style")) parts.push([told(text.parentNode), text.data.trim()]);
for (const named of document.querySelectorAll("[aria-label], [data-below]"))
  for (const name of ["aria-label", "data-below"]) if (named.hasAttribute(name)) parts.push([told(named), named.getAttribute(name)]);
return parts.filter(([, text]) => text);
"""
"""What a page says, each part with whether it is a score, or the column, row or kind that holds none."""
FRACTION = re.compile(r"(?<![\w.=])(?<!\bp [=<\u2265] )[-+\u00b1]?(?:1\.00+|\.\d+)(?!\w|\.\d| s\b)")
KINDS = ("report", "audit", "merged", "ablation", "cross", "index", "recipe", "predictions")


def fractions(parts: list[Any]) -> list[str]:
    return [text for kind, text in parts if kind == "score" and FRACTION.search(text.replace("\u00a0", " "))]


@pytest.mark.parametrize("kind", KINDS)
def test_no_score_stays_a_fraction_and_nothing_else_changes(browser, every_kind_of_page, kind):
    with looking(browser, "light", 1280):
        show(browser, every_kind_of_page[kind])
        before = browser.execute_script(READ)
        browser.execute_script("document.getElementById('percent').click()")
        after = browser.execute_script(READ)
        browser.execute_script("document.getElementById('percent').click()")
        again = browser.execute_script(READ)
    assert len(fractions(before)) > 3
    assert fractions(after) == []
    assert [part for part in after if part[0] != "score"] == [part for part in before if part[0] != "score"]
    assert again == before
