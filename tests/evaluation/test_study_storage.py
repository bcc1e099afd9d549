"""What is shown of a database's URL: never its password, in no form of URL, file or message."""

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.errors import WrongCall
from ser_bench.evaluation.study_storage import open_storage, shown_command, shown_url, without_command_secrets, without_secrets

URLS = [
    "postgresql://db/x?user=me&password=hunter2",
    "postgresql://me:pass hunter2@db/x",
    "postgresql://me:p@hunter2@db/x",
    "postgresql://me:p%40hunter2@db/x",
    "postgresql://me:a/hunter2@db/x",
    "postgresql://me:a?hunter2@db/x",
    "postgresql://me:a?b=hunter2@db/x",
    "postgresql://me:a#hunter2@db/x",
    "postgresql://me:a:hunter2@db/x",
    "postgresql://:hunter2@db/x",
    "postgresql+psycopg2://me:hunter2@[::1]:5432/x",
    "mysql://me:hunter2@db:port/x",
    "mysql:/me:hunter2@db/x",
    "me:hunter2@db/x",
    "sqlite:///file:s.db?uri=true&password=hunter2",
    "sqlite:///file:s.db?key=hunter2",
    "postgresql:///dbname=x;password=hunter2",
    "postgresql:///dbname=x password=hunter2",
    "postgresql:///x%20password%3Dhunter2",
    "postgresql:///?service=a&sslpassword=hunter2&sslpassword=b",
    "mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BX%7D%3BPWD%3Dhunter2",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("form", [["--storage", "{}"], ["--storage={}"], ["{}"]])
def test_no_form_of_url_shows_its_password(url, form):
    arguments = ["run", "tones", *(part.format(url) for part in form)]
    if form == ["{}"] and not ("://" in url and "@" in url):
        return  # no option's value, and no URL with a password: nothing that a database would be opened with
    assert "hunter2" not in " ".join(shown_command(arguments))
    assert "hunter2" not in without_command_secrets(f"got unexpected extra argument ({arguments[-1]})", arguments)
    assert "hunter2" not in shown_url(url)


@pytest.mark.parametrize("url", URLS)
def test_no_message_of_a_database_that_cannot_be_opened_shows_its_password(url):
    with pytest.raises(WrongCall) as caught:
        open_storage(url.replace("sqlite:///", "sqlite:////nowhere/to/be/found/"))
    assert "hunter2" not in str(caught.value)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), min_size=1, max_size=12).map(lambda text: f"zq{text}qz")


@given(WORDS, st.sampled_from([lambda word: quote(word, safe=""), quote_plus, lambda word: word]), st.booleans())
def test_any_password_is_hidden_however_it_is_written(word, write, in_query):
    url = f"mysql://db/x?password={write(word)}" if in_query else f"mysql://me:{write(word)}@db/x"
    assert word not in shown_url(url)
    assert write(word) not in shown_url(url)
    assert "zq" not in " ".join(shown_command(["--storage", url]))


def test_what_holds_no_secret_is_shown():
    assert shown_url("sqlite:///studies.db") == "sqlite:///studies.db"
    assert shown_url("postgresql://me@host:5432/studies?sslmode=require") == "postgresql://me@host:5432/studies?sslmode=require"
    assert shown_command(["run", "a=b", "--scheduler", "tcp://host:8786"]) == ["run", "a=b", "--scheduler", "tcp://host:8786"]


def test_an_error_that_quotes_the_password_does_not_reach_anybody():
    url = "postgresql://me:p%40ss%20word@db/x"
    assert without_secrets(f"cannot log in with 'p@ss word' ({url}, p%40ss+word)", url) == (
        "cannot log in with '***' (postgresql://me:***@db/x, ***)"
    )
