"""Contents of messages as tests give them, and samples."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from handlers.message import Misused
from handlers.topics import MODELS
from handlers.topics.samples import sample
from tasks.commands.topics import did_you_mean

Content = str | Mapping[str, Any] | Sequence[Any] | BaseModel


class NoSample(LookupError):
    """There is no sample of a topic, or no such member; the text says what to give instead."""


def sampled(topic: str, **members: Any) -> dict[str, Any]:
    """A valid content of the topic, written in full, with these members in place of its own. Raises `NoSample`."""
    if topic not in MODELS:
        raise NoSample(
            f"there is no sample of {topic}{did_you_mean(topic, MODELS)}, as it has no model: give a content"
        )
    if unknown := sorted(set(members) - set(MODELS[topic].model_fields)):
        there = ", ".join(MODELS[topic].model_fields)
        raise NoSample(f"{topic} has no member {', '.join(unknown)}; it has {there}")
    return {**sample(topic), **members}


def text(content: Content) -> str:
    """The content as a platform writes it. Raises `Misused` for what JSON cannot hold."""
    if isinstance(content, str):
        return content
    try:
        if isinstance(content, BaseModel):
            return content.model_dump_json(by_alias=True, exclude_none=True)
        return json.dumps(content, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        said = "write what JSON has: a text, a dict, a list or a model, with str(…) of times and decimals"
        raise Misused(f"content: {error}; {said}") from None
