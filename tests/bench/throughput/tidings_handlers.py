"""The handlers as a user of Tidings writes them; `TIDINGS_HANDLERS` names this module."""

from handlers import Message, handles
from tests.bench.throughput import work


@handles("bench_noop")
def on_noop(_content: dict[str, object]) -> None:
    """Nothing."""
    work.noop()


@handles("bench_cpu")
def on_cpu(_content: dict[str, object]) -> None:
    """A millisecond of CPU."""
    work.cpu()


@handles("bench_io")
def on_io(_content: dict[str, object]) -> None:
    """20 ms of waiting."""
    work.io()


@handles("bench_noted")
def on_noted(_content: dict[str, object], message: Message) -> None:
    """A line in the journal."""
    work.noted(message.id)


@handles("bench_keyed", key="tid")
def on_keyed(_content: dict[str, object]) -> None:
    """Nothing, for one message of a trade at a time."""
    work.noop()
