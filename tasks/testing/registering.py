"""The handlers that a test has: of TIDINGS_HANDLERS, of what it imports, and its own, which end with it."""

from collections.abc import Iterator
from contextlib import contextmanager

from handlers import Handler
from handlers.declaring.arounds import Around
from handlers.declaring.methods import Waiting
from handlers.loading import anything, load
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
    before = _registered(default)
    try:
        yield default
    finally:
        settings.cache_clear()
        own = [each for each in _registered(default) if each not in before and not each.registered_by]
        default.forget(own)


def _registered(registry: Registry) -> list[Registered]:
    return [*registry, *registry.arounds, *registry.methods, *registry.resources]
