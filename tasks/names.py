"""The names on the wire: tasks by name, so that a module may move while its tasks are queued."""

CONSUME = "tidings.consume"
HANDLE = "tidings.handle"
CONFIRM = "tidings.confirm"
COUNT = "tidings.count"
SALVAGE = "tidings.salvage"

KIND = "tidings_kind"
"""The message header that tells the pool a task's kind."""
