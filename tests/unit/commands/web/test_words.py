"""The page's words: each is there in Chinese, and none that nothing shows."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from tasks.commands.sentences import Sentence
from tasks.commands.status import findings
from tasks.commands.status.attention import Need
from tasks.commands.web import words
from tasks.commands.web.rendering import FOLDER, catalogue, number, span, spoken


def asked_for() -> set[str]:
    """Every text that templates and code have translated."""
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    return {str(message) for _, _, message, _, _ in extract_from_dir(FOLDER, methods, keywords={"_": None, "N_": None})}


def test_every_word_is_there_in_chinese_and_no_other() -> None:
    assert catalogue("zh").keys() == asked_for() | {text for kind in Sentence for text in kind.texts}


def test_what_is_put_into_a_text_is_put_into_its_translation() -> None:
    found = catalogue("zh")
    assert all(places(text) == places(found[text]) for text in found)


def places(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)s", text))


def test_every_need_and_every_finding_has_a_name() -> None:
    assert set(words.NEEDS) == set(Need) - {Need.NOTHING}
    source = Path(findings.__file__).read_text()
    assert set(re.findall(r'Finding\(\s*"(\w+)"', source)) == set(words.FINDINGS)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh-CN;q=0.8", "en"),
        ("fr,zh;q=0.4,en;q=0.7", "en"),
        ("zh-Hant-TW", "zh"),
        ("de", "en"),
        ("zh;q=x,,;q=", "en"),
        ("*", "en"),
        ("\ud800,zh", "zh"),
    ],
)
def test_the_language_is_the_one_that_is_liked_best(accepted: str, language: str) -> None:
    assert spoken(accepted) == language


def test_numbers_and_spans_are_written_as_each_language_does() -> None:
    assert [number(value, "en") for value in (None, 0, 3, 0.256, 12.6, 48211)] == [
        "–",
        "0",
        "3",
        "0.26",
        "13",
        "48,211",
    ]
    assert (span(None, "en"), span(600, "zh"), span(600, "en")) == ("–", "10分钟", "10 min")
