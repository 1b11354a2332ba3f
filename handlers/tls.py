"""What an address says for TLS: whether OpenSSL can use it, found without a connection. The server would seem to be away."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Said = Mapping[str, Any]


def _load_own(context: ssl.SSLContext, said: Said) -> None:
    password = said.get("ssl_password", "")  # without one OpenSSL would ask at the terminal
    context.load_cert_chain(said["ssl_certfile"], said.get("ssl_keyfile"), password)


TLS: Mapping[str, Callable[[ssl.SSLContext, Said], Any]] = {
    "ssl_ca_certs": lambda context, said: context.load_verify_locations(cafile=said["ssl_ca_certs"]),
    "ssl_ca_data": lambda context, said: context.load_verify_locations(cadata=said["ssl_ca_data"]),
    "ssl_ciphers": lambda context, said: context.set_ciphers(said["ssl_ciphers"]),
    "ssl_min_version": lambda context, said: setattr(context, "minimum_version", said["ssl_min_version"]),
    "ssl_certfile": _load_own,
    "ssl_keyfile": _load_own,
}


def faults(said: Said) -> Iterator[str]:
    """What is wrong with what an address says, by redis-py's names, whose files are there; the texts name no value."""
    for name, use in TLS.items():
        if name in said and not holds(use, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), said):
            yield f"{name} cannot be used for TLS: correct it"


def holds(use: Callable[..., Any], *given: Any) -> bool:
    """Whether it works, and does not say no."""
    try:
        return use(*given) is not False
    except (ValueError, TypeError, LookupError, OverflowError, OSError):
        return False
