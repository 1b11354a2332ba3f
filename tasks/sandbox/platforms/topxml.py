"""Taobao's default format: a reply as minimal XML."""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

CONTENT_TYPE = "text/xml;charset=UTF-8"


def document(root: str, members: Mapping[str, Any]) -> bytes:
    """The JSON object `members` under the root element: an array repeats its element, booleans are true and false."""
    return f'<?xml version="1.0" encoding="utf-8" ?>{_element(root, members)}'.encode()


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        inner = "".join(_element(child, item) for child, item in value.items())
    elif isinstance(value, bool):
        inner = str(value).lower()
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"
