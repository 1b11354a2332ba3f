"""The names on the wire: tasks by name, so that a module may move while its tasks are queued."""

CONSUME = "tidings.consume"
HANDLE = "tidings.handle"
CONFIRM = "tidings.confirm"
COUNT = "tidings.count"
SALVAGE = "tidings.salvage"

WIRE = frozenset({CONSUME, COUNT, CONFIRM})
"""Tasks that wait for platforms: they run in the lane (`tasks/plumbing/lane`)."""

CONSUME_QUEUE = "consume"
"""The queue of polls."""

USUAL = "handle"
"""The queue of handle tasks whose handler asks for no other."""

WITHOUT_HANDLERS = frozenset({"consume", "confirm", "count"})
"""Queues whose workers run no handlers; `count` is one of earlier versions, which commands may still name."""

KIND = "tidings_kind"
"""The message header that tells the pool a task's kind."""

TURN = "tidings_turn"
"""The header of a message that waits for its turn: the mark by which a worker is told that it has come."""
