"""What handlers in the box read from the environment."""

from pathlib import Path

import pytest

from handlers import HandlersError
from handlers.posting.environment import Environment


def told(**environ: str) -> Environment:
    return Environment(environ, "T_", ("URL", "SECRET", "MOST"))


def test_texts_lists_and_numbers() -> None:
    assert (told().text("URL", "x"), told(T_URL=" y ").text("URL", "x"), told(T_URL="").text("URL")) == ("x", "y", "")
    assert told(T_URL="a, b,,").listed("URL") == ("a", "b")
    assert told().listed("URL", "*") == ("*",)
    assert (told().whole("MOST", 5), told(T_MOST="7").whole("MOST", 5)) == (5, 7)
    for wrong in ("0", "-1", "1.5", "x", "９", "9" * 30):
        with pytest.raises(HandlersError, match="T_MOST: write a whole number"):
            told(T_MOST=wrong).whole("MOST", 5)


def test_a_setting_that_is_none_and_one_that_lacks_are_errors() -> None:
    with pytest.raises(HandlersError, match="T_SECRTE is no setting: there are T_URL, T_SECRET, T_MOST"):
        told(T_SECRTE="x")
    with pytest.raises(HandlersError, match="T_URL is not set: write something"):
        told(T_URL="  ").required("URL", "write something")


def test_secrets_are_looked_up(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    assert told(T_SECRET="hunter2").secret("SECRET", "w") == "hunter2"
    assert told(T_SECRET="env:X", X="hunter2").secret("SECRET", "w") == "hunter2"
    assert told(T_SECRET=f"file:{tmp_path / 'secret'}").secret("SECRET", "w") == "hunter2"


@pytest.mark.parametrize("wrong", ["env:X", "env:", "env:a b", "file:", "file:/nowhere", "file:/", "file:a\0b"])
def test_a_secret_that_is_not_there_is_an_error(wrong: str) -> None:
    with pytest.raises(HandlersError, match=r"T_SECRET: (env|file): is followed by"):
        told(T_SECRET=wrong, **{"a b": "x"}).secret("SECRET", "w")


def test_topics_are_listed_between_commas_and_all_where_none_is() -> None:
    environ = {"T_TOPICS": "taobao_*, TradeBuyerPay,,[ab ]*"}
    assert Environment(environ, "T_", ("TOPICS",)).topics() == ("taobao_*", "TradeBuyerPay", "[ab ]*")
    for nothing in ("", " "):
        assert Environment({"T_TOPICS": nothing}, "T_", ("TOPICS",)).topics() == ("*",)


@pytest.mark.parametrize("topics", ["taobao_* qianmi_*", "a;b", "a|b", "a\tb", ","])
def test_other_signs_between_topics_are_told(topics: str) -> None:
    """All messages would be ones that nobody handles, which are confirmed."""
    with pytest.raises(HandlersError, match=r"T_TOPICS: .* write topics and patterns between commas"):
        Environment({"T_TOPICS": topics}, "T_", ("TOPICS",)).topics()
