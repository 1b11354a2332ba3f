"""Random settings and addresses: a clear error or it works, and never a secret."""

import os
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from kombu import Connection

from tasks.address import AddressError, parse
from tasks.settings import PREFIX, Settings, SettingsError, settings
from tasks.store.connection import made
from tasks.text import masked
from tests import ROOT
from tests.unit.wild.guessing import ANY, NUMBERS, SECRET, TEXT, addresses, quiet, trying

NAMES = [name for name in Settings.model_fields if not name.endswith("_url")]
VALUES = st.one_of(NUMBERS, TEXT, ANY, st.sampled_from(["1", "true", "handlers", SECRET, "0.5", "python:a:b", "/"]))


def environment(text: str) -> str:
    """The text as an environment can hold it."""
    return text.replace("\0", "").encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


@trying
@given(addresses())
def test_an_address_is_understood_or_told_and_never_shown(url: str) -> None:
    try:
        found = parse(url)
    except AddressError as error:
        one_line(error)
        return
    client = made(found, decode_responses=True)
    client.close()
    broker = Connection(
        found.without_login("credential_provider=tasks.store.connection:BrokerLogIn"), ssl=dict(found.tls)
    )
    if SECRET in found.login.password and SECRET not in str(
        (found.hosts, found.path, found.master, found.options, found.tls)
    ):
        quiet(found, repr(found), repr(client), broker.as_uri(), broker.info())


@trying
@given(st.sampled_from(["redis", "unix", "sentinel", "amqp"]), TEXT, ANY, TEXT)
def test_a_password_of_any_kind_is_masked(scheme: str, user: str, odd: str, end: str) -> None:
    password = f"{SECRET}{odd}{SECRET}{end}".replace("://", ":/")
    one = f"{scheme}://{user.replace('://', ':/')}:{password}@h:1"
    quiet(masked(one), masked(f"Error 1 at {one};{one}/0, and {one}?password={SECRET}. Sorry"))


@trying
@given(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4),
    st.one_of(st.none(), st.just(f"redis://:{SECRET}@h/1"), addresses()),
    st.one_of(st.none(), addresses()),
)
def test_settings_are_taken_or_told(values: dict[str, str], redis: str | None, broker: str | None) -> None:
    given_ = {**values, "redis_url": redis, "broker_url": broker}
    environ = {f"{PREFIX}{name.upper()}": environment(value) for name, value in given_.items() if value is not None}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with mock.patch.dict(os.environ, {**kept, **environ}, clear=True), anew():
        told = taken()
        if isinstance(told, str):
            quiet(told)
            assert all(line.startswith(PREFIX) and line.isprintable() for line in told.splitlines())
            return
        found = runpy.run_path(str(ROOT / "celeryconfig.py"))
    if SECRET not in str(values) and told.broker is not None:
        where = str((told.redis.hosts, told.redis.path, told.redis.options, told.broker))
        quiet(*(repr(each) for each in [told, *found.values()] if SECRET not in where))


def one_line(error: object) -> None:
    quiet(error)
    assert len(str(error).splitlines()) == 1


@contextmanager
def anew() -> Iterator[None]:
    """Settings are read inside, and forgotten afterwards."""
    settings.cache_clear()
    try:
        yield
    finally:
        settings.cache_clear()


def taken() -> Settings | str:
    """The settings, or what is wrong with them."""
    try:
        return settings()
    except SettingsError as error:
        return str(error)
