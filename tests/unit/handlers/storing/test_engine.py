"""Addresses of databases: what is understood, and what is said of the others, which may hold a password."""

import os
import sys
from pathlib import Path

import pytest

from handlers import BadHandler
from handlers.storing.engine import address, connect
from handlers.storing.settings import settings


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("sqlite:///x.db", "sqlite"),
        ("postgresql://u:p@h/n", "postgresql+psycopg"),
        ("postgres://u:p@h/n", "postgresql+psycopg"),
        ("postgresql+psycopg2://u:p@h/n", "postgresql+psycopg2"),
        ("mysql://u:p@h/n", "mysql+pymysql"),
        ("mariadb://u:p@h/n?charset=utf8mb4", "mariadb+pymysql"),
    ],
)
def test_a_driver_of_the_extras_is_taken_where_none_is_named(text: str, driver: str) -> None:
    assert address(text).drivername == driver


@pytest.mark.parametrize("text", ["hush", "postgresql://u:hush@h:port/n"])
def test_what_is_no_address_is_not_shown(text: str) -> None:
    with pytest.raises(
        BadHandler, match=r"TIDINGS_DATABASE_URL is no SQLAlchemy URL: write sqlite:///tidings\.db"
    ) as caught:
        connect(address(text))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hidden", "said"),
    [
        ("postgresql://u:hush@h/n", "psycopg", "psycopg, which is not installed: pip install 'tidings[postgresql]'"),
        ("mariadb://u:hush@h/n", "pymysql", "pymysql, which is not installed: pip install 'tidings[mariadb]'"),
        (
            "postgresql+pg8000://u:hush@h/n",
            "pg8000",
            "pg8000, which is not installed: pip install pg8000",
        ),
        ("hush://u:hush@h/n", "hush", "SQLAlchemy knows no such kind of database here"),
        ("oracle+cx_oracle://u:hush@h/n", "cx_Oracle", "oracle is none of the databases that are known here: SQLite, "),
        ("mssql+pyodbc://u:hush@h/n", "pyodbc", "mssql is none of the databases that are known here: SQLite, "),
        (
            "postgresql+asyncpg://u:hush@h/n",
            "asyncpg",
            "a driver for asyncio, which is not used here: write postgresql://",
        ),
        (
            "postgresql+psycopg_async://u:hush@h/n",
            "hush",
            "a driver for asyncio, which is not used here: write postgre",
        ),
    ],
)
def test_what_is_missing_is_told_of_without_the_address(
    monkeypatch: pytest.MonkeyPatch, text: str, hidden: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, hidden, None)
    with pytest.raises(BadHandler) as caught:
        connect(address(text))
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)


def test_settings_have_defaults_and_topics_are_taken_apart() -> None:
    assert (str(settings({}).url), settings({}).topics) == (f"sqlite:///{Path.cwd() / 'tidings.db'}", ("*",))
    for url in ("sqlite:////var/lib/tidings.db", "sqlite:///file:/a.db?uri=true", "sqlite:///file:///a.db?uri=true"):
        assert str(settings({"TIDINGS_DATABASE_URL": url}).url) == url
    assert settings({"TIDINGS_DATABASE_TOPICS": "a, b_*,,a"}).topics == ("a", "b_*")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:a?mode=memory&uri=true",
    ],
)
def test_a_database_in_memory_is_refused_as_it_would_lose_what_was_confirmed(url: str) -> None:
    with pytest.raises(BadHandler, match=r"TIDINGS_DATABASE_URL names no file, .* write sqlite:///tidings\.db"):
        settings({"TIDINGS_DATABASE_URL": url})


@pytest.mark.parametrize("url", ["sqlite://hush.db/y", "sqlite:///x.db?timeout=hush"])
def test_an_address_that_its_driver_refuses_is_told_with_what_to_write(url: str) -> None:
    with pytest.raises(
        BadHandler, match=r"TIDINGS_DATABASE_URL is no SQLAlchemy URL: write sqlite:///tidings\.db"
    ) as told:
        connect(settings({"TIDINGS_DATABASE_URL": url}).url)
    assert "hush" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.db", "a.db"),
        ("file:a.db", "file:a.db"),
        ("file:a.db?uri=no", "file:a.db"),
        ("file:a%20b.db?uri=true", "a b.db"),
        ("file:x/a.db?uri=true", "x/a.db"),
    ],
)
def test_a_file_of_sqlites_is_found_from_where_the_process_began(
    name: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "with space" / "x"
    here.mkdir(parents=True)
    monkeypatch.chdir(here.parent)
    engine = connect(settings({"TIDINGS_DATABASE_URL": f"sqlite:///{name}"}).url)
    monkeypatch.chdir(os.sep)
    with engine.connect():
        pass
    engine.dispose()
    assert (here.parent / path).is_file()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://h/n?sslrootcert=ca.pem&sslmode=verify-full", "sslrootcert"),
        ("postgresql://h/n?sslkey=ca.pem", "sslkey"),
        ("mariadb://h/n?ssl_ca=ca.pem", "ssl_ca"),
        ("mariadb://h/n?ssl_capath=ca.pem", "ssl_capath"),
    ],
)
def test_certificates_are_found_from_where_the_process_began(
    url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Path.cwd()
    found = settings({"TIDINGS_DATABASE_URL": url}).url
    monkeypatch.chdir(os.sep)
    assert found.query[name] == str(begun / "ca.pem")


def test_a_certificate_that_is_named_by_a_word_of_the_drivers_stays_so() -> None:
    found = settings({"TIDINGS_DATABASE_URL": "postgresql://h/n?sslrootcert=system"}).url
    assert found.query["sslrootcert"] == "system"


@pytest.mark.parametrize("topics", ["taobao_* qianmi_*", "a;b", "a|b", "a\tb", ",", " , "])
def test_topics_that_are_not_listed_between_commas_are_refused(topics: str) -> None:
    with pytest.raises(BadHandler, match=r"TIDINGS_DATABASE_TOPICS: .* write topics and patterns between commas"):
        settings({"TIDINGS_DATABASE_TOPICS": topics})
