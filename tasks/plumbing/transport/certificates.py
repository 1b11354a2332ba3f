"""TLS to RabbitMQ: whom to verify, and what to do about a certificate that is refused, by either side."""

import ssl
from collections.abc import Mapping
from typing import Any

UNKNOWN = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's codes of a chain that leads to no CA that is known here (`X509_V_ERR_…` in x509_vfy.h)."""

EXPIRED, NOT_YET, OTHER_NAME = 10, 9, frozenset({62, 64})

VERIFIED: Mapping[str, Any] = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}
"""What py-amqp is told where nothing was said: by itself it does not compare names."""

BY_THEM = {
    "CERTIFICATE_REQUIRED": "RabbitMQ wants a client certificate: give one with ssl_certfile= and ssl_keyfile= in the address",
    "ALERT_UNKNOWN_CA": "RabbitMQ does not know the CA of the client certificate: its `ssl_options.cacertfile` has to hold it",
    "ALERT_BAD_CERTIFICATE": "RabbitMQ refuses the client certificate of ssl_certfile: its log says why",
    "ALERT_CERTIFICATE_EXPIRED": "the client certificate of ssl_certfile has expired: renew it",
    "HANDSHAKE_FAILURE": "RabbitMQ ends it: it may want a client certificate (ssl_certfile= and ssl_keyfile= in the address)",
    "WRONG_VERSION_NUMBER": "nobody speaks TLS at this port: RabbitMQ's for it is 5671 as a rule (`listeners.ssl.default`)",
}


class TlsRefused(ConnectionError):
    """A TLS connection that did not come about; the text says what to do."""


def arguments(given: Any, host: str) -> dict[str, Any]:
    """py-amqp's arguments for a connection to this host, from what was given: a dictionary, or True."""
    found = dict(given) if isinstance(given, dict) else dict(VERIFIED)
    if "server_hostname" in found:
        found["server_hostname"] = host
    return found


def told(error: ssl.SSLError, host: str) -> str:
    """What is the matter with a TLS connection to this host, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is refused, {error.verify_message}: {_todo(error.verify_code, host)}"
    reason = error.reason or ""
    if isinstance(error, ssl.SSLEOFError):
        reason = "HANDSHAKE_FAILURE"
    said = next((todo for part, todo in BY_THEM.items() if part in reason), None)
    return f"no TLS connection to {host}: {said or reason or error}"


def _todo(code: int, host: str) -> str:
    if code in UNKNOWN:
        return "name the file of the CA that has signed it, with ssl_ca_certs= in the address"
    if code in OTHER_NAME:
        return f"it is made out to another name; write the address with one of its names, or have {host} added to them"
    if code in (EXPIRED, NOT_YET):
        return "have RabbitMQ's renewed, unless the clock of this machine is wrong"
    return "have RabbitMQ's mended, or name the right CA with ssl_ca_certs= in the address"
