"""What may stand behind the question mark of an address: names, what each means, and how its value is read."""

import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote_plus

from tasks.address.model import AddressError

VERSIONS = {
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
    str(int(ssl.TLSVersion.TLSv1_2)): ssl.TLSVersion.TLSv1_2,  # as redis-py has it
    str(int(ssl.TLSVersion.TLSv1_3)): ssl.TLSVersion.TLSv1_3,
}
TRUTHS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


LONGEST_SECONDS = 3600
"""A socket takes no number of seconds above some, and nobody waits for a Redis for longer."""


def _seconds(text: str) -> float:
    value = float(text)
    if not (0.001 <= value <= LONGEST_SECONDS):
        raise ValueError(text)
    return value


def _certificate(text: str) -> str:
    """none, optional or required, from redis-py's spelling or Celery's."""
    value = text.lower().removeprefix("cert_")
    if value not in ("none", "optional", "required"):
        raise ValueError(text)
    return value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)


def _name(text: str) -> str:
    """What Redis takes for a connection's name."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(text)
    return text


Read = Callable[[str], Any]

TLS: Mapping[str, tuple[Read, str]] = {
    "ssl_cert_reqs": (_certificate, "none, optional or required"),
    "ssl_ca_certs": (
        os.path.abspath,
        "a file",
    ),  # it is read with each connection, and a handler may go to another folder
    "ssl_ca_path": (os.path.abspath, "a folder"),
    "ssl_certfile": (os.path.abspath, "a file"),
    "ssl_keyfile": (os.path.abspath, "a file"),
    "ssl_check_hostname": (lambda text: TRUTHS[text.lower()], "true or false"),
    "ssl_ciphers": (str, "OpenSSL's names"),
    "ssl_min_version": (VERSIONS.__getitem__, "1.2 or 1.3"),
}
OPTIONS: Mapping[str, tuple[Read, str]] = {
    "socket_timeout": (_seconds, f"a number of seconds, from 0.001 to {LONGEST_SECONDS}"),
    "socket_connect_timeout": (_seconds, f"a number of seconds, from 0.001 to {LONGEST_SECONDS}"),
    "socket_keepalive": (lambda text: TRUTHS[text.lower()], "true or false"),
    "health_check_interval": (_count, "a whole number of seconds"),
    "client_name": (_name, "a name without spaces"),
}
SSL = {"ssl": (lambda text: TRUTHS[text.lower()], "true or false")}

EVERYWHERE = {"db": "db", "virtual_host": "db", "username": "username", "user": "username", "password": "password"}
OF_SENTINELS = {
    "master": "master",
    "master_name": "master",
    "sentinel_username": "sentinel_username",
    "sentinel_password": "sentinel_password",
    "ssl": "ssl",
}


def parameters(query: str, kind: str) -> Iterator[tuple[str, str]]:
    """Those of a query, each by its one name. Raises `AddressError` for one that is not known, and does not show it."""
    known = EVERYWHERE | {name: name for name in OPTIONS}
    if kind in ("tls", "sentinel"):
        known |= {name: name for name in TLS}
    if kind == "sentinel":
        known |= OF_SENTINELS
    for text in filter(None, query.split("&")):
        written, equals, value = text.partition("=")
        name = unquoted(written).lower()
        if name in known and equals:
            yield known[name], unquoted(value)
        elif name in TLS:
            raise AddressError(f"{name} is for rediss:// and sentinel:// only")
        else:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}=…?" if near else f"known are {', '.join(sorted(known))}"
            raise AddressError(f"it has a parameter after the question mark that is not known; {hint}")


def read(values: Mapping[str, str], of: Mapping[str, tuple[Read, str]]) -> dict[str, Any]:
    """The values of those that are in the table. Raises `AddressError` that names the parameter and what is expected."""
    found = {}
    for name, (reader, expected) in of.items():
        if name in values:
            try:
                found[name] = reader(values[name])
            except (ValueError, KeyError):
                raise AddressError(f"{name} has to be {expected}") from None
    return found


def tls(kind: str, values: Mapping[str, str]) -> dict[str, Any]:
    """redis-py's `ssl_…` arguments; the server's certificate is verified unless it is said otherwise."""
    given = read(values, TLS)
    wanted = read(values, SSL).get("ssl", bool(given)) if kind == "sentinel" else kind == "tls"
    return {"ssl_cert_reqs": "required", **given} if wanted else {}


def unquoted(text: str) -> str:
    """What was percent-quoted. Raises `AddressError` when that is not UTF-8."""
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise AddressError("what is percent-quoted in it is not UTF-8") from None
