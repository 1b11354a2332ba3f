"""Addresses that can only fail, refused at the start without a connection, and those that may well work."""

import os
import socket
import sqlite3
from pathlib import Path

import pytest

from handlers import BadHandler
from handlers.storing.refused import check
from handlers.storing.settings import settings

POSTGRES = "postgresql://u:hunter2@127.0.0.1:1/n"
MARIA = "mariadb://u:hunter2@127.0.0.1:1/n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, where nobody connects to anything by TCP."""

    def connect(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("hunter2: this is no database")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "a.db")
    made = sqlite3.connect(tmp_path / "there.db")
    made.execute("CREATE TABLE a (b)")
    made.close()
    return tmp_path


def checked(url: str) -> None:
    check(settings({"TIDINGS_DATABASE_URL": url}).url)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///a.db",
        "sqlite:///there.db",
        "sqlite:///empty",
        "sqlite:///link",
        "sqlite:///folder/a.db?timeout=20&check_same_thread=false",
        "sqlite+pysqlite:///a.db?isolation_level=IMMEDIATE",
        "sqlite:///file:a%20b.db?uri=true&cache=private&psow=0",
        "sqlite:///file:there.db?uri=true&mode=rw",
        "sqlite:///file:a.db",
        POSTGRES,
        "postgresql://u:p%40%2F%E9%9B%A8@[::1]:5432/n?sslmode=require&application_name=shop&connect_timeout=2.5",
        "postgresql://",
        "postgresql:///n?host=/run/postgresql",
        "postgresql://u@%2Frun%2Fpostgresql/n",
        "postgresql:///n?host=a:1&host=b:2&target_session_attrs=read-write&load_balance_hosts=random",
        "postgresql:///n?hostaddr=192.0.2.1,192.0.2.2",
        f"{POSTGRES}?keepalives=1&keepalives_idle=30&tcp_user_timeout=9000",
        f"{POSTGRES}?sslmode=verify-full&sslrootcert=system",
        f"{POSTGRES}?sslmode=verify-full&sslrootcert=text",
        f"{POSTGRES}?sslnegotiation=direct&sslmode=require",
        f"{POSTGRES}?gssencmode=require",
        f"{POSTGRES}?options=-csearch_path%3Dshop&client_encoding=utf8&autocommit=1",
        f"{POSTGRES}?conninfo=application_name%3Dshop",
        MARIA,
        "mysql+pymysql://u:p%40%2F%C3%BC@[::1]/n?charset=utf8mb4&connect_timeout=3&read_timeout=9&local_infile=0",
        f"{MARIA}?unix_socket=/run/mysqld.sock&collation=utf8mb4_bin&use_unicode=1&compress=0",
        f"{MARIA}?ssl_capath=folder&ssl_check_hostname=true&program_name=shop",
        f"{MARIA}?ssl_verify_cert=true&init_command=SET%20NAMES%20utf8mb4&client_flag=2",
    ],
)
def test_what_may_work_is_taken_and_nothing_is_made(url: str, here: Path) -> None:
    before = sorted(here.rglob("*"))
    checked(url)
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "sqlite:///~/a.db",
            "the folder of its file does not exist: make it, or write another path, in full and without ~",
        ),
        ("sqlite:///hunter2/a.db", "the folder of its file does not exist"),
        ("sqlite:////dev/null/a.db", "the folder of its file does not exist"),
        ("sqlite:///file:hunter2/a.db?uri=true", "the folder of its file does not exist"),
        ("sqlite:///folder", "what it names is there and is no file"),
        ("sqlite:////dev/null", "what it names is there and is no file"),
        ("sqlite:///text", "what it names is there and is no database of SQLite's"),
        (
            "sqlite:///file:a.db?uri=true&mode=hunter2",
            "SQLite does not take the mode that it has behind the question mark",
        ),
        ("sqlite:///file:a.db?uri=true&vfs=hunter2", "SQLite does not take the vfs"),
        ("sqlite:///file:a.db?uri=true&cache=hunter2", "SQLite does not take the cache"),
        ("sqlite:///file:a.db?mode=rw&uri=hunter2", "SQLite does not take the uri"),
        ("sqlite:///file:a.db?uri=true&mode=rw", "its file does not exist, and mode=rw does not make it"),
        ("sqlite:///file:there.db?uri=true&mode=ro", "opened for reading only: leave mode=ro and immutable out"),
        ("sqlite:///file:there.db?uri=true&immutable=1", "opened for reading only: leave mode=ro and immutable out"),
        ("sqlite:///file://hunter2/a.db?uri=true", "SQLite knows no hosts: write sqlite:///file:/path"),
        ("sqlite:///a.db?timeout=hunter2", "SQLite does not take the timeout"),
        ("sqlite:///a.db?timeout=1&timeout=2", "SQLite does not take the timeout"),
        ("sqlite:///a.db?cached_statements=99999999999", "SQLite does not take the cached_statements"),
        (
            f"{POSTGRES}?hunter2=3",
            "psycopg does not know an option that it has behind the question mark: correct it, or leave",
        ),
        (
            f"{POSTGRES}?sslmod=require",
            r"psycopg does not know an option .* \(did you mean sslmode\?\): correct it, or leave",
        ),
        (
            f"{POSTGRES}?sslmode=hunter2",
            "psycopg does not take the sslmode that it has behind the question mark: correct it",
        ),
        (f"{POSTGRES}?application_name=x&connect_timeout=soon", "psycopg does not take the connect_timeout"),
        (f"{POSTGRES}?keepalives_idle=soon", "psycopg does not take the keepalives_idle"),
        (f"{POSTGRES}?target_session_attrs=x", "psycopg does not take the target_session_attrs"),
        (f"{POSTGRES}?ssl_min_protocol_version=x", "psycopg does not take the ssl_min_protocol_version"),
        (f"{POSTGRES}?service=hunter2", "psycopg does not take the service"),
        (f"{POSTGRES}?prepare_threshold=5", "psycopg does not take the prepare_threshold"),
        (f"{POSTGRES}?row_factory=x", "psycopg does not take the row_factory"),
        (
            f"{POSTGRES}?sslmode=require&sslrootcert=system",
            "does not take together what it has behind the question mark",
        ),
        (
            f"{POSTGRES}?sslmode=verify-full&sslrootcert=hunter2",
            "there is no file that can be read where sslrootcert says",
        ),
        ("postgresql://u:hunter2@h:99999/n", "psycopg cannot use its user, password, host or port: correct them"),
        ("postgresql://u:hunter2@a..b/n", "psycopg cannot use its user, password, host or port"),
        ("postgresql:///n?host=/run&port=99999", "psycopg does not take the port"),
        (
            f"{MARIA}?retry=3",
            "pymysql does not know an option that it has behind the question mark: correct it, or leave",
        ),
        (
            f"{MARIA}?chraset=utf8",
            r"pymysql does not know an option .* \(did you mean charset\?\): correct it, or leave",
        ),
        (
            f"{MARIA}?charset=hunter2",
            "pymysql does not take the charset that it has behind the question mark: correct it",
        ),
        (f"{MARIA}?connect_timeout=soon", "pymysql does not take the connect_timeout"),
        (f"{MARIA}?connect_timeout=0", "pymysql does not take the connect_timeout"),
        (f"{MARIA}?ssl_ca=hunter2", "pymysql does not take the ssl_ca"),
        (f"{MARIA}?ssl_capath=hunter2", "there is no such folder as ssl_capath says"),
        (f"{MARIA}?ssl_cipher=hunter2", "pymysql does not take the ssl_cipher"),
        (f"{MARIA}?ssl=true", "pymysql does not take the ssl that"),
        (f"{MARIA}?compress=1", "pymysql does not take the compress"),
        (f"{MARIA}?use_unicode=0", "pymysql does not take the use_unicode"),
        (f"{MARIA}?cursorclass=x", "pymysql does not take the cursorclass"),
        (f"{MARIA}?defer_connect=1", "pymysql does not take the defer_connect"),
        (f"{MARIA}?port=3307", "pymysql does not take the port"),
        ("mariadb://u:hunter2@h:99999/n", "pymysql cannot use its user, password, host or port"),
        ("mariadb://u:hunter2@a..b/n", "pymysql cannot use its user, password, host or port"),
        ("mariadb://u:%E9%9B%A8hunter2@h/n", "passwords are of Latin-1's characters"),
    ],
)
def test_what_can_only_fail_is_refused_with_what_to_do_and_without_the_address(url: str, said: str) -> None:
    with pytest.raises(BadHandler, match=f"^TIDINGS_DATABASE_URL.*{said}") as caught:
        checked(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("name", "denied"), [("folder/a.db", "folder"), ("there.db", "there.db"), ("there.db", "")])
def test_what_this_user_may_not_write_is_refused(
    name: str, denied: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: path != here / denied)  # root may do everything
    with pytest.raises(BadHandler, match="may not write to its file, or not in its folder"):
        checked(f"sqlite:///{name}")


@pytest.mark.parametrize(
    ("url", "write"),
    [
        (f"{MARIA}?charset=utf8", "write charset=utf8mb4, or leave it out"),
        (f"{MARIA}?charset=UTF8MB3", "write charset=utf8mb4, or leave it out"),
        ("mysql://u:p@h/n?charset=gbk&connect_timeout=3", "write charset=utf8mb4, or leave it out"),
        (f"{POSTGRES}?client_encoding=GBK", "write client_encoding=utf8, or leave it out"),
        (f"{POSTGRES}?client_encoding=latin-1", "write client_encoding=utf8, or leave it out"),
    ],
)
def test_an_encoding_that_lacks_characters_is_refused(url: str, write: str) -> None:
    """MariaDB's utf8 has none of four bytes: each message with an emoji would be buried."""
    with pytest.raises(BadHandler, match=write) as told:
        checked(url)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [f"{MARIA}?charset=UTF8MB4", *(f"{POSTGRES}?client_encoding={name}" for name in ("UTF-8", "utf_8", "GB18030"))],
)
def test_one_that_has_them_all_is_not(url: str) -> None:
    checked(url)
