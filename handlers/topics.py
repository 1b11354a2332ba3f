"""Every topic that has a payload model, and the model."""

from collections.abc import Iterator
from types import MappingProxyType

from handlers import item, logistics, qianmi, refund, trade
from handlers.base import Event


def _models(family: type[Event]) -> Iterator[tuple[str, type[Event]]]:
    """The models below a class that have a topic of their own and stand in the modules imported here."""
    ours = {module.__name__ for module in (trade, refund, item, logistics, qianmi)}
    for model in family.__subclasses__():
        if model.topic and model.__module__ in ours:
            yield model.topic, model
        yield from _models(model)


MODELS = MappingProxyType(dict(sorted(_models(Event))))
"""Topic to model. vv-tool's topics are Taobao's."""
