"""Samples: for every model one that is whole, as the wire writes it, and another one for each number."""

import json

import pytest

from handlers.base import Event
from handlers.topics import MODELS
from handlers.topics.samples import NUMBERED, VALUES, sample


@pytest.mark.parametrize("topic", MODELS)
def test_every_model_has_a_sample_with_every_member(topic: str) -> None:
    """Valid, and nothing in it is absent."""
    event = MODELS[topic].model_validate_json(json.dumps(sample(topic)))
    assert not event.model_extra
    assert all(getattr(event, name) is not None for name in MODELS[topic].model_fields)


@pytest.mark.parametrize("topic", [topic for topic in MODELS if MODELS[topic].model_fields])
def test_the_next_sample_is_of_another_trade_item_or_refund(topic: str) -> None:
    """Its ids differ, everything else is the same."""
    one, other = sample(topic), sample(topic, 1)
    differing = {name for name in one if one[name] != other[name]}
    assert differing
    assert differing == NUMBERED & one.keys()
    assert all(type(one[name]) is type(other[name]) for name in one)


def test_qianmi_writes_its_ids_as_text() -> None:
    """As all its members."""
    assert sample("qianmi_elife_rechargeStateChange", 1)["tid"] == str(VALUES["tid"] + 1)


def test_a_topic_without_a_model_has_none() -> None:
    """There would be nothing to hold it against."""
    with pytest.raises(KeyError):
        sample("taobao_trade_TradeUnheardOf")


def test_no_value_is_left_over() -> None:
    """Each is some model's member."""
    known: set[str] = set()
    for model in MODELS.values():
        assert issubclass(model, Event)
        known |= model.model_fields.keys()
    assert VALUES.keys() == known
