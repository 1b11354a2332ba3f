"""Sends many tasks at once: the headers of a batch's chord, as `chord()` would, and the polls that are due.

What all headers share is made once, the rest is filled in. Where somebody listens to the publishing of tasks, as tracing
does, `chord()` itself is used.
"""

import os
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from celery import chord, current_task
from celery.signals import after_task_publish, before_task_publish, task_sent
from kombu.utils.uuid import uuid

from tasks import app
from tasks.names import KIND
from tasks.plumbing.fast_json import encode, loads


class Header(NamedTuple):
    """One task of a chord: its keyword arguments, how Celery is to show them, of which kind it is to the pool, its time limit in
    seconds, and the queue that it goes to ("": that of its name)."""

    given: Mapping[str, Any]
    shown: str
    kind: str
    limit: float
    queue: str = ""


HEARD = (before_task_publish, after_task_publish, task_sent)


def start(task: Any, many: Sequence[Header], callback: Any) -> None:
    """Start a chord of one task for each header, all in one round trip."""
    if app.conf.task_send_sent_event or any(signal.receivers for signal in HEARD):
        with app.batch():
            chord([subtask(task, each) for each in many])(callback)
        return
    usual = app.amqp.router.route({}, task.name)["queue"].name
    queues = [each.queue or usual for each in many]
    with app.producer_or_acquire() as producer:
        for name in {*queues}:
            declare(producer, app.amqp.queues[name])
        if hasattr(producer.channel, "put_all"):
            put(producer, queues, [*messages(task, many, callback)])
            return
    with app.batch(), app.producer_or_acquire() as producer:
        for queue, message in zip(queues, messages(task, many, callback), strict=True):
            producer.publish(**message, exchange="", routing_key=queue)


def put(producer: Any, queues: Sequence[str], many: Sequence[dict[str, Any]]) -> None:
    """Put messages into their queues on Redis: one goes kombu's way as far as its queue, and the others are written like it."""
    with producer.channel.catching() as caught:
        producer.publish(**many[0], exchange="", routing_key=queues[0])
    like, lists = caught[0], dict[str, list[dict[str, Any]]]()
    shared = like["properties"]
    for queue, message in zip(queues, many, strict=True):
        id_, where = message["correlation_id"], {**shared["delivery_info"], "routing_key": queue}
        own = {"correlation_id": id_, "delivery_tag": id_, "delivery_info": where}
        written = {**like, "body": message["body"], "headers": message["headers"], "properties": {**shared, **own}}
        lists.setdefault(queue, []).append(written)
    producer.channel.put_all(lists)


def declare(producer: Any, queue: Any) -> None:
    """Declare a queue that is not declared yet; over a new connection where this one was lost while it lay in its pool."""
    connection = producer.connection
    try:
        producer.maybe_declare(queue)
    except connection.connection_errors:
        connection.collect()
        producer.revive(connection.default_channel)
        producer.maybe_declare(queue)


def subtask(task: Any, header: Header) -> Any:
    """A header as Celery's own `chord()` takes it."""
    options: dict[str, Any] = {"time_limit": header.limit, "kwargsrepr": header.shown, "headers": {KIND: header.kind}}
    if header.queue:
        options["queue"] = header.queue
    return task.subtask(kwargs=header.given, options=options)


def messages(task: Any, many: Sequence[Header], callback: Any) -> Iterator[dict[str, Any]]:
    """What to publish for each header, by kombu's names."""
    group, parent = uuid(), current_task.request if current_task else None
    root = parent and (parent.root_id or parent.id)
    callback = callback.clone()
    callback.freeze(uuid(), group_id=group, root_id=root)
    shared = app.amqp.create_task_message(
        "",
        task.name,
        group_id=group,
        chord=callback,
        root_id=root,
        parent_id=parent and parent.id,
        ignore_result=task.ignore_result,
        argsrepr="()",
        kwargsrepr="",
    )
    embedded = encode(shared.body[2])
    for index, (header, id_) in enumerate(zip(many, ids(len(many)), strict=True)):
        yield {
            "body": b"[[], %b, %b]" % (encode(header.given), embedded),
            "content_type": "application/json",
            "content_encoding": "utf-8",
            "headers": {
                **shared.headers,
                "id": id_,
                "root_id": root or id_,
                "group_index": index,
                "timelimit": [header.limit, None],
                "kwargsrepr": header.shown,
                KIND: header.kind,
            },
            **shared.properties,
            "correlation_id": id_,
            "delivery_mode": 2,
        }


def ids(number: int) -> Iterator[str]:
    """So many new ids of tasks. All are asked of the system at once: each time, other threads get the interpreter first."""
    drawn = os.urandom(16 * number)
    return (str(UUID(bytes=drawn[at : at + 16], version=4)) for at in range(0, len(drawn), 16))


def poll_all(task: str, accounts: Sequence[str], keywords: Mapping[str, Any], expiration: float) -> None:
    """Send `tidings.consume` or `tidings.count` for each account, as `sending` does for one, at a tenth of the cost.

    `keywords` go with every account; `expiration` is after how many seconds RabbitMQ drops what nobody took.
    The tasks of one call differ in id and account only: on Redis all are copies of one message, put into the queue together.
    Elsewhere, and where somebody listens to each, they are sent by Celery, together if the broker can batch.
    Raises what `batch` raises, or the broker's error.
    """
    heard = app.conf.task_send_sent_event or any(signal.receivers for signal in HEARD)
    with app.producer_or_acquire() as producer:
        if not heard and hasattr(producer.channel, "put_all"):
            queue = app.amqp.router.route({}, task)["queue"]
            producer.maybe_declare(queue)
            polls = copies(model(task, expiration, producer), accounts, keywords)
            producer.channel.put_all({queue.name: polls})
            return
    with app.batch(), app.producer_or_acquire() as producer:
        send_each(producer, task, accounts, keywords, expiration)


def waiting(task: str) -> tuple[str, int]:
    """The queue of a task, and how many messages wait in it; 0 on RabbitMQ, which drops by itself what nobody takes in time."""
    queue = app.amqp.router.route({}, task)["queue"]
    with app.producer_or_acquire() as producer:
        size = getattr(producer.channel, "_size", None)  # kombu's, of every broker but RabbitMQ
        return queue.name, size(queue.name) if size else 0


def send_each(
    producer: Any, task: str, accounts: Iterable[str], keywords: Mapping[str, Any], expiration: float
) -> None:
    """Send a task for each account by Celery's own way, signals and all; the queue is declared with the first."""
    headers, properties, (_, kwargs, embed), event = app.amqp.create_task_message(
        "",
        task,
        kwargs=dict(keywords),
        ignore_result=True,
        reply_to=app.thread_oid,
        create_sent_event=app.conf.task_send_sent_event,
    )
    options: dict[str, Any] = app.amqp.router.route({"expiration": expiration}, task)
    for account in accounts:
        id_, arguments = uuid(), (account,)
        own = {"id": id_, "root_id": id_, "argsrepr": repr(arguments)}
        told = event and {**event, "uuid": id_, "root_id": id_, "args": own["argsrepr"]}
        message = ({**headers, **own}, {**properties, "correlation_id": id_}, (arguments, kwargs, embed), told)
        app.amqp.send_task_message(producer, task, message, **options)
        options["declare"] = []


_models: dict[tuple[str, float], dict[str, Any]] = {}


def model(task: str, expiration: float, producer: Any) -> dict[str, Any]:
    """What a message of this task looks like in its queue on Redis, its body without arguments; made once a process."""
    found = _models.get((task, expiration))
    if found is None:
        with producer.channel.catching() as caught:
            send_each(producer, task, [""], {}, expiration)
        (found,) = caught
        found["body"] = encode(loads(b64decode(found["body"]))[2])
        _models[task, expiration] = found
    return found


def copies(like: dict[str, Any], accounts: Sequence[str], keywords: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The messages for these accounts."""
    headers = {**like["headers"], "kwargsrepr": repr(keywords)}
    given = encode(keywords)
    for account, id_, tag in zip(accounts, ids(len(accounts)), ids(len(accounts)), strict=True):
        yield {
            **like,
            "body": b"[[%b], %b, %b]" % (encode(account), given, like["body"]),
            "headers": {**headers, "id": id_, "root_id": id_, "argsrepr": repr((account,))},
            "properties": {**like["properties"], "correlation_id": id_, "delivery_tag": tag},
        }
