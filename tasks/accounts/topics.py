"""The `topic` of an account: what is sent in full however it is written, and what most likely is a slip."""

from collections.abc import Mapping
from functools import cache

from handlers.topics.names import close, full_names, is_short
from tasks.accounts.faults import legible, listed
from tasks.accounts.models import Account, VvtoolAccount


def advice(accounts: Mapping[str, Account]) -> list[str]:
    """What is to be said of accounts' topics, one line a topic however many accounts have it."""
    having: dict[str, list[str]] = {}
    for name, account in accounts.items():
        if isinstance(account, VvtoolAccount) and account.topic:
            having.setdefault(account.topic, []).append(name)
    return [
        f"accounts.{legible(names[0])}.topic{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {told}"
        for topic, names in having.items()
        if (told := doubt(topic))
    ]


@cache
def doubt(topic: str) -> str:
    """What is wrong with a topic, most likely; "" for one that is known, or like none that is."""
    from handlers.topics import MODELS  # not for accounts without topics: models take a tenth of a second to make

    if topic in MODELS:
        return ""
    shown = legible(topic)
    if meant := full_names(topic, MODELS):
        return f"{shown} may be {listed(meant)}; it is sent as it is written: write it in full"
    near = close(topic, MODELS)
    if near:
        return f"{shown} is no known topic, and is sent as it is written; did you mean {listed(near)}?"
    return f"{shown} is no full name of a topic; it is sent as it is written" if is_short(topic) else ""
