"""What the environment tells of the operators' page."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from handlers.errors import HandlersError
from handlers.posting.environment import Environment
from tasks.commands.group import Unusable
from tasks.settings import WEB, WEB_PREFIX

SHORTEST = 12
"""Characters of a password: whoever guesses gets some tries a quarter of an hour and address."""


@dataclass(frozen=True, slots=True)
class Config:
    """`password` is an operator's, `readonly` a reader's ("": there is none; without both there is no page).

    `hosts` are names under which it is reached, `proxy` the addresses that may say for whom they ask, and `secure` tells that it
    is reached over HTTPS only.
    """

    password: str = ""
    readonly: str = ""
    hosts: tuple[str, ...] = ()
    proxy: tuple[str, ...] = ()
    secure: bool = False

    def __repr__(self) -> str:
        return f"Config(hosts={self.hosts}, proxy={self.proxy}, secure={self.secure})"

    @property
    def served(self) -> bool:
        """Whether there is a page."""
        return bool(self.password or self.readonly)


def configured(environ: Mapping[str, str] = os.environ) -> Config:
    """What the environment says. Raises `Unusable`, without a secret in its text."""
    try:
        told = Environment(environ, WEB_PREFIX, WEB)
        password, readonly = (_password(told, name) for name in ("PASSWORD", "READONLY"))
    except HandlersError as error:
        raise Unusable(str(error)) from None
    if password and password == readonly:
        raise Unusable(f"{WEB_PREFIX}READONLY is {WEB_PREFIX}PASSWORD: readers would be operators; choose another one")
    secure = told.text("SECURE", "0")
    if secure not in ("0", "1"):
        raise Unusable(f"{WEB_PREFIX}SECURE: write 1 where the page is reached over HTTPS only, or 0")
    return Config(password, readonly, told.listed("HOSTS"), told.listed("PROXY"), secure == "1")


def _password(told: Environment, name: str) -> str:
    if not told.text(name):
        return ""
    found = told.secret(name, "write a password, or env:NAME or file:PATH")
    if len(found) < SHORTEST:
        raise Unusable(f"{WEB_PREFIX}{name} is too short: {SHORTEST} characters or more")
    return found
