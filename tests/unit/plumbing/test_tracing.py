"""What is had for less of Celery's tracer is what Celery would have made."""

from typing import Any

from celery.app.task import Context
from celery.utils.saferepr import saferepr
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.plumbing.tracing import SHORT, result_shown, with_own

TEXTS = st.text() | st.text("'\"\\", max_size=3) | st.sampled_from(["x" * (SHORT - 7), "x" * 2000])

NUMBERS = st.integers() | st.none() | st.booleans()


class Pair(tuple[Any, ...]):
    """A tuple that is shown by its name."""

    __slots__ = ()


@given(
    st.tuples(TEXTS, TEXTS)
    | st.tuples(TEXTS)
    | st.lists(TEXTS)
    | st.tuples(TEXTS, NUMBERS)
    | st.tuples(TEXTS, TEXTS, NUMBERS, NUMBERS)
    | TEXTS
)
@example(("2900000000000000001", "handled"))
@example(("2900000000000000001", "handled", 41, None))
@example(("2900000000000000001", "handled", True))
@example(Pair(("2900000000000000001", "handled")))
def test_a_result_is_shown_as_celery_shows_it(value: Any) -> None:
    assert result_shown(value, 1024) == saferepr(value, 1024)


def test_a_task_knows_the_headers_of_its_message_as_from_celery() -> None:
    headers = {"id": "1", "task": "tidings.handle", "tidings_kind": "t", "theirs": 1, "lang": "py", "stamps": {}}
    assert Context(with_own(headers)).headers == Context(headers).headers == {"tidings_kind": "t", "theirs": 1}
    given_ = {**headers, "headers": {"more": 1}}
    assert Context(with_own(given_)).headers == Context(given_).headers == {"more": 1}
    assert Context(with_own({"id": "1"})).headers is Context({"id": "1"}).headers is None
