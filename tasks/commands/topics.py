"""Topics as people type them."""

from collections.abc import Iterable

from handlers.topics import MODELS
from handlers.topics.names import close, full_names
from tasks.accounts.faults import listed
from tasks.commands.group import Unusable
from tasks.text import shown

QIANMI = ("qianmi_", "bm_")
"""How Qianmi's topics begin; all others are Taobao's, and come through vv-tool too."""


def full_topic(word: str) -> str:
    """The topic in full, where its last part alone was typed; what nobody knows stays as it is. Raises `Unusable`."""
    found = full_names(word, MODELS)
    if len(found) > 1:
        raise Unusable(f"{shown(word)} may be {listed(found)}; write it in full")
    return found[0] if found else word


def did_you_mean(topic: str, among: Iterable[str]) -> str:
    """` (did you mean x?)` when some of these topics look like it, else nothing."""
    near = close(topic, among)
    return f" (did you mean {shown(listed(near))}?)" if near else ""
