"""Taobao's default format: a reply as minimal XML."""

from collections.abc import Mapping
from itertools import starmap
from typing import Any
from xml.sax.saxutils import escape

CONTENT_TYPE = "text/xml;charset=UTF-8"


def document(root: Mapping[str, Any]) -> bytes:
    """The JSON object's one member as the root element: an array repeats its element, booleans are true and false."""
    return ('<?xml version="1.0" encoding="utf-8" ?>' + "".join(starmap(_element, root.items()))).encode()


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        inner = "".join(starmap(_element, value.items()))
    elif isinstance(value, bool):
        inner = str(value).lower()
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"
