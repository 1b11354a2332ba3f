"""`message.extra` and the times of a message, in a process that handles: it reads no secret of a gateway."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handlers import Message, Registry
from tasks import clock, runtime
from tasks.handle import Again, deliver
from tasks.runtime import Stores
from tasks.settings import settings
from tests.integration.test_handle import delivery

Register = Callable[..., Registry]

EXTRA = """
[accounts.shop.extra]
warehouse = 7
secret = "env:HOOK"
"""


@pytest.fixture
def accounts_file(tidings: Stores) -> Path:
    path = Path(settings().accounts)
    path.write_text(path.read_text().replace("[accounts.vshop]", f"{EXTRA}[accounts.vshop]"))
    return path


def asks(found: list[dict[str, Any]]) -> Callable[[Message], None]:
    def on_any(message: Message) -> None:
        found.append(dict(message.extra))

    return on_any


def test_a_handler_gets_its_account_s_table_where_the_gateways_secrets_are_not(
    tidings: Stores, registered: Register, accounts_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[dict[str, Any]] = []
    registered(asks(found))
    monkeypatch.delenv("TB_SECRET")
    monkeypatch.setenv("HOOK", "s3cret")
    assert deliver(delivery()) == "handled"
    assert deliver(delivery(account="gone", names=("app", "2"))) == "handled"
    assert found == [{"warehouse": 7, "secret": "s3cret"}, {}]
    assert not runtime.accounts_source().known


def test_a_handler_that_has_gone_to_another_folder_gets_the_table_from_where_the_process_began(
    tidings: Stores, accounts_file: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "s3cret")
    monkeypatch.setenv("TIDINGS_ACCOUNTS", accounts_file.name)
    monkeypatch.chdir(accounts_file.parent)
    settings.cache_clear()
    runtime.registry()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    table = runtime.extra("shop")  # noqa: S610 - not Django's
    assert table["warehouse"] == 7


def test_nobody_reads_the_accounts_for_a_handler_that_does_not_ask(
    tidings: Stores, registered: Register, accounts_file: Path
) -> None:
    def on_any(message: Message) -> None:
        assert message.account == "shop"

    registered(on_any)
    assert deliver(delivery()) == "handled"
    assert not runtime.accounts_without_secrets().known


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda _path: None, "message.extra: accounts.shop.extra.secret: the environment variable HOOK is not set"),
        (lambda path: path.unlink(), "message.extra needs the accounts, which cannot be read here: "),
    ],
)
def test_a_table_that_cannot_be_read_fails_the_try_and_the_log_says_why(
    tidings: Stores,
    registered: Register,
    accounts_file: Path,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None],
    said: str,
) -> None:
    spoil(accounts_file)
    registered(asks([]))
    with pytest.raises(Again):
        deliver(delivery())
    assert said in caplog.text


def test_a_message_tells_when_it_was_pulled_and_what_is_left_of_its_try(tidings: Stores, registered: Register) -> None:
    found: list[tuple[datetime | None, float]] = []

    def on_any(message: Message) -> None:
        found.append((message.pulled, message.deadline))

    registered(on_any, timeout=3)
    pulled = clock.now() - 2
    assert deliver(delivery(pulled=pulled)) == "handled"
    assert deliver(delivery(pulled=clock.now() - 14, names=("app", "2"))) == "handled"
    (at, left), (_, less) = found
    assert at == datetime.fromtimestamp(pulled, UTC)
    assert str(at).endswith("+08:00")
    assert 2 < left <= 3
    assert 0 < less <= 1, "no longer than its lease lets handlers run"
