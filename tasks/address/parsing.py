"""Takes an address apart.

urllib's own way is not used: a password that is not quoted ends up in host, port, path or fragment there, and in the text of
the error. Here it is refused, with what to do about it and without a part of it.
"""

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

from tasks.address.model import Address, AddressError, Login
from tasks.address.parameters import OPTIONS, parameters, read, tls

KINDS = {"redis": "tcp", "rediss": "tls", "unix": "unix", "redis+socket": "unix", "sentinel": "sentinel"}
PORT, SENTINEL_PORT = 6379, 26379
LAST_PORT, LAST_DATABASE = 65535, 2**31 - 1
QUOTE = (
    "in a user name or password / ? # [ ] @ % and spaces have to be percent-quoted (%2F %3F %23 %5B %5D %40 %25 %20)"
)

LOGIN = r"(?:(?P<login>[^@/?#\[\]]*)@)?"
QUERY = r"(?:\?(?P<query>[^?@]*))?"
AT_HOST = re.compile(
    LOGIN + r"(?P<host>\[[^\[\]@/?]*\]|[^\[\]@/?:]*)(?::(?P<port>[^\[\]@/?]*))?(?P<path>/[^?@]*)?" + QUERY
)
AT_PATH = re.compile(LOGIN + r"(?P<path>/[^?]+)" + QUERY)
HALF_QUOTED = re.compile(r"%(?![0-9A-Fa-f]{2})")
HOST = re.compile(r"[\w.-]+")


def is_redis(url: str) -> bool:
    """Whether an address is written as a Redis's."""
    return url.strip().partition("://")[0].lower() in KINDS


def parse(url: str) -> Address:
    """The address that was written. Raises `AddressError`."""
    scheme, found, rest = url.strip().partition("://")
    kind = KINDS.get(scheme.lower())
    if not found or kind is None:
        raise AddressError("the address has to begin with redis://, rediss://, unix:// or sentinel://")
    plain(rest)
    if kind == "unix":
        match = AT_PATH.fullmatch(rest)
        if match is None:
            raise AddressError(f"a unix socket is written as unix:///path/of/socket?db=0; {QUOTE}")
        return _address(kind, [match], path=_path(match["path"]))
    texts = re.split(r";(?:sentinel://)?", rest, flags=re.IGNORECASE) if kind == "sentinel" else [rest]
    matches = [match for text in texts if (match := AT_HOST.fullmatch(text))]
    if len(matches) < len(texts):
        raise AddressError(f"it cannot be taken apart: {QUOTE}")
    return _address(kind, matches, hosts=tuple(_host(each, kind) for each in matches))


def plain(rest: str) -> None:
    """Raises `AddressError` for characters that no address can have."""
    if any("\ud800" <= char <= "\udfff" for char in rest):
        raise AddressError("it is not UTF-8")
    if "#" in rest or HALF_QUOTED.search(rest) or not rest.isprintable() or any(char.isspace() for char in rest):
        raise AddressError(f"it has characters that cannot stand there: {QUOTE}")


def _address(kind: str, pieces: list[re.Match[str]], **where: Any) -> Address:
    """What the pieces say together; what several of them say has to be the same."""
    said: dict[str, set[str]] = {}
    for piece in pieces:
        if piece["login"]:
            user, _, password = piece["login"].partition(":")
            said.setdefault("username", set()).add(_unquoted(user))
            said.setdefault("password", set()).add(_unquoted(password))
        if kind != "unix" and (piece["path"] or "").strip("/"):
            said.setdefault("db", set()).add(_unquoted(piece["path"]).strip("/"))
        for name, value in parameters(piece["query"] or "", kind):
            said.setdefault(name, set()).add(value)
    if twice := sorted(name for name, values in said.items() if len(values) > 1):
        raise AddressError(f"it says two things of {', '.join(twice)}")
    values = {name: next(iter(found)) for name, found in said.items()}
    if kind == "sentinel" and not values.get("master"):
        raise AddressError("it names sentinels but no master: add ?master=NAME at its end")
    return Address(
        kind,
        database=_database(values.get("db", "0")),
        login=Login(values.get("username", ""), values.get("password", "")),
        master=values.get("master", ""),
        sentinel_login=Login(values.get("sentinel_username", ""), values.get("sentinel_password", "")),
        tls=tls(kind, values),
        options=read(values, OPTIONS),
        **where,
    )


def _database(text: str) -> int:
    text = text.strip("/") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= LAST_DATABASE):
        raise AddressError(f"the database has to be a number, as in redis://host:6379/0; {QUOTE}")
    return int(text)


def _host(piece: re.Match[str], kind: str) -> tuple[str, int]:
    written, port = piece["host"], piece["port"]
    if port and not (port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) <= LAST_PORT):
        raise AddressError(f"the port has to be a number from 1 to {LAST_PORT}; {QUOTE}")
    host = _unquoted(written.strip("[]")) or "127.0.0.1"
    if written.startswith("["):
        try:
            ip_address(host)
        except ValueError:
            raise AddressError("what stands in [ ] has to be an IPv6 address") from None
    elif not HOST.fullmatch(host) or not nameable(host):
        raise AddressError(f"the host has to be a name or an address; {QUOTE}")
    return host, int(port) if port else SENTINEL_PORT if kind == "sentinel" else PORT


def nameable(host: str) -> bool:
    """Whether the system can be asked for a host of this name: Python raises no `OSError` where a part is empty or too long."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _path(written: str) -> str:
    path = _unquoted(written)
    if "\0" in path:
        raise AddressError("the path of the socket has a character that no path can have")
    return path


def _unquoted(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise AddressError("what is percent-quoted in it is not UTF-8") from None
