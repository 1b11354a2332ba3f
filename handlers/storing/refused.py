"""Refusing at the start an address that can only fail, with each message then. A database that is away is no such fault."""

from collections.abc import Sequence
from difflib import get_close_matches

from sqlalchemy import Dialect
from sqlalchemy.engine import URL

from handlers.errors import BadHandler
from handlers.storing.asking import ask, known
from handlers.storing.engine import VARIABLE, connect
from handlers.storing.files import check_certificates, check_file

COMPLETE = {"charset": ("utf8mb4", "gb18030"), "client_encoding": ("utf8", "unicode", "gb18030", "auto")}
"""What names an encoding to the drivers of MariaDB and PostgreSQL: those that have every character, the first is told."""


def check(url: URL) -> None:
    """Raise `BadHandler` for an address that can only fail; the text shows nothing of it. Nothing is connected to or made."""
    bare = url.set(query={})
    dialect = connect(bare).dialect
    if _fails(bare):
        latin = "passwords are of Latin-1's characters, and " if dialect.driver == "pymysql" else ""
        raise BadHandler(
            f"{VARIABLE}: {_called(dialect)} cannot use its user, password, host or port: correct them; "
            f"{latin}/ ? # [ ] @ % in them have to be percent-quoted"
        )
    if _fails(url):
        uri = {"uri": url.query["uri"]} if dialect.name == "sqlite" and "uri" in url.query else {}  # others hang on it
        wrong = [name for name in (*uri, *url.query) if _fails(bare.set(query={**uri, name: url.query[name]}))]
        raise BadHandler(f"{VARIABLE}: {_told(wrong, dialect)}")
    for option, names in COMPLETE.items():
        if option in url.query and str(url.query[option]).lower().replace("-", "").replace("_", "") not in names:
            raise BadHandler(
                f"{VARIABLE}: its {option} lacks characters that messages have, as emoji, and each such would be buried: "
                f"write {option}={names[0]}, or leave it out"
            )
    if dialect.driver == "pysqlite":
        [name], arguments = dialect.create_connect_args(url)
        check_file(name, bool(arguments.get("uri")))
    check_certificates(url.query)


def _fails(url: URL) -> bool:
    """Whether the driver refuses it; what it says of that may show values."""
    try:
        engine = connect(url)
        ask(engine.dialect, engine.url)
    except Exception:
        return True
    return False


def _told(wrong: Sequence[str], dialect: Dialect) -> str:
    """What to say of these options. The name of one that the driver does not know may be a part of a password."""
    driver = _called(dialect)
    if not wrong:
        return f"{driver} does not take together what it has behind the question mark: leave some of it out"
    names = known(dialect)
    if not names or wrong[0] in names:
        return (
            f"{driver} does not take the {wrong[0]} that it has behind the question mark: correct it, or leave it out"
        )
    near = get_close_matches(wrong[0], names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{driver} does not know an option that it has behind the question mark{hint}: correct it, or leave it out"


def _called(dialect: Dialect) -> str:
    return "SQLite" if dialect.driver == "pysqlite" else dialect.driver
