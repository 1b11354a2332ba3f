"""How a request shows that it knows the secret: Taobao's three signatures and Qianmi's one.

Both sign the same text: every parameter but `sign` that has a value, sorted by name, name and value joined without
separators, UTF-8. Names are ASCII, so Python's order (code points) is the platforms' order (code units).
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

SignMethod = Literal["md5", "hmac", "hmac-sha256"]

UPLOADS = frozenset({"file", "image", "logo"})
"""Qianmi leaves these parameters out of the signature, as they carry files."""


def top_sign(parameters: Mapping[str, str], secret: str, method: SignMethod) -> str:
    """Taobao's signature, upper-case hex of 32 (md5, hmac) or 64 characters (com.taobao.api, signTopRequest)."""
    base, key = _joined(parameters).encode(), secret.encode()
    if method == "md5":
        return hashlib.md5(key + base + key, usedforsecurity=False).hexdigest().upper()
    return hmac.new(key, base, "md5" if method == "hmac" else "sha256").hexdigest().upper()


def qianmi_sign(parameters: Mapping[str, str], secret: str) -> str:
    """Qianmi's signature, 40 characters of upper-case hex (qianmi-open-sdk-java, SignUtil)."""
    signed = {name: value for name, value in parameters.items() if name not in UPLOADS}
    text = secret + _joined(signed) + secret
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper()


def _joined(parameters: Mapping[str, str]) -> str:
    return "".join(name + parameters[name] for name in sorted(parameters) if parameters[name] and name != "sign")
