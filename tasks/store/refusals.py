"""What a Redis or a broker says when it does not do what is asked, in one line, with what to do about it."""

from collections.abc import Callable
from typing import NamedTuple

from redis import exceptions

from tasks.text import masked, shown

LONGEST = 300


class Refusal(NamedTuple):
    """What is wrong, as the end of a sentence that begins with the address, and what to do."""

    text: str
    todo: str


LOGIN = "correct both in its address, with what is special in them percent-quoted; the user has to be on (`ACL LIST`)"
ALERTS = ("ALERT_CERTIFICATE_REQUIRED", "ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE_EXPIRED")
"""What a server says, in OpenSSL's words, that asks for our certificate and does not like it."""

EXTENSIONS = ("key usage", "key identifier", "basic constraints")
"""Of what OpenSSL says of certificates that only `VERIFY_X509_STRICT` refuses: Python's own contexts have it since 3.13."""

ENDED = ("Connection closed by server", "Connection reset by peer", "EOF occurred in violation of protocol")
"""How a connection looks that was ended before there was a reply. With TLS 1.3 a server refuses our certificate after the
handshake is over for us, so that its alert is often lost."""

CLUSTER = (exceptions.AskError, exceptions.ClusterCrossSlotError, exceptions.ClusterDownError)
SLOTS = ("MOVED ", "CROSSSLOT", "CLUSTERDOWN", "hash to the same slot", "Hash slot not served")
"""What a node of a Redis Cluster says, or a pipeline of redis-py's quotes of it."""

UNKNOWN = ("unknown command", "Unknown Redis command")
"""What a Redis says of a command that it has not, at once or in a script."""

KNOWN: tuple[tuple[Callable[[Exception, str], bool], str, str], ...] = (
    (
        lambda _, said: "protected mode" in said,
        "is in protected mode, and takes connections from its own machine only",
        "give it a password, or `protected-mode no` behind a firewall",
    ),
    (
        lambda error, _: isinstance(error, exceptions.NoPermissionError),
        "answers, but its user lacks a right: {said}",
        "docs/redis.md has the ACL line that workers need; `check` names what is missing",
    ),
    (
        lambda _, said: any(each in said for each in ("Authentication required", "NOAUTH", "HELLO must be called")),
        "answers, but wants a password",
        "put it into the address: redis://USER:PASSWORD@HOST",
    ),
    (
        lambda _, said: "without any password configured" in said or "no password is set" in said,
        "answers, but has no password, and the address gives one",
        "leave it out of the address, or give the Redis one",
    ),
    (
        lambda error, said: isinstance(error, exceptions.AuthenticationError) or "WRONGPASS" in said,
        "answers, but refuses the user or the password",
        LOGIN,
    ),
    (
        lambda error, said: isinstance(error, exceptions.ReadOnlyError) or "READONLY " in said,
        "is a read-only replica",
        "give the primary's address, or Sentinel's: sentinel://HOST/0?master=NAME",
    ),
    (
        lambda error, _: isinstance(error, exceptions.MasterDownError),
        "is a replica that has lost its primary",
        "give the primary's address, or Sentinel's: sentinel://HOST/0?master=NAME",
    ),
    (
        lambda _, said: "NOREPLICAS" in said,
        "takes nothing, as fewer replicas follow it than `min-replicas-to-write` asks for",
        "start them again, or lower `min-replicas-to-write` for as long as they are away",
    ),
    (
        lambda error, said: isinstance(error, CLUSTER) or any(each in said for each in SLOTS),
        "is a Redis Cluster, which Celery cannot use",
        "use one Redis, or several under Sentinel",
    ),
    (
        lambda error, said: isinstance(error, exceptions.OutOfMemoryError) or "OOM " in said,
        "is full: it has reached its maxmemory and takes nothing more",
        "raise `maxmemory`; `celery -A tasks letters list` shows what waits for a person",
    ),
    (
        lambda _, said: "max number of clients" in said,
        "has as many connections as it takes",
        "raise its `maxclients`, for which it needs as many open files (`ulimit -n`), or start fewer processes; `CLIENT LIST` "
        "shows whose they are",
    ),
    (
        lambda _, said: "Too many open files" in said,
        "cannot be connected to, as this process may open no more files",
        "see what opens files or connections and does not close them, often a handler; or raise `ulimit -n` (`LimitNOFILE=`)",
    ),
    (
        lambda error, _: isinstance(error, exceptions.BusyLoadingError),
        "still reads its data from disk",
        "wait; workers and beat do",
    ),
    (
        lambda _, said: "DB index is out of range" in said or "SELECT is not allowed" in said,
        "has no database of that number",
        "correct the number in the address, or raise `databases` of that Redis",
    ),
    (
        lambda _, said: "MISCONF" in said or "unable to persist" in said,
        "cannot write its data to disk, and takes nothing more until it can",
        "look at its log and at the free space on its disk",
    ),
    (
        lambda error, said: isinstance(error, exceptions.TimeoutError) and "reading" in said,
        "takes connections, and then says nothing",
        "see whether that port is a Redis's, with TLS (rediss://) or without; if it is, what keeps it busy (SLOWLOG)",
    ),
    (
        lambda _, said: "Timeout connecting" in said,
        "cannot be connected to in time",
        "see whether host and port are right, a firewall drops what is sent there, or the port speaks no TLS (redis://)",
    ),
    (
        lambda _, said: any(each in said for each in ENDED),
        "takes connections, and then ends them",
        "see what its log says; a port with TLS wants rediss:// in the address, and may want a certificate of ours that it "
        "trusts: ssl_certfile=FILE&ssl_keyfile=FILE",
    ),
    (
        lambda _, said: "No master found" in said,
        "cannot be found: no sentinel answers that knows a master of that name",
        "correct hosts, `master` and `sentinel_password` in the address",
    ),
    (
        lambda _, said: "unknown command" in said and "SENTINEL" in said,
        "answers, but is no sentinel",
        "give the sentinels' port, usually 26379, or write redis://HOST for one Redis",
    ),
    (
        lambda _, said: any(each in said for each in UNKNOWN),
        "answers, but does not know a command that is needed: {said}",
        "use Redis 6.2 or later, or Valkey, whose commands nobody has renamed (`rename-command`); `check` names what is missing",
    ),
    (
        lambda _, said: "Protocol error" in said,
        "answers, but not as a Redis does: {said}",
        "correct host and port in the address: something else listens there",
    ),
    (
        lambda _, said: "CERTIFICATE_VERIFY_FAILED" in said and "mismatch" in said,
        "shows a certificate of another host: {said}",
        "write the host into the address as the certificate names it, or have one made with this name in it",
    ),
    (
        lambda _, said: "CERTIFICATE_VERIFY_FAILED" in said and ("expired" in said or "not yet valid" in said),
        "shows a certificate whose time is not now: {said}",
        "renew the server's certificate; if it is in date, set this machine's clock",
    ),
    (
        lambda _, said: any(each in said.upper().replace(" ", "_") for each in ALERTS),
        "does not take the certificate that we show, or wants one: {said}",
        "give it one of an authority that it trusts: ssl_certfile=FILE&ssl_keyfile=FILE in the address",
    ),
    (
        lambda _, said: "WRONG_VERSION_NUMBER" in said or "RECORD_LAYER_FAILURE" in said,
        "answers, but without TLS",
        "write redis:// in place of rediss://, or give the port where it speaks TLS",
    ),
    (
        lambda _, said: "CERTIFICATE_VERIFY_FAILED" in said and any(each in said.lower() for each in EXTENSIONS),
        "shows a certificate that lacks what Python 3.13 and later ask for: {said}",
        "have it and its authority's made anew with basic constraints (critical), key usage and key identifiers, as openssl's "
        "own settings for authorities have them",
    ),
    (
        lambda _, said: "CERTIFICATE_VERIFY_FAILED" in said,
        "shows a certificate that cannot be trusted: {said}",
        "name its authority with ssl_ca_certs=FILE in the address, or ssl_cert_reqs=none where that is safe",
    ),
)


def refusal(error: Exception, todo: str) -> Refusal:
    """What an error of redis-py's or kombu's means; `todo` is the advice where nobody answers."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    said = str(error)
    for fits, text, remedy in KNOWN:
        if fits(cause, said) or fits(error, said):
            return Refusal(text.format(said=brief(error)), remedy)
    return Refusal(f"does not answer: {brief(error)}", todo)


def advice(error: Exception) -> str:
    """The same as the end of a line in a log."""
    said = refusal(error, "look whether it runs and can be reached; workers and beats wait for it")
    return f"{said.text}; {said.todo}"


def brief(error: Exception) -> str:
    """Its text in one line without a secret."""
    return shown(masked(str(error).splitlines()[0] if str(error) else type(error).__name__), LONGEST)
