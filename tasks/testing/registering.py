"""The handlers that a test has: those of TIDINGS_HANDLERS and of what it imports, and its own, which end with it."""

from collections.abc import Iterator
from contextlib import contextmanager

from handlers import Handler
from handlers.arounds import Around
from handlers.loading import anything, load
from handlers.methods import Waiting
from handlers.registry import Registry
from handlers.registry import registry as default
from handlers.resources import Resource
from tasks.settings import settings
from tasks.surroundings import make_ready

Registered = Handler | Around | Waiting | Resource


@contextmanager
def registered() -> Iterator[Registry]:
    """The registry of this process, with the modules of TIDINGS_HANDLERS imported where it is set.

    Raises `HandlersError`, and `NotReady` for a Django that cannot be set up.
    """
    settings.cache_clear()  # the test may have set the environment
    make_ready()
    if anything(settings().handlers.split(",")):
        load(settings().handlers.split(","))
    before = {id(each.function) for each in _registered(default)}
    try:
        yield default
    finally:
        settings.cache_clear()
        own = [each for each in _registered(default) if id(each.function) not in before and of_a_test(each)]
        default.forget(own)


def _registered(registry: Registry) -> list[Registered]:
    return [*registry, *registry.arounds, *registry.methods, *registry.resources]


def of_a_test(registered: Registered) -> bool:
    """Whether it was defined inside of a function."""
    return "<locals>" in registered.function.__qualname__
