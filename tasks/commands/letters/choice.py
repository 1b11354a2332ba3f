"""Which letters a command is about: ids and filters, as every command of the group takes them."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from handlers.topics.names import last_part
from tasks.commands.ages import AGE
from tasks.text import shown

if TYPE_CHECKING:
    from tasks.store.letters import Letter, Letters

FILTERS = ("account", "topic", "reason", "holding", "older", "newer")


@dataclass(frozen=True, slots=True)
class Choice:
    """Letters by id, by what is in them (patterns) and by age (seconds). What is None or empty leaves everybody in."""

    ids: tuple[str, ...] = ()
    account: str | None = None
    topic: str | None = None
    reason: str | None = None
    holding: str | None = None
    older: float | None = None
    newer: float | None = None

    def __bool__(self) -> bool:
        """Whether anything is chosen."""
        return bool(self.ids) or any(getattr(self, name) is not None for name in FILTERS)

    def fits(self, letter: "Letter") -> bool:
        """Whether a letter is meant, its age and id left aside. A reason may also be a part of the letter's."""
        return (
            _like(letter.account, self.account)
            and (_like(letter.item.topic, self.topic) or _like(last_part(letter.item.topic), self.topic))
            and (_like(letter.reason, self.reason) or str(self.reason).casefold() in letter.reason.casefold())
            and (self.holding is None or _holds(letter, self.holding))
        )

    def find(self, letters: "Letters", now: float) -> "Found":
        """The ids that there are, the oldest letter first. Reads contents only where a filter asks for what is in them."""
        newest = None if self.older is None else now - self.older
        oldest = None if self.newer is None else now - self.newer
        ids = letters.ids(oldest, newest)
        missing: tuple[str, ...] = ()
        if self.ids:
            asked = set(self.ids)
            ids = [id_ for id_ in ids if id_ in asked]
            there = letters.buried(self.ids)
            missing = tuple(id_ for id_ in dict.fromkeys(self.ids) if id_ not in there)
        if (self.account, self.topic, self.reason, self.holding) != (None, None, None, None):
            ids = self._fitting(letters.many(ids))
        return Found(ids, missing)

    def _fitting(self, letters: "Iterable[Letter]") -> list[str]:
        """The ids of those that are meant. What is the name of an account is no pattern, were it `shop-*`."""
        from tasks.runtime import stores

        name = self.account
        known = name is not None and (bool(stores().due.delays([name])) or stores().seen.get(name) is not None)
        own, like = list[str](), list[str]()
        for letter in letters:
            known = known or letter.account == name
            if self.fits(letter):
                (own if letter.account == name else like).append(letter.id)
        return own if known else like


@dataclass(frozen=True, slots=True)
class Found:
    """The letters that fit, and the ids that nobody has."""

    ids: list[str]
    missing: tuple[str, ...]

    def tell_missing(self) -> int:
        """Name the ids that nobody has, on standard error; the exit code that follows."""
        for id_ in self.missing:
            click.echo(f"there is no letter {shown(id_)}", err=True)
        return 1 if self.missing else 0


def choosing(*, needed: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the ids and filters; its function gets one `choice`. With `needed`, none at all takes an --all."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @click.argument("ids", nargs=-1, metavar="[ID]...")
        @click.option(
            "--account",
            metavar="PATTERN",
            callback=_filled,
            help="Of this account; * and ? stand for any, but in its name.",
        )
        @click.option("--topic", metavar="PATTERN", help="With this topic, or its last part; * and ? too.")
        @click.option("--reason", metavar="TEXT", callback=_filled, help="With this text in the reason, or a pattern.")
        @click.option(
            "--holding",
            metavar="TEXT",
            callback=_filled,
            help="With this text in the content or the error, as a buyer's id.",
        )
        @click.option("--older", type=AGE, metavar="AGE", help="Buried longer ago than this: 90s, 5m, 2h, 3d.")
        @click.option("--newer", type=AGE, metavar="AGE", help="Buried within this time.")
        @wraps(function)
        def called(ids: tuple[str, ...], **options: Any) -> None:
            choice = Choice(ids, **{name: options.pop(name) for name in FILTERS})
            if needed and bool(choice) is options.pop("everything"):
                raise click.UsageError("say which letters: by id, by filters, or --all and nothing else")
            function(choice=choice, **options)

        if needed:
            called = click.option("--all", "everything", is_flag=True, help="Every letter that there is.")(called)
        return called

    return decorate


def _filled(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """An empty text is what an unset variable of a shell leaves, and as a filter it would fit everything or nothing."""
    if value == "":
        raise click.BadParameter("it is empty", param=param)
    return value


def _like(text: str, pattern: str | None) -> bool:
    """Whether it fits; brackets stand for themselves, as reasons have them."""
    return pattern is None or text == pattern or fnmatchcase(text, pattern.replace("[", "[[]"))


def _holds(letter: "Letter", text: str) -> bool:
    """Whether the text stands in a letter's content, reason or traceback, as it is or escaped by JSON once to three times.

    Of a reply that could not be read the content is its bytes, a character each.
    """
    whole = "\n".join((letter.item.content, letter.reason, letter.traceback))
    forms = [text]
    for _ in range(3):
        forms.append(json.dumps(forms[-1])[1:-1])
    forms.append(text.encode("utf-8", "replace").decode("latin-1"))
    return any(form in whole for form in forms)
