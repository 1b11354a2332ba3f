"""Which contents lie apart from the tasks of their messages, and how they come back to them."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from tasks.handling.delivery import Names
from tasks.platforms.base import Item
from tasks.rules.lease import Batch
from tasks.runtime import stores
from tasks.store.contents import field

LEAST = 2048
"""What has fewer characters travels in its task: that costs less than to fetch it."""


def large(waiting: Mapping[Names, Item]) -> dict[str, bytes]:
    """Those of a batch's contents that are to lie apart."""
    found: dict[str, bytes] = {}
    for names, item in waiting.items():
        if len(item.content) >= LEAST:
            with suppress(UnicodeEncodeError):  # half a character in it, which a task's JSON can escape
                found[field(names)] = item.content.encode()
    return found


def without(fields: dict[str, Any], kept: Mapping[str, bytes]) -> dict[str, Any]:
    """A delivery's fields, without the content if it is kept. A version that knows of no such thing cannot take it for empty."""
    return {**fields, "content": None, "apart": True} if kept and field(fields["names"]) in kept else fields


def fetched(many: Iterable[Any]) -> list[Any]:
    """These deliveries' fields, each with its content, which is put into them in one round trip; without those whose is gone."""
    given = [*many]
    if wanted := [fields for fields in given if fields.get("apart")]:
        places = [(Batch.from_json(fields).handing_out, fields["names"]) for fields in wanted]
        for fields, content in zip(wanted, stores().contents.get(places), strict=True):
            fields |= {"content": content or "", "apart": content is None}
    return [fields for fields in given if not fields.get("apart")]
