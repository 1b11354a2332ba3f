"""Whose messages the sandbox is given: the queue that an account pulls from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from tasks.accounts import Account, QianmiAccount, TaobaoAccount, VvtoolAccount, load
from tasks.accounts.fields import is_here
from tasks.accounts.origins import PYTHON
from tasks.accounts.secrets import Unneeded
from tasks.commands.group import Unusable
from tasks.commands.topics import QIANMI
from tasks.sandbox.sample import PORT
from tasks.settings import settings
from tasks.text import shown

Platform = Literal["taobao", "qianmi", "vvtool"]


@dataclass(frozen=True, slots=True)
class Place:
    """A queue in the sandbox. No app: the first that it has on that platform. `polled` is where its account is polled."""

    name: str
    platform: Platform
    app: str | None = None
    group: str = ""
    shop_id: str = ""
    polled: str = ""
    only: str = ""
    """The one topic that the account asks for; "": all of them."""

    def __str__(self) -> str:
        """For a person."""
        where = f"shop {self.shop_id}" if self.shop_id else f"group {self.group}" if self.group else "the default group"
        return f"{shown(self.name)} ({self.platform}, {shown(where)})"

    def sandbox(self) -> str:
        """Where the sandbox is, as far as the account says so: it is polled on this machine, or nothing is known."""
        parts = urlsplit(self.polled)
        return f"{parts.scheme}://{parts.netloc}" if is_here(self.polled) else f"http://127.0.0.1:{PORT}"

    def doubts(self, topic: str, url: str) -> Iterator[str]:
        """Why nobody may pull what is published on this topic in the sandbox there."""
        if self.polled and urlsplit(self.polled).netloc != urlsplit(url).netloc:
            yield f"{shown(self.name)} is polled at {shown(self.polled)}, not at this sandbox"
        if self.only not in ("", topic):
            yield f"{shown(self.name)} asks for {shown(self.only)} alone, so it will not get this topic"


def place(topic: str, account: str | None) -> Place:
    """The queue of that account, or of the first that gets such topics. Raises `Unusable` or `AccountsError` for none."""
    source = settings().accounts
    if not source.startswith(PYTHON) and not Path(source).exists():
        if account is not None:
            raise Unusable(f"there is no account {shown(account)}, as there is no {shown(source)}; leave --account out")
        return Place("nobody in particular", "qianmi" if topic.startswith(QIANMI) else "taobao")
    return place_of(chosen(topic, account, load(source, secrets=Unneeded()).accounts))


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


def place_of(account: Account) -> Place:
    """The account's queue."""
    name, polled = account.name, account.gateway.url
    if isinstance(account, VvtoolAccount):
        return Place(name, "vvtool", shop_id=account.shop_id, polled=polled, only=account.topic or "")
    if isinstance(account, QianmiAccount):
        return Place(name, "qianmi", account.gateway.app_key, account.group or "", polled=polled)
    if isinstance(account, TaobaoAccount):
        return Place(name, "taobao", account.gateway.app_key, account.group or "", polled=polled)
    raise TypeError(type(account))
