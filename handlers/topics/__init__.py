"""Every topic that has a payload model, and the model."""

from collections.abc import Iterator
from types import MappingProxyType

from handlers import item, logistics, qianmi, refund, trade
from handlers.base import Event


def _models() -> Iterator[tuple[str, type[Event]]]:
    """The models with a topic of their own, as their modules hold them now.

    Not by `Event.__subclasses__`: where a time limit ended an import half way, it has the models of both imports.
    """
    for module in (trade, refund, item, logistics, qianmi):
        classes = (found for found in vars(module).values() if isinstance(found, type) and issubclass(found, Event))
        yield from ((found.topic, found) for found in classes if found.topic and found.__module__ == module.__name__)


MODELS = MappingProxyType(dict(sorted(_models())))
"""Topic to model. vv-tool's topics are Taobao's."""
