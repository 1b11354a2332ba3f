"""What an address of a Redis can only fail with, found without a connection: redis-py takes it, and fails with each command."""

import codecs
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import Any

from handlers.environment import LAST_PORT
from handlers.tls import Said, holds

OBJECTS = (
    "retry",
    "credential_provider",
    "redis_connect_func",
    "command_packer",
    "event_dispatcher",
    "socket_keepalive_options",
    "socket_type",
    "maint_notifications_config",
    "oss_cluster_maint_notifications_handler",
    "cache_config",
    "ssl_ocsp_context",
)
"""What redis-py takes from a program only."""

UNREAD = re.compile(r"Invalid value for '(\w+)'")


def _is_seconds(value: float) -> bool:
    return 0 < value <= TIMEOUT_MAX  # a socket raises for more, and waits for nothing with 0


def _is_port(value: int | str) -> bool:
    try:
        return 0 < int(value) <= LAST_PORT
    except ValueError:
        return bool(socket.getservbyname(str(value)))  # which the system knows by name


def _is_name(value: str) -> bool:
    return value.isascii() and value.isprintable() and " " not in value


KINDS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "socket_timeout": (_is_seconds, "a number of seconds, more than 0"),
    "socket_connect_timeout": (_is_seconds, "a number of seconds, more than 0"),
    "socket_read_size": (lambda value: 0 < value < 2**30, "a whole number of bytes, 1 or more, and below 2**30"),
    "db": (lambda value: value >= 0, "the number of a database, 0 or more"),
    "port": (_is_port, f"a number from 1 to {LAST_PORT}"),
    "client_name": (_is_name, "a name without spaces, of ASCII's characters"),
    "encoding_errors": (codecs.lookup_error, "one of Python's words for it, such as strict"),
    "path": (lambda value: not Path(value).is_dir(), "that of a socket, as in unix:///run/redis.sock"),
    "host": (lambda value: value.encode("idna"), "a name or an address that the system can be asked for"),
}


def faults(said: Said) -> Iterator[str]:
    """What is wrong with what an address says, by redis-py's names; the texts name no value."""
    for name in OBJECTS:
        if name in said:
            yield f"{name} is nothing that an address can say: leave it out"
    for name, (fits, expected) in KINDS.items():
        if name in said and not holds(fits, said[name]):
            yield f"{name} has to be {expected}"


def unread(error: Exception) -> str:
    """What redis-py could not read, from what it raised; "" where it says none of it."""
    found = UNREAD.search(str(error))
    if found is None:
        return ""
    _, expected = KINDS.get(found[1], (None, "a number, or another word"))
    return f"{found[1]} has to be {expected}"
