"""handlers.database on SQLite, PostgreSQL and MariaDB; the last two where the machine has them."""

import json
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select, text

from handlers import BadHandler, Message, Reject, Retry, Unfit
from handlers.storing import schema, store, tables
from handlers.storing.engine import address, connect
from handlers.storing.events import Merged
from handlers.storing.refused import check
from handlers.storing.store import Database, newest
from tests.bench.database import shuffled_doubled_and_killed
from tests.databases import SERVERS, missing, new_database, server
from tests.ports import free_port

TOPIC = "taobao_trade_TradeBuyerPay"
SECRET = "Zhang San, 1 Main Street"

Addresses = Iterator[str]


@pytest.fixture(scope="module", params=["sqlite", *SERVERS])
def addresses(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Those of empty databases, a new one each time."""
    kind: str = request.param
    if kind == "sqlite":
        folder = tmp_path_factory.mktemp("databases")
        yield (f"sqlite:///{folder / f'{number}.db'}" for number in range(1000))
        return
    if why := missing(kind):
        pytest.skip(why)
    with server(kind) as found:
        yield (new_database(found, f"test{number}") for number in range(1000))


@pytest.fixture
def url(addresses: Addresses) -> str:
    """The address of an empty database."""
    return next(addresses)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(connect(address(url)))
    yield made
    made.close()


def paid(id_: str = "1", **content: Any) -> Message:
    return Message(id_, TOPIC, "shop", "taobao", json.dumps({"tid": 5, **content}), identity=f"app-{id_}")


def ids(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(connection.execute(select(tables.message.c.id)).scalars())


def trades(database: Database) -> dict[int, Any]:
    with database.engine.connect() as connection:
        return {row["tid"]: row for row in connection.execute(select(tables.trade)).mappings()}


@contextmanager
def somebody_else(url: str) -> Iterator[Connection]:
    """A connection of another program's."""
    engine = connect(address(url))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_events_in_any_order_twice_and_with_kills_end_in_the_true_last_state(url: str) -> None:
    run = shuffled_doubled_and_killed(url, trades=40, each=10, kills=4, seed=3)
    assert run.faults == []
    assert run.kills == 4
    assert run.deliveries == 800


def test_two_that_tell_of_one_order_at_the_same_time_are_both_heard(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.take(paid("1"))
    other = threading.Thread(target=database.take, args=(paid("2", post_fee="2.00"),))

    def meanwhile(known: Merged, more: Merged) -> Merged:
        """What the first one does between reading the order and writing it."""
        if threading.current_thread() is not other:
            other.start()
            other.join(0.5)
        return newest(known, more)

    monkeypatch.setattr(store, "newest", meanwhile)
    database.take(paid("3", payment="3.00"))
    other.join(20)
    found = trades(database)[5]
    assert (found["payment"], found["post_fee"]) == (Decimal(3), Decimal(2))


def make_tables(url: str, all_there: Any) -> None:
    made = Database(connect(address(url)))
    made.engine.connect().close()
    all_there.wait(30)
    made.store([paid(str(multiprocessing.current_process().pid))])
    made.close()


def test_processes_that_start_at_the_same_time_make_the_tables_once(url: str, database: Database) -> None:
    context = multiprocessing.get_context("fork")
    all_there = context.Barrier(6)
    processes = [context.Process(target=make_tables, args=(url, all_there)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 6
    assert len(ids(database)) == 6


def test_the_steps_lead_to_the_tables_that_the_code_writes_to(url: str, database: Database) -> None:
    schema.bring_up_to_date(database.engine)
    with database.engine.connect() as connection:
        told = MigrationContext.configure(connection, opts={"version_table": tables.VERSION_TABLE})
        assert compare_metadata(told, tables.metadata) == []


def test_tables_of_a_later_version_are_left_alone(url: str, database: Database) -> None:
    schema.bring_up_to_date(database.engine)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE tidings_schema SET version_num = '999'"))
    with pytest.raises(Retry, match="a later version of Tidings"):
        Database(database.engine).take(paid())


OPTIONS = {
    "sqlite": ("timeout=1", "cached_statements=99999999999"),
    "postgresql": (
        "autocommit=1",
        "context=x",
        "sslkey=/nowhere",
        "prepare_threshold=5",
        "cursor_factory=x",
        "sslmode=x",
    ),
    "mariadb": ("autocommit=1", "ssl_disabled=1", "auth_plugin_map=x", "cursorclass=x", "use_unicode=0", "retry=3"),
}


def test_what_is_refused_at_the_start_fails_with_each_message_and_the_rest_does_not(url: str) -> None:
    for option in OPTIONS[address(url).get_backend_name()]:
        told = address(f"{url}?{option}")
        database, refused = Database(connect(told)), False
        try:
            check(told)
        except BadHandler:
            refused = True
        try:
            database.take(paid(option))
            fails = False
        except Exception:
            fails = True
        database.close()
        assert (option, refused) == (option, fails)


def test_values_come_back_as_they_were(database: Database) -> None:
    nick = "买家 😀 A "
    database.take(paid(payment="12.3400", buyer_nick=nick, fenxiao_id=2**63 - 1))
    found = trades(database)[5]
    assert (str(found["payment"].normalize()), found["buyer_nick"], found["fenxiao_id"]) == ("12.34", nick, 2**63 - 1)
    assert (found["status"], found["topic"]) == ("WAIT_SELLER_SEND_GOODS", TOPIC)


def test_ids_that_differ_in_case_or_a_space_or_their_source_are_others(database: Database) -> None:
    for id_ in ("a", "A", "a "):
        database.take(paid(id_))
    database.take(Message("a", TOPIC, "shop", "taobao", '{"tid": 5}', identity="other-a"))
    database.take(paid("a"))
    with database.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.message)).scalar_one() == 4


def test_what_was_stored_together_is_not_stored_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [paid(str(number)) for number in range(20)]
    database.store_ahead(messages)
    assert len(ids(database)) == 20
    monkeypatch.setattr(database, "store", lambda _: pytest.fail("stored twice"))
    for each in messages:
        database.take(each)


def test_one_that_cannot_be_read_is_kept_and_told_of_and_the_others_of_its_bundle_are_stored(
    database: Database,
) -> None:
    odd = Message("odd", TOPIC, "shop", "taobao", json.dumps({"tid": SECRET}), identity="app-odd")
    database.store_ahead([paid("1"), odd, paid("2")])
    assert ids(database) == {"1", "odd", "2"}
    with pytest.raises(Unfit, match=r"^tid: value_error$"):
        database.take(odd)
    database.take(paid("1"))


REFUSALS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE TRIGGER no BEFORE INSERT ON tidings_message WHEN new.user_nick = 'refused' "
        "BEGIN SELECT RAISE(ABORT, 'no'); END",
    ),
    "postgresql": ("ALTER TABLE tidings_message ADD CONSTRAINT no CHECK (user_nick <> 'refused')",),
    "mariadb": ("ALTER TABLE tidings_message ADD CONSTRAINT no CHECK (user_nick <> 'refused')",),
}


def test_what_the_database_refuses_costs_its_own_message_only(database: Database) -> None:
    schema.bring_up_to_date(database.engine)
    with database.engine.begin() as connection:
        for statement in REFUSALS[connection.dialect.name]:
            connection.execute(text(statement))
    refused = Message("no", TOPIC, "shop", "taobao", json.dumps({"tid": 6, "x": SECRET}), None, "", "refused")
    with pytest.raises(Reject, match="the database refuses it: ") as caught:
        database.store_ahead([paid("1"), refused])
    assert SECRET not in repr(caught.value.reason)
    assert ids(database) == set()
    database.take(paid("1"))
    with pytest.raises(Reject):
        database.take(refused)
    assert (ids(database), set(trades(database))) == ({"1"}, {5})


def test_text_that_no_database_takes_is_refused(database: Database) -> None:
    with pytest.raises(Reject, match=r"^the database refuses it: UnicodeEncodeError$"):
        database.take(Message("1", "x", "shop", "taobao", "\ud800"))
    database.take(paid("2"))
    assert ids(database) == {"2"}


class TimeIsUp(Exception):
    """What a time limit raises, wherever the process is."""


def test_a_time_limit_in_mid_transaction_leaves_no_broken_connection_and_no_half(url: str, database: Database) -> None:
    database.take(paid("1", payment="1.00"))
    if database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite waits in C, where no signal interrupts it")

    def ring(*_: object) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with somebody_else(url) as other:
            other.execute(text("UPDATE tidings_trade SET account = 'held' WHERE tid = 5"))
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(TimeIsUp):
                database.take(paid("2", payment="2.00"))
            other.rollback()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert ids(database) == {"1"}
    database.take(paid("3"))
    assert ids(database) == {"1", "3"}


KILLS = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid()",
    "mariadb": "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}


def test_connections_that_were_cut_are_made_anew_without_a_failed_try(url: str, database: Database) -> None:
    database.take(paid("1"))
    kind = database.engine.dialect.name
    if kind == "sqlite":
        pytest.skip("SQLite has no connections to cut")
    with somebody_else(url) as other:
        found = other.execute(text(KILLS[kind])).scalars().all()
        assert len(found) == 1
        if kind == "mariadb":
            other.execute(text(found[0]))
        database.take(paid("2"))
    assert ids(database) == {"1", "2"}


READS_ONLY = {
    "sqlite": "PRAGMA query_only = 1",
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}


def test_a_connection_to_what_takes_no_writes_any_more_is_given_up(database: Database) -> None:
    """As to the primary of before, where a failover moves an address: it refused each message until a restart."""
    database.take(paid("1"))
    with database.engine.connect() as connection:
        connection.exec_driver_sql(READS_ONLY[database.engine.dialect.name])
        connection.commit()
    with pytest.raises(Retry, match="the database: "):
        database.take(paid("2"))
    database.take(paid("3"))
    assert ids(database) == {"1", "3"}


UNREACHABLE = {
    "sqlite": lambda: "sqlite:////nowhere/that/is/tidings.db",
    "postgresql": lambda: f"postgresql://user:{SECRET.split()[0]}@127.0.0.1:{free_port()}/x",
    "mariadb": lambda: f"mariadb://user:{SECRET.split()[0]}@127.0.0.1:{free_port()}/x",
}


@pytest.mark.parametrize("kind", UNREACHABLE)
def test_while_it_is_away_messages_are_tried_again(kind: str, tmp_path: Path) -> None:
    away: Callable[[], str] = UNREACHABLE[kind]
    began = time.monotonic()
    with pytest.raises(Retry, match=r"^the database: OperationalError") as caught:
        Database(connect(address(away()))).take(paid(buyer_nick=SECRET))
    assert time.monotonic() - began < 20
    assert SECRET.split()[0] not in caught.value.reason
