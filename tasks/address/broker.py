"""A broker that is no Redis: its address is looked at, and goes to Celery as it is but for what RabbitMQ's says of TLS."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.address.model import AddressError
from tasks.address.parameters import TLS, read, unquoted
from tasks.address.parsing import LOGIN, QUOTE, nameable, plain

PLAIN, SECURE = ("amqp", "pyamqp", "librabbitmq"), ("amqps",)
AMQP = (*PLAIN, *SECURE)
HOST = re.compile(LOGIN + r"(?:\[[^\[\]@/?]*\]|(?P<host>[^\[\]@/?:]*))(?::\d*)?(?:/[^?@]*)?(?:\?(?P<query>[^?@]*))?")
NODES = re.compile(rf";(?:({'|'.join(AMQP)})://)?", re.IGNORECASE)

AMQP_TLS = {name: TLS[name] for name in TLS if name != "ssl_ca_path"}
"""py-amqp knows no folder of certificates."""

REQUIREMENTS = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


@dataclass(frozen=True, slots=True)
class Amqp:
    """RabbitMQ's address: `url` as Celery takes it, all nodes with their schemes; `files` by the parameters that name them,
    and `tls`, py-amqp's arguments, empty without TLS. `server_hostname` is among these where the name is to be verified."""

    url: str = field(repr=False)
    tls: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def is_amqp(url: str) -> bool:
    """Whether an address is written as RabbitMQ's."""
    return url.strip().partition("://")[0].lower() in AMQP


def looked_at(url: str) -> None:
    """Raises `AddressError` when Celery could not use the address; shows no part of it."""
    from kombu import Connection
    from kombu.transport import TRANSPORT_ALIASES

    scheme = url.partition("://")[0].lower()
    if "://" not in url or scheme.partition("+")[0] not in TRANSPORT_ALIASES:
        raise AddressError("the address has to begin as one of Celery's brokers do, such as redis:// or amqp://")
    if is_amqp(url):
        url = amqp(url).url
    try:
        Connection(url)
    except ImportError as error:
        raise AddressError(f"this broker needs a package that is not installed: {error.name}") from None
    except Exception:
        raise AddressError(f"Celery cannot read it: {QUOTE}") from None


def amqp(url: str) -> Amqp:
    """RabbitMQ's address, one node or several. Raises `AddressError`, which shows no part of it."""
    scheme, _, rest = url.strip().partition("://")
    pieces = NODES.split(rest)
    schemes = [scheme.lower(), *((each or scheme).lower() for each in pieces[1::2])]
    if len({each in SECURE for each in schemes}) > 1:
        raise AddressError("either all of its nodes are written with amqps:// or none")
    secure, said, nodes = schemes[0] in SECURE, dict[str, str](), []
    for each, piece in zip(schemes, pieces[::2], strict=True):
        nodes.append(f"{each}://{_node(piece, secure, said)}")
    values = read(said, AMQP_TLS)
    files = {name: path for name, path in values.items() if AMQP_TLS[name][1] == "a file"}
    return Amqp(";".join(nodes), _arguments(values, files) if secure else {}, files)


def _node(piece: str, secure: bool, said: dict[str, str]) -> str:
    """One node without what it says of TLS, which is noted in `said`."""
    plain(piece)
    match = HOST.fullmatch(piece)
    if match is None:
        raise AddressError(f"it cannot be taken apart: {QUOTE}")
    if not nameable(match["host"] or ""):
        raise AddressError(f"the host has to be a name or an address; {QUOTE}")
    where, _, query = piece.partition("?")
    others = []
    for text in filter(None, query.split("&")):
        name, _, value = text.partition("=")
        if not name.lower().startswith("ssl"):
            others.append(text)
            continue
        name, value = name.lower(), unquoted(value)
        if name not in AMQP_TLS:
            raise AddressError(f"for TLS, RabbitMQ's address has amqps:// and knows {', '.join(sorted(AMQP_TLS))}")
        if not secure:
            raise AddressError(f"{name} is for amqps:// only")
        if said.setdefault(name, value) != value:
            raise AddressError(f"it says two things of {name}")
    return where + ("?" + "&".join(others) if others else "")


def _arguments(values: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """py-amqp's arguments. Certificate and name of the server are verified unless it is said otherwise."""
    wanted = REQUIREMENTS[values.get("ssl_cert_reqs", "required")]
    found: dict[str, Any] = {name.removeprefix("ssl_"): path for name, path in files.items()}
    found["cert_reqs"] = wanted
    if wanted is not ssl.CERT_NONE and values.get("ssl_check_hostname", True):
        found["server_hostname"] = None  # kombu puts the node's there
    if "ssl_ciphers" in values:
        found["ciphers"] = values["ssl_ciphers"]
    if "ssl_min_version" in values:
        found["tls_minimum_version"] = values["ssl_min_version"]
    return found
