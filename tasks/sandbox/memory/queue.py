"""One queue: messages that wait, are leased, come again, or are done with."""

from collections import defaultdict, deque
from dataclasses import dataclass
from enum import Enum, auto
from heapq import heappop, heappush
from itertools import count

from tasks.sandbox.memory.limits import DayCount


class Place(Enum):
    """Where a message is."""

    WAITING = auto()
    LEASED = auto()
    DONE = auto()
    GONE = auto()


@dataclass(slots=True, eq=False)
class Entry:
    """One message with its history. `wire` is the item as it stands in a reply, written once when it is published.

    `confirms` has a time for each confirm that named the message, `leased_then` whether its lease was running then.
    """

    id: str
    topic: str
    wire: bytes
    published: float
    place: Place = Place.WAITING
    deliveries: tuple[float, ...] = ()
    confirms: tuple[float, ...] = ()
    leased_then: tuple[bool, ...] = ()


class Queue:
    """Messages of one group, handed out in order; what is not confirmed within its lease is handed out again, last."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.published = self.delivered = self.confirmed = self.deliveries = self.confirms = 0
        self.waiting = self.leased = 0
        self.put_today, self.got_today = DayCount(), DayCount()
        self._ready: deque[Entry] = deque()
        self._leases: list[tuple[float, int, list[Entry]]] = []
        self._order = count()

    def add(self, entry: Entry) -> None:
        """Publish one message; its id must not be in the queue yet."""
        self.entries[self.name_of(entry.id, entry.topic)] = entry
        self._ready.append(entry)
        self.published += 1
        self.waiting += 1
        self.put_today.add(entry.published)

    def name_of(self, id_: str, topic: str) -> str:  # noqa: ARG002  (a queue that tells topics apart needs it)
        """What tells this message from the others of the queue."""
        return id_

    def take(self, quantity: int, now: float, due: float, horizon: float) -> list[Entry]:
        """Lease up to `quantity` messages until `due`; those published before `horizon` are too old and left out."""
        self.release(now)
        batch = self._pick(self._ready, quantity, horizon)
        self.hand_out(batch, Place.LEASED, now)
        self.leased += len(batch)
        if batch:
            heappush(self._leases, (due, next(self._order), batch))
        return batch

    def _pick(self, ready: deque[Entry], quantity: int, horizon: float) -> list[Entry]:
        batch: list[Entry] = []
        while ready and len(batch) < quantity:
            entry = ready.popleft()
            if entry.place is not Place.WAITING:
                continue
            self.waiting -= 1
            if entry.published < horizon:
                entry.place, entry.wire = Place.GONE, b""
            else:
                batch.append(entry)
        return batch

    def hand_out(self, batch: list[Entry], place: Place, now: float) -> None:
        """Note that one copy of each message goes out, and where the message is from then on."""
        for entry in batch:
            self.delivered += not entry.deliveries
            entry.place = place
            entry.deliveries += (now,)
        self.deliveries += len(batch)
        self.got_today.add(now, len(batch))

    def release(self, now: float) -> None:
        """Put back what was leased until now and not confirmed."""
        while self._leases and self._leases[0][0] <= now:
            for entry in heappop(self._leases)[2]:
                if entry.place is Place.LEASED:
                    entry.place = Place.WAITING
                    self._ready.append(entry)
                    self.leased -= 1
                    self.waiting += 1

    def confirm(self, id_: str, now: float) -> bool:
        """Whether there is such a message; it is done with from now on, leased or not."""
        self.release(now)
        entry = self.entries.get(id_)
        if entry is None:
            return False
        self.confirms += 1
        entry.confirms += (now,)
        entry.leased_then += (entry.place is Place.LEASED,)
        self._drop(entry, Place.DONE)
        self.confirmed += len(entry.confirms) == 1
        return True

    def is_open(self, id_: str) -> bool:
        """Whether the message is still to be confirmed."""
        return not self.entries[id_].confirms

    def _drop(self, entry: Entry, place: Place) -> None:
        self.waiting -= entry.place is Place.WAITING
        self.leased -= entry.place is Place.LEASED
        entry.place, entry.wire = place, b""

    def forget(self, horizon: float) -> list[str]:
        """Drop every message published before `horizon`, also from the ledger; returns their names."""
        old = [name for name, entry in self.entries.items() if entry.published < horizon]
        for name in old:
            self._drop(self.entries.pop(name), Place.GONE)
        return old


class DestructiveQueue(Queue):
    """vv-tool's: what was handed out is gone. One topic can be asked for; ids may repeat under another topic."""

    def __init__(self) -> None:
        super().__init__()
        self._by_topic: defaultdict[str, deque[Entry]] = defaultdict(deque)

    def add(self, entry: Entry) -> None:
        super().add(entry)
        self._by_topic[entry.topic].append(entry)

    def name_of(self, id_: str, topic: str) -> str:
        return f"{id_} {topic}"

    def draw(self, quantity: int, now: float, horizon: float, topic: str = "") -> list[Entry]:
        """Hand out up to `quantity` messages for ever, of one topic if it is given, in full or by its last part: vv-tool's page
        writes both. The caller empties their `wire` once it is written."""
        batch: list[Entry] = []
        for ready in self._of(topic) if topic else [self._ready]:
            batch += self._pick(ready, quantity - len(batch), horizon)
        self.hand_out(batch, Place.GONE, now)
        return batch

    def _of(self, topic: str) -> list[deque[Entry]]:
        last = topic.rpartition("_")[2]
        same = (name for name in self._by_topic if name in (topic, last) or name.rpartition("_")[2] == topic)
        return [self._by_topic[name] for name in same]
