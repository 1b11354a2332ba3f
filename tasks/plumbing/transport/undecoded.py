"""Messages that are not decoded before somebody looks into them: of a task's, that is the pool (see request.py)."""

from collections.abc import Iterator
from typing import Any

from kombu.transport import virtual


class Undecoded:
    """The arguments, options and callbacks of a task message; decoded when they are asked for."""

    def __init__(self, message: Any) -> None:
        self._message = message

    def __iter__(self) -> Iterator[Any]:
        return iter(self._message.decode())

    def __getitem__(self, key: Any) -> Any:
        return self._message.decode()[key]

    def __contains__(self, name: object) -> bool:
        """Whether the body is of Celery's old kind and has a field of this name; Celery asks to tell the kinds apart."""
        return self._message.body[:1] not in {b"[", "["} and name in self._message.decode()


class UndecodedMessage(virtual.Message):
    """kombu's, which does not decode a task before somebody looks into it."""

    _decoded_cache: Any

    @property
    def payload(self) -> Any:
        """The decoded body, or of a task, what decodes it."""
        if self._decoded_cache is None and "task" in (self.headers or ()):
            return Undecoded(self)
        return super().payload
