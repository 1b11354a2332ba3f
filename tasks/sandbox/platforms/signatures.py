"""What a request's `sign` has to be, on the side that checks it.

Nothing here is shared with the client's signing: each is a check of the other.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Literal

Empties = Literal["either", "skipped", "kept"]

UPLOADS = frozenset({"file", "image", "logo"})
"""Names that Qianmi leaves out of its signature."""


def qianmi_sign(secret: str, params: Mapping[str, str]) -> str:
    """Qianmi's: SHA-1 over the secret, the sorted names and values, and the secret again; empty values left out."""
    pairs = sorted((name, value) for name, value in params.items() if value and name not in UPLOADS and name != "sign")
    return hashlib.sha1(_enclosed(secret, _joined(pairs)), usedforsecurity=False).hexdigest().upper()


def top_sign(secret: str, params: Mapping[str, str], *, keep_empty: bool = False) -> str | None:
    """Taobao's, by the request's own `sign_method`; None when that is not one of md5, hmac, hmac-sha256."""
    text = _joined(sorted((k, v) for k, v in params.items() if k != "sign" and (v or keep_empty)))
    match params.get("sign_method"):
        case "md5":
            return hashlib.md5(_enclosed(secret, text), usedforsecurity=False).hexdigest().upper()
        case "hmac":
            return hmac.digest(secret.encode(), text.encode(), "md5").hex().upper()
        case "hmac-sha256":
            return hmac.digest(secret.encode(), text.encode(), "sha256").hex().upper()
    return None


def top_signs(secret: str, params: Mapping[str, str], empties: Empties) -> list[str]:
    """Every signature that passes: SDKs differ in whether empty values take part, so by default both do."""
    keeps = {"either": (False, True), "skipped": (False,), "kept": (True,)}[empties]
    if "" not in params.values():
        keeps = (False,)
    return [sign for keep in keeps if (sign := top_sign(secret, params, keep_empty=keep)) is not None]


def matches(given: str, expected: Iterable[str], *, any_case: bool = False) -> bool:
    """Whether the given signature is one of the expected; upper case only, unless told otherwise."""
    sign = (given.upper() if any_case else given).encode()
    return any(hmac.compare_digest(sign, each.encode()) for each in expected)


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(name + value for name, value in pairs)


def _enclosed(secret: str, text: str) -> bytes:
    return (secret + text + secret).encode()
