"""Which handlers ask for more time than a lease leaves them. Pure; seconds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tasks.rules.lease import TRY_SHARE, longest_try
from tasks.rules.registries import Entry


@dataclass(frozen=True, slots=True)
class TooLong:
    """A timeout that not every try gets: of which handler, what is said of it, and what to do."""

    text: str
    todo: str

    def __str__(self) -> str:
        return f"{self.text}: {self.todo}"


def too_long(registered: Iterable[Entry], leases: Mapping[str, float], hidden: float) -> Iterator[TooLong]:
    """Handlers whose timeout is more than a try has under the shortest of the gateways' leases, each once.

    `hidden` is for how long a message that a worker has taken stays hidden from the others.
    """
    if not leases:
        return
    gateway = min(leases, key=lambda name: (leases[name], name))
    most = longest_try(leases[gateway], hidden)
    why, instead = _reason(gateway, leases[gateway], hidden)
    asked = {(each.handler, each.place, each.timeout) for each in registered if (each.timeout or 0.0) > most}
    for handler, place, timeout in sorted(asked, key=str):
        text = f"{handler} at {place} asks for timeout={timeout:g}, but a try has {most:g} s {why}"
        yield TooLong(text, f"write timeout={most:g} or less, or raise {instead}")


def _reason(gateway: str, lease: float, hidden: float) -> tuple[str, str]:
    """Why a try has no more, and what could be raised."""
    if lease * TRY_SHARE <= longest_try(lease, hidden):
        return f"under the lease of gateway {gateway} ({lease:g} s)", "lease_seconds if the platform's own is longer"
    return f"before another worker would get its message ({hidden:g} s)", "TIDINGS_VISIBILITY_SECONDS"
