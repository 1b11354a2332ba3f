"""How topics that nobody handles, and workers with other handlers, are told; for `handlers`, `status` and `check`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.commands.sentences import Said, Sentence, Value, some
from tasks.rules.registries import Difference, Stranger
from tasks.text import shown

SHOWN = 3
"""So many topics are named."""

ONE_CODE = Said(Sentence.ONE_CODE)

WRITE_ONE = Said(Sentence.WRITE_ONE)


@dataclass(frozen=True, slots=True)
class Unhandled:
    """Today's messages that nobody handled, by topic, the most first: of topics that nobody handles now either, and of others."""

    still: Mapping[str, int] = field(default_factory=dict)
    mended: Mapping[str, int] = field(default_factory=dict)


def said_unhandled(counts: Mapping[str, int]) -> Said:
    """Today's messages that nobody handled, and the topics of most of them."""
    named = [f"{shown(topic)} ({number})" for topic, number in counts.items()]
    topics = Said(Sentence.TOPICS, {"count": len(counts), "topics": some(named, SHOWN)})
    messages = Said(Sentence.MESSAGES, {"count": sum(counts.values())})
    return Said(Sentence.TOPICS_UNHANDLED, {"messages": messages, "topics": topics})


def said_stranger(stranger: Stranger) -> Said:
    """That a worker has other handlers than the others, and in what they differ as far as that is known."""
    values: dict[str, Value] = {"worker": shown(stranger.worker), "others": stranger.others}
    if stranger.difference is None:
        return Said(Sentence.OTHER_HANDLERS, values)
    return Said(Sentence.OTHER_HANDLERS_KNOWN, {**values, "difference": said_difference(stranger.difference)})


def said_difference(found: Difference) -> Value:
    """In what one lot of handlers differs from the other."""
    kinds = (Sentence.LACKS, found.lacks), (Sentence.HAS_ALONE, found.alone), (Sentence.HAS_ANOTHER, found.other)
    clauses = [Said(kind, {"topics": some(topics, SHOWN)}) for kind, topics in kinds if topics]
    return clauses or Said(Sentence.SAME_HANDLERS)
