"""Signatures of Standard Webhooks (https://www.standardwebhooks.com), version 1: HMAC-SHA256 over `id.timestamp.body`."""

import binascii
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import lru_cache

from handlers.errors import HandlersError

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
"""As the specification has it."""

WRITE = 'write whsec_ and 24 to 64 random bytes as base64; a new one: echo "whsec_$(head -c 32 /dev/urandom | base64)"'


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with each of the keys, so that a receiver may change from one to the next."""

    keys: tuple[bytes, ...] = field(repr=False)

    def headers(self, id_: str, timestamp: int, body: bytes) -> dict[str, str]:
        """The three headers of a post of this body, at a time in seconds since the epoch."""
        signed = b"%b.%d.%b" % (id_.encode(), timestamp, body)
        signatures = (b64encode(hmac.digest(key, signed, "sha256")).decode() for key in self.keys)
        return {
            "webhook-id": id_,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
        }


@lru_cache(10_000)  # an account's own is asked for with each of its messages
def signer(secret: str, variable: str) -> Signer:
    """What signs with a secret, or with several, between spaces. Raises `HandlersError` for what is none."""
    return Signer(tuple(_key(each, variable) for each in secret.split()))


def _key(secret: str, variable: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not (secret.startswith(PREFIX) and LEAST_BYTES <= len(key) <= MOST_BYTES):
        raise HandlersError(f"{variable}: {WRITE}")
    return key
