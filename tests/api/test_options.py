"""No option is accepted and ignored: each command takes the keys that it uses, and says of the others what they are for."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import click
import pytest

import ser_bench
from ser_bench import config
from ser_bench.api.options import OF_THE_GAP, PURPOSES, USED
from ser_bench.cli.main import cli
from ser_bench.config import RunConfig, to_toml
from ser_bench.errors import WrongArgument, WrongCall
from tests.calling import call
from tests.small import SMALL

ROOT = Path(__file__).parents[2]
KEYS = {field.name for field in dataclasses.fields(RunConfig)}
UNUSED = [(command, key) for command, keys in USED.items() for key in sorted(KEYS - keys)]
NAMED = {"cross": ["--train", "tones"], "score": ["x.csv", "tones"]}
"""What a command needs besides options; ``tones`` alone where it is not here."""
READ_AS = {
    "preprocessing": ("offset", "duration", "trim", "variant"),
    "workers": ("jobs", "backend", "scheduler"),
    "reading": ("columns", "table", "target"),
}
"""Fields that are read together, as a property of the configuration."""


@pytest.fixture(scope="module")
def how(speech, tmp_path_factory):
    """A run that takes a second."""
    return {**SMALL, "out": tmp_path_factory.mktemp("out"), "cache": speech / "store"}


@pytest.fixture(scope="module")
def manifest(speech):
    return speech / "corpus" / "clips.csv"


def ways(parameter: click.Parameter) -> list[str]:
    return [way for way in parameter.opts if way.startswith("-")]


@pytest.mark.parametrize("command", [cli, *cli.commands.values()], ids=lambda command: command.name)
def test_the_lines_of_examples_stay_as_they_are(command):
    examples = [line.strip() for line in command.help.split("\b\n")[-1].splitlines() if "ser-bench" in line]
    listed = [line.strip() for line in command.get_help(click.Context(command, terminal_width=140, max_content_width=140)).splitlines()]
    assert set(examples) <= set(listed)


@pytest.mark.parametrize("command", USED)
def test_help_lists_what_a_command_uses_and_nothing_else(command):
    offered = {parameter.name for parameter in cli.commands[command].params}
    assert offered & KEYS == USED[command] & KEYS
    listed = cli.commands[command].get_help(click.Context(cli.commands[command]))
    options = {parameter.name: ways(parameter) for parameter in cli.commands["run"].params if ways(parameter)}
    for key in KEYS & set(options):
        assert any(f"{way} " in listed for way in options[key]) == (key in USED[command]), key


@pytest.mark.parametrize(("command", "key"), UNUSED)
def test_a_keyword_without_effect_is_refused_with_what_it_is_for(command, key):
    given = {"predictions": "x.csv"} if command == "score" else {}
    with pytest.raises(WrongArgument, match=rf"^{command}\(\): '{key}' has no effect here: it says .* \(used by .*'\)$") as caught:
        getattr(ser_bench, command)(**given, **{"train" if command == "cross" else "corpus": "tones", key: "x"})
    assert "'run'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("audit", "--rope"),
        ("audit", "--track"),
        ("ablate", "--time-limit"),
        ("cross", "--storage"),
        ("splits", "-m"),
        ("score", "--budget"),
        ("plan", "--trim"),
    ],
)
def test_an_option_without_effect_is_refused_with_what_it_is_for(command, option, tmp_path):
    done = call(command, *NAMED.get(command, ["tones"]), option, "1", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ser-bench: {command}: {option} has no effect here: it says ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_mistyped_option_is_still_met_with_the_nearest(tmp_path):
    done = call("splits", "tones", "--label", "all", cwd=tmp_path)
    assert done.returncode == 2
    assert "--labels" in done.stderr


def test_every_key_says_what_it_is_for():
    assert set(PURPOSES) == KEYS


@pytest.mark.parametrize("key", OF_THE_GAP)
def test_what_is_about_the_gap_is_refused_without_it(key):
    with pytest.raises(WrongCall, match=rf"^{key} has no effect without --gap"):
        ser_bench.audit("tones", **{key: getattr(RunConfig(), key)})


def test_a_file_shared_between_commands_serves_each_with_what_it_uses(manifest, how, tmp_path):
    run = {"corpus": "nowhere", "features": "spectral", "models": "logreg", "cv": "group:2", "seeds": 1, "seed": 3, "rope": 0.05}
    shared = RunConfig(**run, cache=str(how["cache"]), jobs=1)
    (tmp_path / "run.toml").write_text(to_toml(shared), encoding="utf-8")
    done = call("splits", manifest, "--config", "run.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "--config" in line]
    assert told == ["warning: --config run.toml: 2 keys have no effect on splits: models, rope"]
    expected = ser_bench.splits(manifest, features=shared.features, cv="group:2", seed=3, cache=how["cache"], jobs=1)
    assert done.stdout == expected.to_csv(index=False)


def test_a_file_says_what_is_the_gap_s_only_where_the_gap_is_measured(manifest, how, tmp_path):
    (tmp_path / "run.toml").write_text(f'trials = 3\nmodels = ["rf"]\nlabels = "big4"\ncache = "{how["cache"]}"\njobs = 1\n')
    done = call("audit", manifest, "--config", "run.toml", cwd=tmp_path)
    assert "--config run.toml: 2 keys have no effect on audit: trials, models" in done.stderr
    assert "labels" not in done.stderr


def test_a_sweep_in_a_shared_file_is_the_ablation_s(tmp_path):
    (tmp_path / "run.toml").write_text('features = ["recording"]\nmodels = ["logreg"]\ncv = "group:2"\n[sweep]\ntrim = [30.0]\n')
    done = call("run", "tones(speakers=4,takes=1)", "--config", "run.toml", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 key has no effect on run: sweep" in done.stderr


def test_a_file_s_track_is_that_of_cross_too(tmp_path):
    (tmp_path / "cross.toml").write_text('track = ["speker"]\n')
    done = call("cross", "--train", "tones(speakers=2,takes=1)", "--config", "cross.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "unknown track 'speker': did you mean 'speaker'?" in done.stderr


def test_splits_and_score_read_what_they_use(manifest, how, monkeypatch):
    read: set[str] = set()

    def seen(self: RunConfig, name: str) -> object:
        if sys._getframe(1).f_code.co_filename != config.__file__:
            read.update(READ_AS.get(name, (name,)))
        return object.__getattribute__(self, name)

    monkeypatch.setattr(RunConfig, "__getattribute__", seen, raising=False)
    folds = ser_bench.splits(manifest, cache=how["cache"], jobs=1)
    # A budget is resolved to the numbers that are read.
    assert USED["splits"] - read == {"budget"}
    read.clear()
    ser_bench.score(folds[["clip"]].assign(predicted=folds["emotion"]), manifest, name="x", out=how["out"], cache=how["cache"], jobs=1)
    assert USED["score"] <= read


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What a checker says of calls: of each command with each key, wrong ones first; and of two small files, one of them right."""
    calls = {command: ("'x', 'tones'" if command == "score" else "'tones'") for command in USED}
    wrong = [f"ser_bench.{command}({calls[command]}, {key}=RunConfig.{key})" for command, key in UNUSED if key != "corpus"]
    right = [
        f"ser_bench.{command}({calls[command]}, {key}={ {'track': 'str()'}.get(key, f'RunConfig.{key}') })"
        for command, keys in USED.items()
        for key in sorted(keys & KEYS - {"corpus"})
    ]
    used = 'ser_bench.run("tones", features=["egemaps"], models="svm", out="x").leaderboard.head()\nprint(ser_bench.__version__)'
    frames = ["run(df, features=df)", 'cross([df, "tones"], features=["egemaps", {"mine": df}])', 'score({"mine": df}, {"clips": df})']
    used += "\nimport pandas as pd\ndf = pd.DataFrame()\n" + "\n".join(f"ser_bench.{call}" for call in frames)
    files = {
        "calls.py": "from ser_bench import RunConfig\n" + "\n".join([*wrong, *right]),
        "wrong.py": 'ser_bench.run("tones", features=3, modelz="svm")',
        "frame.py": 'import pandas as pd\nser_bench.run("tones", models=pd.DataFrame())',
        "right.py": used,
    }
    folder = tmp_path_factory.mktemp("checked")
    for name, text in files.items():
        (folder / name).write_text(f"import ser_bench\n{text}\n")
    # Where `make lint` has checked what these import, under the same settings.
    command = [sys.executable, "-m", "mypy", *(str(folder / name) for name in files)]
    return subprocess.run(command, cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True).stdout.splitlines()


def errors(checked, name):
    return [line.split("error: ")[1].split("  [")[0] for line in checked if f"{name}:" in line and "error: " in line]


def test_a_checker_finds_a_keyword_that_a_command_does_not_use(checked):
    assert errors(checked, "calls.py") == [
        f'Unexpected keyword argument "{key}" for "{command}"' for command, key in UNUSED if key != "corpus"
    ]


def test_a_checker_finds_a_wrong_value_and_a_wrong_name(checked):
    said = " ".join(errors(checked, "wrong.py"))
    assert 'Unexpected keyword argument "modelz" for "run"; did you mean "models"?' in said
    assert 'Argument "features" to "run" has incompatible type "int"' in said
    assert 'Argument "models" to "run" has incompatible type "DataFrame"' in " ".join(errors(checked, "frame.py"))
    assert not [line for line in checked if "right.py" in line]
