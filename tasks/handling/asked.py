"""What the handler of a topic has asked for: how long a try may take, and from which queue its messages are handled."""

from typing import Any

from handlers import Handler, Registry
from handlers.declaring.options import NONE, Options
from tasks.handling import others
from tasks.names import HANDLE, USUAL
from tasks.plumbing.serving import takes
from tasks.runtime import registry

WITHOUT_SHORT_NAMES = frozenset({"qianmi"})
"""Platforms whose topics are never written short; Taobao's page does so, and vv-tool's, whose messages are Taobao's."""


def known() -> Registry:
    """Who handles what: here, or in other workers where this one runs no handlers."""
    return registry() if takes(HANDLE) else others.registered()


def by(topic: str, platform: str, registered: Registry) -> Options:
    """The options of the handler of a topic, none for a topic that nobody handles."""
    found = handler(topic, platform, registered)
    return found.options if found else NONE


def handler(topic: str, platform: str, registered: Registry) -> Handler | None:
    """The handler of a topic."""
    return registered.find(topic, as_it_is=platform in WITHOUT_SHORT_NAMES)


def queues(registered: Registry) -> list[str]:
    """The queues that handlers have asked for, beside the usual one."""
    return sorted({each.options.queue for each in registered if each.options.queue} - {USUAL})


def queue(topic: str, platform: str, registered: Registry) -> dict[str, Any]:
    """Celery's option for the queue that the handler of a topic has asked for; none for the usual one."""
    found = by(topic, platform, registered).queue
    return {"queue": found} if found else {}
