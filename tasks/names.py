"""The names on the wire: tasks by name, so that a module may move while its tasks are queued."""

CONSUME = "tidings.consume"
HANDLE = "tidings.handle"
CONFIRM = "tidings.confirm"
COUNT = "tidings.count"
SALVAGE = "tidings.salvage"
