"""What `celery -A tasks sandbox publish` does."""

from typing import IO, Any

import click
from requests.exceptions import RequestException

from tasks import clock
from tasks.commands.contents import GIVE_ONE, given, is_object, sampled
from tasks.commands.group import Unusable
from tasks.commands.sandbox.placing import Place, place
from tasks.commands.topics import full_topic
from tasks.sandbox.control import Control, ControlError
from tasks.text import masked, shown

ANSWER_SECONDS = 60
"""How long to wait for the sandbox: what it is given may be large."""

FRESH = 10**12
"""Samples are numbered by the microsecond, so that two calls of the command publish different trades; modulo eleven days,
so that ids keep the length of real ones."""


def perform(topic: str, content: IO[bytes] | None, account: str | None, count: int, url: str | None) -> None:
    """Publish so many messages and say for whom. Raises `Unusable` when that cannot be done.

    Without a URL the sandbox is where the account is polled, if that is on this machine.
    """
    topic = full_topic(topic)
    messages = [{"topic": topic, "content": each} for each in contents(topic, content, count)]
    queue = place(topic, account)
    url = url or queue.sandbox()
    ids = publish(url, queue, messages)
    for note in queue.doubts(topic, url):
        click.echo(f"note: {note}", err=True)
    told = ids[0] if count == 1 else f"{count} messages, {ids[0]} to {ids[-1]}"
    click.echo(f"published {shown(topic)} for {queue}: {told}")


def contents(topic: str, content: IO[bytes] | None, count: int) -> list[Any]:
    """So many contents: the file's text each, or samples of different trades. Raises `Unusable` where there are none."""
    if content is None:
        first = int(clock.now() * 1e6) % FRESH
        return [sampled(topic, first + number, instead=GIVE_ONE) for number in range(count)]
    text = given(content)
    if not is_object(text):
        click.echo(
            "note: the content is no JSON object; handlers that ask for a model or a dict will not take it", err=True
        )
    return [text] * count


def publish(url: str, queue: Place, messages: list[dict[str, Any]]) -> list[str]:
    """The ids that the sandbox gave them. Raises `Unusable` when it does not take them."""
    try:
        with Control(url, ANSWER_SECONDS) as control:
            return control.publish(queue.platform, messages, group=queue.group, shop_id=queue.shop_id, app=queue.app)
    except ControlError as error:
        raise Unusable(f"the sandbox at {shown(masked(url))} refused: {shown(error, 300)}") from None
    except (RequestException, ValueError, KeyError):
        raise Unusable(f"no sandbox answers at {shown(masked(url))}; start one: celery -A tasks sandbox") from None
