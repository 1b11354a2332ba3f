"""What `celery -A tasks sandbox publish` does."""

import json
from typing import IO, Any

import click
from requests.exceptions import RequestException

from handlers.samples import sample
from handlers.topics import MODELS
from tasks import clock
from tasks.commands.group import Unusable
from tasks.commands.sandbox.placing import Place, place
from tasks.commands.topics import full_topic, no_sample
from tasks.sandbox.control import Control, ControlError
from tasks.text import masked, shown

ANSWER_SECONDS = 60
"""How long to wait for the sandbox: what it is given may be large."""

CONTENT_BYTES = 32 * 2**20

FRESH = 10**12
"""Samples are numbered by the microsecond, so that two calls of the command publish different trades; modulo eleven days,
so that ids keep the length of real ones."""


def perform(topic: str, content: IO[bytes] | None, account: str | None, count: int, url: str) -> None:
    """Publish so many messages and say for whom. Raises `Unusable` when that cannot be done."""
    topic = full_topic(topic)
    contents = [given(content)] * count if content else samples(topic, count)
    queue = place(topic, account, url)
    ids = publish(url, queue, [{"topic": topic, "content": each} for each in contents])
    for note in queue.notes:
        click.echo(f"note: {note}", err=True)
    told = ids[0] if count == 1 else f"{count} messages, {ids[0]} to {ids[-1]}"
    click.echo(f"published {shown(topic)} for {queue}: {told}")


def samples(topic: str, count: int) -> list[dict[str, Any]]:
    """So many valid contents, each of another trade, item or refund. Raises `Unusable` for a topic that has none."""
    if topic not in MODELS:
        raise Unusable(no_sample(topic))
    first = int(clock.now() * 1e6) % FRESH
    return [sample(topic, first + number) for number in range(count)]


def given(content: IO[bytes]) -> str:
    """The file's text, as it is. Raises `Unusable` for what is no text."""
    body = content.read(CONTENT_BYTES + 1)
    if len(body) > CONTENT_BYTES:
        raise Unusable(f"the content is larger than {CONTENT_BYTES} bytes")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable("the content is not UTF-8; save it as UTF-8") from None
    if not is_object(text):
        click.echo(
            "note: the content is no JSON object; handlers that ask for a model or a dict will not take it", err=True
        )
    return text


def is_object(text: str) -> bool:
    """Whether the text is what contents are on all known platforms."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def publish(url: str, queue: Place, messages: list[dict[str, Any]]) -> list[str]:
    """The ids that the sandbox gave them. Raises `Unusable` when it does not take them."""
    try:
        with Control(url, ANSWER_SECONDS) as control:
            return control.publish(queue.platform, messages, group=queue.group, shop_id=queue.shop_id, app=queue.app)
    except ControlError as error:
        raise Unusable(f"the sandbox at {shown(masked(url))} refused: {shown(error, 300)}") from None
    except (RequestException, ValueError, KeyError):
        raise Unusable(f"no sandbox answers at {shown(masked(url))}; start one: celery -A tasks sandbox") from None
