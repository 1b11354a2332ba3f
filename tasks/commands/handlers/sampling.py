"""What `celery -A tasks handlers sample` does."""

import json
import sys

import click

from tasks.commands.contents import sampled
from tasks.commands.topics import full_topic

INSTEAD = ": write its content by hand, and give it to `handlers try` with --content FILE"


def perform(topic: str) -> None:
    """Print a valid content of the topic. Raises `Unusable` when there is none."""
    # What is written into a file here is read as UTF-8 by others, so a terminal of another kind gets escapes.
    utf8 = (sys.stdout.encoding or "").replace("-", "").lower() == "utf8"
    click.echo(json.dumps(sampled(full_topic(topic), instead=INSTEAD), ensure_ascii=not utf8, indent=2))
