"""Finds batches that a few messages hold up, and has what is done of them confirmed without these, once a batch.

Workers look at every batch under way about once a second, in turn (`tasks/rules/stragglers.py` says what they make of it).
"""

import logging
from typing import Any

from tasks import clock, sending
from tasks.logs import about
from tasks.plumbing.housekeeping import every
from tasks.rules.lease import Batch
from tasks.rules.outcomes import confirmable
from tasks.rules.stragglers import LOOK_SECONDS, Progress, next_look, patience_ends
from tasks.runtime import stores
from tasks.store.stragglers import Straggling
from tasks.text import shown, unplain

log = logging.getLogger(__name__)

MOST = 500
"""Batches of one look."""


def enter(batch: Batch, headers: int, others: int, pipe: Any) -> None:
    """Have a batch looked at from now on. `headers` of its messages are about to be handled, `others` needed no handler."""
    now = clock.now()
    stores().stragglers.enter(Straggling(batch, others, Progress(headers + others, others, now, now)), pipe=pipe)


@every(LOOK_SECONDS, "worker")
def look() -> None:
    """Look at the batches whose turn it is."""
    now, found = stores().stragglers.look(MOST)
    again: dict[Straggling, float] = {}
    for was, ended in found:
        progress = was.progress.after(was.others + ended, now)
        if patience_ends(progress) > now:
            again[Straggling(was.batch, was.others, progress)] = next_look(progress, now)
        else:
            confirm_what_is_done(was.batch)
            again[was] = was.batch.pulled + was.batch.remembered
    stores().stragglers.put(again)


def confirm_what_is_done(batch: Batch) -> None:
    """Have the messages confirmed that are done with; nothing when there are none, or the batch was closed meanwhile."""
    opened = stores().batches.get(batch.id)
    if opened is None:
        return
    ended = [(unplain(value[0]), value[1]) for value in stores().parts.ended(batch.id) if value]
    if receipts := confirmable([*ended, *opened.settled]):
        log.info(
            "%s: %d messages of a batch are confirmed before the others",
            shown(batch.account),
            len(receipts),
            extra=about("batch_confirmed_in_part", account=batch.account, batch=batch.id, messages=len(receipts)),
        )
        sending.confirm([], opened.batch, alone=True, partial=True, receipts=receipts)
