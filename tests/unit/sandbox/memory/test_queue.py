"""One simulated queue: leases, what comes again, what never does."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.sandbox.memory.queue import DestructiveQueue, Entry, Queue

LEASE = 10.0
AGES = 0.0
"""The horizon when nothing is too old."""


def filled(number: int, queue: Queue | None = None) -> Queue:
    queue = queue or Queue()
    for index in range(number):
        queue.add(Entry(str(index), "t", b"{}", published=1.0))
    return queue


def ids(batch: list[Entry]) -> list[str]:
    return [entry.id for entry in batch]


def test_messages_come_in_order_and_once_while_leased() -> None:
    """A second pull goes on where the first ended."""
    queue = filled(5)
    assert ids(queue.take(3, 1, 1 + LEASE, AGES)) == ["0", "1", "2"]
    assert ids(queue.take(3, 2, 2 + LEASE, AGES)) == ["3", "4"]
    assert queue.take(3, 3, 3 + LEASE, AGES) == []


def test_what_is_not_confirmed_comes_again_when_its_lease_ends() -> None:
    """At the very moment, behind what waited already."""
    queue = filled(2)
    queue.take(2, 0, LEASE, AGES)
    queue.confirm("0", 5)
    assert queue.take(2, LEASE - 0.001, 99, AGES) == []
    queue.add(Entry("new", "t", b"{}", published=6.0))
    assert ids(queue.take(2, LEASE, 99, AGES)) == ["new", "1"]
    assert queue.entries["1"].deliveries == (0, LEASE)


def test_a_late_confirm_counts_and_is_marked_as_such() -> None:
    """The message waits again when it is confirmed, and does not come any more."""
    queue = filled(1)
    queue.take(1, 0, LEASE, AGES)
    assert queue.confirm("0", LEASE + 1)
    entry = queue.entries["0"]
    assert (entry.confirms, entry.leased_then) == ((LEASE + 1,), (False,))
    assert queue.take(1, LEASE + 2, 99, AGES) == []


def test_every_confirm_is_kept_with_whether_the_message_was_leased() -> None:
    """A second one changes nothing; one before any delivery can be told."""
    queue = filled(2)
    queue.take(1, 0, LEASE, AGES)
    queue.confirm("0", 1)
    queue.confirm("0", 2)
    queue.confirm("1", 3)
    assert queue.entries["0"].leased_then == (True, False)
    assert (queue.entries["1"].deliveries, queue.entries["1"].leased_then) == ((), (False,))
    assert (queue.confirmed, queue.confirms) == (2, 3)
    assert not queue.confirm("unknown", 4)


def test_a_message_past_its_retention_is_never_sent() -> None:
    """And leaves the ledger when it is swept."""
    queue = filled(2)
    assert queue.take(2, 0, LEASE, horizon=2.0) == []
    assert queue.forget(horizon=2.0) == ["0", "1"]
    assert queue.entries == {}
    assert queue.waiting == 0


def test_forgetting_a_leased_message_does_not_bring_it_back() -> None:
    """Its lease ends without effect."""
    queue = filled(1)
    queue.take(1, 0, LEASE, AGES)
    queue.forget(horizon=2.0)
    assert queue.take(1, LEASE, 99, AGES) == []
    assert (queue.leased, queue.waiting) == (0, 0)


def test_a_destructive_queue_hands_out_once() -> None:
    """vv-tool never sends again."""
    queue = DestructiveQueue()
    filled(3, queue)
    assert ids(queue.draw(2, 1, AGES)) == ["0", "1"]
    assert ids(queue.draw(2, 10_000, AGES)) == ["2"]
    assert queue.draw(2, 10_000, AGES) == []


def test_a_destructive_queue_can_be_asked_for_one_topic() -> None:
    """The others stay, in their order, and nothing comes twice."""
    queue = DestructiveQueue()
    for index, topic in enumerate("abab"):
        queue.add(Entry(str(index), topic, b"{}", published=1.0))
    queue.add(Entry("0", "b", b"{}", published=1.0))
    assert ids(queue.draw(1, 1, AGES, "b")) == ["1"]
    assert ids(queue.draw(9, 1, AGES)) == ["0", "2", "3", "0"]
    assert queue.draw(9, 1, AGES, "b") == []
    assert queue.draw(9, 1, AGES, "c") == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 5)),
        st.tuples(st.just("take"), st.integers(1, 5)),
        st.tuples(st.just("confirm"), st.integers(0, 20)),
        st.tuples(st.just("wait"), st.integers(1, 12)),
    )
)


@given(STEPS)
def test_the_sums_always_agree_with_the_messages(steps: list[tuple[str, int]]) -> None:
    """Whatever happens: every message is in one place, and none is leased twice at a time."""
    queue, now, until = Queue(), 0.0, dict[str, float]()
    for what, number in steps:
        if what == "add":
            for _ in range(number):
                queue.add(Entry(str(queue.published), "t", b"{}", published=now))
        elif what == "take":
            for entry in queue.take(number, now, now + LEASE, AGES):
                assert not entry.confirms
                assert until.get(entry.id, 0) <= now
                until[entry.id] = now + LEASE
        elif what == "confirm":
            queue.confirm(str(number), now)
        else:
            now += number
    entries = queue.entries.values()
    assert queue.published == queue.waiting + queue.leased + queue.confirmed == len(entries)
    assert queue.deliveries == sum(len(entry.deliveries) for entry in entries)
    assert queue.delivered == sum(bool(entry.deliveries) for entry in entries)
    assert queue.confirms == sum(len(entry.confirms) for entry in entries)
