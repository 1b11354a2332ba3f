"""Whose a Redis is."""

from tasks.rules.belonging import Installation, not_ours, somebodys

HERE = "redis://127.0.0.1:6379/0"


def test_a_redis_with_the_id_that_is_meant_or_with_none_yet_is_ours() -> None:
    assert not_ours(HERE, "a1", Installation("a1", "/elsewhere")) == ""
    assert not_ours(HERE, "a1", None) == ""


def test_another_id_is_told_with_both_and_the_way_out() -> None:
    said = not_ours(HERE, "a1", Installation("b2", "/b/.tidings"))
    assert all(word in said for word in (HERE, "a1", "b2 in /b/.tidings", "`up`", "TIDINGS_REDIS_URL"))


def test_at_an_address_that_nobody_named_an_installation_of_anothers_folder_is_not_ours() -> None:
    assert somebodys(HERE, "/a/.tidings", None) == ""
    assert somebodys(HERE, "/a/.tidings", Installation("b2")) == ""
    assert somebodys(HERE, "/a/.tidings", Installation("b2", "/a/.tidings")) == ""
    assert "belongs to the installation in /b/.tidings" in somebodys(HERE, "/a", Installation("b2", "/b/.tidings"))
