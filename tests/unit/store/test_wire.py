"""What another version wrote is read as far as it is known."""

from dataclasses import dataclass

import pytest

from tasks.store.wire import read, stored


@dataclass(frozen=True)
class Sent:
    id: str
    names: tuple[str, ...] = ()
    at: float = 0.0


def test_a_field_of_a_later_version_is_left_out_and_one_that_lacks_keeps_its_default() -> None:
    assert read(Sent, {"id": "1", "names": ["a", "b"], "later": 5}) == Sent("1", ("a", "b"))


def test_half_a_character_is_read_as_it_is() -> None:
    assert read(Sent, {"id": "\ud800"}) == Sent("\ud800")


@pytest.mark.parametrize(
    "found",
    [None, 5, "text", [], {}, {"id": 5}, {"id": None}, {"id": "1", "names": "ab"}, {"id": "1", "at": "soon"}],
)
def test_what_does_not_fit_is_an_error(found: object) -> None:
    with pytest.raises(ValueError, match="Sent"):
        read(Sent, found)


@pytest.mark.parametrize("text", [None, "", "{", "3", "{}", pytest.param("[" * 100_000, id="deep")])
def test_stored_text_that_is_none_of_ours_counts_as_nothing(text: str | None) -> None:
    assert stored(Sent, text) is None
    assert stored(Sent, '{"id": "1", "later": 5}') == Sent("1")
