"""Publishes the messages of a batch with one command a queue, in their order."""

from typing import Any

from kombu.transport import redis as kombu_redis

VALUES = 100
"""Messages of one command: enough for a batch, and no command holds Redis up for long."""


class JoinedBatch(kombu_redis.PublishBatch):  # type: ignore[name-defined, misc]  # the types lag behind: new in kombu 5.7
    """kombu's batch, on a pipeline that joins what goes into the same queue."""

    def __init__(self, channel: Any, max_size: int) -> None:
        super().__init__(channel, max_size)
        self.pipeline: Any = Joined(self.pipeline)


class Joined:
    """A pipeline for what kombu publishes with; LPUSHes to one list become one."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._commands: list[tuple[str, list[Any]]] = []
        self._open: dict[str, list[Any]] = {}

    def lpush(self, key: str, value: bytes) -> None:
        """Put a message behind those that go to the same list."""
        arguments = self._open.get(key)
        if arguments is None or len(arguments) > VALUES:
            arguments = self._open[key] = [key]
            self._commands.append(("lpush", arguments))
        arguments.append(value)

    def pexpire(self, key: str, milliseconds: int) -> None:
        """Prolong an expiring queue, once for all that is put into it."""
        if ("pexpire", [key, milliseconds]) not in self._commands:
            self._commands.append(("pexpire", [key, milliseconds]))

    def publish(self, topic: str, payload: str) -> None:
        """Broadcast."""
        self._commands.append(("publish", [topic, payload]))

    def execute(self) -> Any:
        """Send everything in one round trip."""
        for name, arguments in self._commands:
            getattr(self._pipeline, name)(*arguments)
        self._clear()
        return self._pipeline.execute()

    def reset(self) -> None:
        """Drop what was not sent."""
        self._clear()
        self._pipeline.reset()

    def _clear(self) -> None:
        self._commands.clear()
        self._open.clear()
