"""What is concluded for the installation as a whole, and whether there is something to do."""

import pytest
from pydantic import SecretStr

from tasks.accounts import QianmiAccount, QianmiGateway
from tasks.commands.accounts.standing import Standing
from tasks.commands.status.attention import Attention, Found, Need
from tasks.commands.status.findings import findings, something_to_do
from tasks.commands.status.picture import Picture

NOW = 1_795_219_200.0
SHOP = QianmiAccount(name="shop", gateway=QianmiGateway(name="qm", app_key="1", app_secret=SecretStr("invented")))


def overdue(number: int) -> list[Found]:
    """Three accounts, so many of them overdue."""
    return [(Standing(SHOP), Attention(Need.OVERDUE if place < number else Need.NOTHING)) for place in range(3)]


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (Picture(NOW, 3, overdue(0), workers=2, pulled=NOW), []),
        (Picture(NOW, 3, overdue(0), workers=None, pulled=NOW), []),
        (Picture(NOW, 3, overdue(0), workers=0), ["celery -A tasks worker"]),
        (Picture(NOW, 3, overdue(2), workers=1), []),
        (Picture(NOW, 3, overdue(3), workers=1, pulled=NOW - 90), ["the latest pull was 90s ago"]),
        (Picture(NOW, 3, overdue(3), workers=0), ["celery -A tasks worker", "nothing was pulled yet"]),
        (Picture(NOW, 3, overdue(3), workers=1, beats=1), ["nothing was pulled yet: their calls fail or wait"]),
        (Picture(NOW, 3, [], workers=1), []),
        (Picture(NOW, 3, overdue(0), queues={"consume": None, "handle": 0}), []),
        (Picture(NOW, 3, overdue(0), queues={"consume": None, "handle": None}), ["celery -A tasks check"]),
        (Picture(NOW, 0, [], workers=1), ["there are no accounts"]),
    ],
)
def test_what_seems_not_to_run_is_named(picture: Picture, words: list[str]) -> None:
    said = findings(picture)
    assert len(said) == len(words)
    assert all(word in finding.text for word, finding in zip(words, said, strict=True))
    assert all(finding.todo for finding in said)


def test_dead_letters_are_something_to_do() -> None:
    [one] = findings(Picture(NOW, 3, [], workers=1, letters=1))
    assert (one.about, one.text, one.todo) == (
        "letters",
        "1 dead letter to look at: celery -A tasks letters list",
        True,
    )
    assert "2 dead letters " in findings(Picture(NOW, 3, [], workers=1, letters=2))[0].text


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Picture(NOW, 3, overdue(0), workers=1), False),
        (Picture(NOW, 3, overdue(1), workers=1), True),
        (Picture(NOW, 3, overdue(0), workers=0), True),
        (Picture(NOW, 0, [], workers=1), True),
    ],
)
def test_an_account_or_a_finding_may_be_what_is_to_be_done(picture: Picture, expected: bool) -> None:
    assert something_to_do(picture) is expected
