"""What a broken reply of vv-tool still holds. The proxy never sends it again, so every row that came whole counts."""

import re

from tasks.platforms import jsontext

_ROWS = re.compile(r'"msg"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_NEXT = re.compile(r',\s*(?=\{\s*"(?:id|msg_data)"\s*:)')
"""Where another row begins: inside a text the quotes would be escaped."""


def rows_in(body: bytes) -> list[object]:
    """The rows of `data.msg`, the broken ones and a torn last one as text; none when no list began."""
    text = jsontext.text(body)
    start = _ROWS.search(text)
    rows: list[object] = []
    place = _next_value(text, start.end()) if start else len(text)
    while place < len(text) and text[place] != "]":
        try:
            row, end = jsontext.DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            found = _NEXT.search(text, place)
            end = found.start() if found else len(text)
            row = text[place:end]
        rows.append(row)
        place = _next_value(text, end)
    return rows


def _next_value(text: str, place: int) -> int:
    found = _BETWEEN.match(text, place)
    return found.end() if found else place
