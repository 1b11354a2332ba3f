"""What is said of a Redis that does not do what is asked."""

import pytest
from redis.exceptions import (
    ClusterCrossSlotError,
    ClusterDownError,
    InvalidResponse,
    MasterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tasks.store.refusals import advice, refusal


def test_a_redis_that_was_taken_for_a_sentinel_is_told_of() -> None:
    error = ResponseError("unknown command 'SENTINEL', with args beginning with: 'MASTERS' ")
    said = refusal(error, "start it")
    assert said.text == "answers, but is no sentinel"
    assert "26379" in said.todo


@pytest.mark.parametrize(
    ("error", "words", "todo"),
    [
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), "is full", "raise `maxmemory`"),
        (
            ResponseError("Error running script: @user_script: 1: -OOM command not allowed"),
            "is full",
            "raise `maxmemory`",
        ),
        (
            ReadOnlyError("You can't write against a read only replica."),
            "is a read-only replica",
            "the primary's address",
        ),
        (MasterDownError("Link with MASTER is down"), "has lost its primary", "the primary's address"),
        (ClusterDownError("Hash slot not served"), "is a Redis Cluster", "one Redis"),
        (ClusterCrossSlotError("Keys in request don't hash to the same slot"), "is a Redis Cluster", "one Redis"),
        (MovedError("7638 127.0.0.1:7001"), "is a Redis Cluster", "one Redis"),
        (
            ResponseError("unknown command 'EVALSHA', with args beginning with: '657b' '5' "),
            "does not know a command that is needed: unknown command 'EVALSHA'",
            "6.2 or later",
        ),
        (
            ResponseError("Unknown Redis command called from script script: f_1"),
            "does not know a command",
            "6.2 or later",
        ),
        (InvalidResponse('Protocol error, got "H" as reply type byte'), "not as a Redis does", "host and port"),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), "fewer replicas", "min-replicas-to-write"),
        (ResponseError("MISCONF Errors writing to the AOF file: No space left on device"), "to disk", "free space"),
        (
            RedisConnectionError(
                "Error 1 connecting to redis:6380. [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
                "CA cert does not include key usage extension (_ssl.c:1020)."
            ),
            "Python 3.13",
            "made anew",
        ),
        (
            RedisConnectionError("Error 24 connecting to 127.0.0.1:6379. Too many open files."),
            "this process may open no more files",
            "not close them",
        ),
        (RedisConnectionError("max number of clients reached"), "as many connections as it takes", "maxclients"),
        (RedisConnectionError("Connection closed by server."), "ends them", "ssl_certfile=FILE"),
        (
            RedisConnectionError(
                "Error 8 while writing to socket. EOF occurred in violation of protocol (_ssl.c:2427)."
            ),
            "ends them",
            "ssl_certfile=FILE",
        ),
        (
            RedisConnectionError("Error while reading from host:6379 : (104, 'Connection reset by peer')"),
            "ends them",
            "rediss://",
        ),
        (RedisTimeoutError("Timeout connecting to server"), "in time", "redis://"),
        (RedisConnectionError("Error 1 connecting: [SSL: WRONG_VERSION_NUMBER]"), "without TLS", "redis://"),
        (
            RedisConnectionError("(1, '[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca')"),
            "we show",
            "ssl_certfile",
        ),
        (RedisConnectionError("Error 111 connecting to host:6379. Connection refused."), "does not answer", "it runs"),
    ],
)
def test_a_line_in_a_log_says_what_to_do(error: RedisError, words: str, todo: str) -> None:
    said = advice(error)
    assert words in said
    assert todo in said
    assert "\n" not in said
