"""What `check` says of what handlers ask for: more time than a lease leaves, and queues that no worker takes from."""

from collections.abc import Iterator

from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from handlers.errors import HandlersError
from tasks.commands.check.finding import Finding, warn
from tasks.commands.status.picture import unserved
from tasks.handling import asked, others
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
    """Queues that handlers ask for and that no worker takes from, while others run; their messages would wait out the lease."""
    try:
        wanted = sorted({*asked.queues(others.registered()), *asked.queues(registry())})
        workers = [each for each in stores().presences.read() if each.kind == "worker"]
    except (HandlersError, RedisError, KombuError, OSError):
        return  # `handlers` and `redis` say so
    for queue in unserved(wanted, workers):
        said = f"no worker takes what waits in the queue {shown(queue)}, which handlers ask for"
        yield warn(
            "handlers",
            said,
            f"start one with `celery -A tasks worker -Q {shown(queue)}`; one without -Q takes from all",
        )
