"""`make lint` finds a banned phrase wherever it is planted, and names its line."""

import pytest

from tests import words

PLANTED = (
    ("page.md", "# A page\n\nRows are judged by it.\n", 3),
    ("page.html.j2", "<p>fine</p>\n<p>one fold a speaker</p>\n", 2),
    ("module.py", '"""What a module is for.\n\nTuned anew.\n"""\n', 3),
    ("module.py", 'X = 1\nSAID = "in 95 % of cases"\n', 2),
    ("module.py", 'X = 1\nSAID = "Out:  a row a cell: its units"\n', 2),
    ("page.md", "One row a model.\n", 1),
    ("page.md", "the row in the middle\n", 1),
    ("page.md", "3 units still to do, 2 found finished\n", 1),
    ("module.py", 'X = 1\nHELP = "Of --gap: the model."\n', 2),
    ("page.html.j2", '<p>{{ n }} clip{{ "s" if n != 1 }}</p>\n', 1),
    ("page.md", "Every cell has one row a\nmodel.\n", 1),
    ("page.html.j2", "<p>fine,\n  and all rows are judged\n  by it</p>\n", 2),
    ("module.py", '"""What it is.\n\nIn:   rows, found\n      finished.\n"""\n', 3),
)


@pytest.mark.parametrize(("name", "text", "line"), PLANTED)
def test_a_planted_phrase_is_found_and_its_line_named(tmp_path, name, text, line):
    (tmp_path / name).write_text(text.replace("Tuned", "tuned"), encoding="utf-8")
    assert {number for number, *_ in words.found_in(tmp_path / name)} == {line}


def test_a_phrase_ends_with_its_paragraph(tmp_path):
    (tmp_path / "page.md").write_text("Which row is found\n\nfinished work is kept\n", encoding="utf-8")
    assert not [*words.found_in(tmp_path / "page.md")]


def test_names_in_code_and_tables_that_are_generated_are_not_words(tmp_path):
    (tmp_path / "module.py").write_text("def judge(judged):\n    return judged is not None\n", encoding="utf-8")
    (tmp_path / "page.md").write_text("<!-- reference -->\nsystems judged by it\n<!-- /reference -->\n", encoding="utf-8")
    assert not [*words.found_in(tmp_path / "module.py"), *words.found_in(tmp_path / "page.md")]
