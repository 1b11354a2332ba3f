"""How long a batch waits for its last messages before those that are done are confirmed without them. Pure; seconds.

Once half of a batch is done, it waits for as long as others keep ending, at about the pace that they had, and then a few seconds:
so a batch whose messages are all slow is confirmed once, and one that a single message holds up is confirmed soon.
"""

from dataclasses import dataclass, replace

MOST = 0.5
"""The part of a batch that is to be done before anything is confirmed without the rest: the one call more should be worth it."""

QUIET_SECONDS = 3.0
"""Nothing has ended for so long: longer than a message that is tried again may hold its batch."""

QUIET_GAPS, LONGEST_QUIET_SECONDS = 8, 10.0
"""Where messages are slow, so many of their usual gaps, and no longer than this: several processes end several at a time."""

LESS_SECONDS, LONGEST_LESS_SECONDS = 10.0, 60.0
"""The same while less than half is done: most of the batch fails, or its handlers have other batches to see to."""

LEAST_SECONDS, GROWTH, LONGEST_SECONDS = 8.0, 1.5, 60.0
"""In all, from when half were done: so much longer than these took, within limits. The second half takes as long as the first."""

LOOK_SECONDS, IDLE_SHARE, LONGEST_LOOK_SECONDS = 1.0, 0.25, 5.0
"""A batch is looked at so often; one of which not much is done yet, as it waits itself, ever less often."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch was when it was looked at last: `done` of `size` messages. `begun`, `moved` and `most` are when it was
    handed out, when the last look saw more done than the one before, and when half were first seen to be, 0 until then.
    """

    size: int
    done: int
    begun: float
    moved: float
    most: float = 0.0

    def after(self, done: int, now: float) -> "Progress":
        """The same, when so many are done now."""
        most = self.most or (now if done >= self.size * MOST else 0.0)
        return replace(self, done=done, moved=now if done > self.done else self.moved, most=most)


def patience_ends(batch: Progress) -> float:
    """When what is done is to be confirmed without the rest; infinite while nothing has ended yet."""
    gaps = QUIET_GAPS * (batch.moved - batch.begun) / max(1, batch.done)
    if not batch.most:
        waits = batch.moved > batch.begun
        return batch.moved + max(LESS_SECONDS, min(LONGEST_LESS_SECONDS, gaps)) if waits else float("inf")
    quiet = max(QUIET_SECONDS, min(LONGEST_QUIET_SECONDS, gaps))
    longest = max(LEAST_SECONDS, min(LONGEST_SECONDS, GROWTH * (batch.most - batch.begun)))
    return min(max(batch.moved, batch.most) + quiet, batch.most + longest)


def next_look(batch: Progress, now: float) -> float:
    """When to look at it again."""
    if batch.most:
        return min(now + LOOK_SECONDS, max(now, patience_ends(batch)))
    return now + max(LOOK_SECONDS, min(LONGEST_LOOK_SECONDS, IDLE_SHARE * (now - batch.begun)))
