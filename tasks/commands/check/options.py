"""What `check` says of what handlers ask for: more time than a lease leaves, and queues that no worker takes from."""

from collections.abc import Iterator

from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from handlers.errors import HandlersError
from tasks import app
from tasks.commands.check.finding import Finding, warn
from tasks.commands.queues import starting, unserved
from tasks.handling import asked, others
from tasks.names import WITHOUT_HANDLERS
from tasks.plumbing.visibility import leases, visibility
from tasks.rules.registries import entries
from tasks.rules.timeouts import too_long
from tasks.runtime import registry, stores
from tasks.text import shown


def timeouts_findings() -> Iterator[Finding]:
    """Handlers whose timeout is more than the shortest lease leaves them."""
    try:
        registered = entries(registry())
    except HandlersError:
        return  # `handlers` says so
    for each in too_long(registered, leases(), visibility()):
        yield warn("handlers", shown(each.text, 500), each.todo)


def queues_findings() -> Iterator[Finding]:
    """Queues that no worker takes from, while others run: nothing would be pulled, or messages would wait out their lease."""
    usual = [queue.name for queue in app.conf.task_queues]
    try:
        wanted = sorted({*asked.queues(others.registered()), *asked.queues(registry())})
        workers = [each for each in stores().presences.read() if each.kind == "worker"]
    except (HandlersError, RedisError, KombuError, OSError):
        return  # `handlers` and `redis` say so
    for queue in unserved([*usual, *wanted], workers):
        asks = ", which handlers ask for" if queue in wanted else ""
        said = f"no worker takes what waits in the queue {shown(queue)}{asks}"
        about = "workers" if queue in WITHOUT_HANDLERS else "handlers"
        yield warn(about, said, f"start one with {starting(queue)}; one without -Q takes from all")
