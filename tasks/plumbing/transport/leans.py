"""What is leaned on of kombu's channel for Redis."""

from typing import Any

from kombu.transport import redis as kombu_redis


class Leans(kombu_redis.Channel):
    """Kombu's channel with what is leaned on beyond its types; the tests of this transport fail when it changes."""

    connection: Any
    connection_errors: tuple[type[Exception], ...]
    qos: Any
    _closing: bool
    _expires: Any
    _flush_brpop_reauth: Any
    _get_message_priority: Any
    _in_listen: Any
    _in_poll: Any
    _q_for_pri: Any
    _queue_cycle: Any
