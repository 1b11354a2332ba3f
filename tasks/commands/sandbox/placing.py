"""Whose messages the sandbox is given: the queue that an account pulls from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from tasks.accounts import Account, QianmiAccount, TaobaoAccount, VvtoolAccount, load
from tasks.accounts.origins import PYTHON
from tasks.accounts.secrets import Unneeded
from tasks.commands.group import Unusable
from tasks.commands.topics import QIANMI
from tasks.settings import settings
from tasks.text import shown

Platform = Literal["taobao", "qianmi", "vvtool"]


@dataclass(frozen=True, slots=True)
class Place:
    """A queue in the sandbox. No app: the first that it has on that platform. `notes` say why nobody may pull from it."""

    name: str
    platform: Platform
    app: str | None = None
    group: str = ""
    shop_id: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For a person."""
        where = f"shop {self.shop_id}" if self.shop_id else f"group {self.group}" if self.group else "the default group"
        return f"{shown(self.name)} ({self.platform}, {shown(where)})"


def place(topic: str, account: str | None, url: str) -> Place:
    """The queue of that account, or of the first that gets such topics, in the sandbox at `url`.

    Raises `Unusable` or `AccountsError` when there is none.
    """
    source = settings().accounts
    if not source.startswith(PYTHON) and not Path(source).exists():
        if account is not None:
            raise Unusable(f"there is no account {shown(account)}, as there is no {shown(source)}; leave --account out")
        return Place("nobody in particular", "qianmi" if topic.startswith(QIANMI) else "taobao")
    known = load(source, secrets=Unneeded()).accounts
    return place_of(chosen(topic, account, known), topic, url)


def chosen(topic: str, name: str | None, known: Mapping[str, Account]) -> Account:
    """The account of that name, or the first on a platform that has the topic, Taobao before vv-tool. Raises `Unusable`."""
    if name is not None:
        if name not in known:
            some = ", ".join(shown(each) for each in list(known)[:5]) or "none"
            raise Unusable(f"there is no account {shown(name)} in {shown(settings().accounts)}; there are: {some}")
        return known[name]
    for kind in (QianmiAccount,) if topic.startswith(QIANMI) else (TaobaoAccount, VvtoolAccount):
        for account in known.values():
            if isinstance(account, kind) and takes(account, topic):
                return account
    raise Unusable(f"no account in {shown(settings().accounts)} gets {shown(topic)}; name one with --account")


def takes(account: Account, topic: str) -> bool:
    """Whether the account asks for such messages: on vv-tool it may ask for one topic alone."""
    return not isinstance(account, VvtoolAccount) or account.topic in (None, topic)


def place_of(account: Account, topic: str, url: str) -> Place:
    """The account's queue, with what is odd about publishing this topic there."""
    notes = []
    if urlsplit(account.gateway.url).netloc != urlsplit(url).netloc:
        notes.append(f"{shown(account.name)} is polled at {shown(account.gateway.url)}, not at this sandbox")
    if not takes(account, topic):
        notes.append(f"{shown(account.name)} asks for another topic alone, so it will not get this one")
    if isinstance(account, VvtoolAccount):
        return Place(account.name, "vvtool", shop_id=account.shop_id, notes=tuple(notes))
    if isinstance(account, QianmiAccount):
        return Place(account.name, "qianmi", account.gateway.app_key, account.group or "", notes=tuple(notes))
    if isinstance(account, TaobaoAccount):
        return Place(account.name, "taobao", account.gateway.app_key, account.group or "", notes=tuple(notes))
    raise TypeError(type(account))
