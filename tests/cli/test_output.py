"""What commands print suits where it goes: colours on terminals, unless they are not wanted; plain text elsewhere, unless they are."""

import io

import pytest

from ser_bench.cli.output import print_table, say


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "colours"),
    [
        (Terminal, {}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"TERM": "dumb"}, False),
        (Terminal, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (io.StringIO, {}, False),
        (io.StringIO, {"FORCE_COLOR": "1"}, True),
    ],
)
def test_colours_are_where_they_are_wanted(monkeypatch, stream, environment, colours):
    monkeypatch.setattr("sys.stdout", out := stream())
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", **environment}.items():
        monkeypatch.setenv(name, value)
    say("an error", fg="red", bold=True)
    line = out.getvalue()
    print_table(["split", "UAR"], [["random", ".5"]], styles=["red"])
    table = out.getvalue().removeprefix(line)
    assert ["\x1b[" in line, "\x1b[" in table] == [colours, colours]
    assert "random" in table
