"""The names on the wire: tasks by name, so that a module may move while its tasks are queued."""

CONSUME = "tidings.consume"
HANDLE = "tidings.handle"
CONFIRM = "tidings.confirm"
COUNT = "tidings.count"
SALVAGE = "tidings.salvage"

WIRE = frozenset({CONSUME, COUNT, CONFIRM})
"""Tasks that wait for platforms: they run in the lane (`tasks/plumbing/lane`)."""

KIND = "tidings_kind"
"""The message header that tells the pool a task's kind."""
