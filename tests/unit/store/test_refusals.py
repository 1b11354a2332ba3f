"""What is said of a Redis that does not do what is asked."""

from redis.exceptions import ResponseError

from tasks.commands.refusals import refusal


def test_a_redis_that_was_taken_for_a_sentinel_is_told_of() -> None:
    error = ResponseError("unknown command 'SENTINEL', with args beginning with: 'MASTERS' ")
    said = refusal(error, "start it")
    assert said.text == "answers, but is no sentinel"
    assert "26379" in said.todo
