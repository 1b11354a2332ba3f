"""The benchmark's own arithmetic: a wrong median or a case that nobody handles would tell a lie in every table."""

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from tasks.accounts import load
from tests.bench.throughput import figures, meter, plan, readme, shop, table, verdict, work
from tests.bench.throughput.cases import BASE, HANDLERS, WIRE, Case, dealt, messages, topic
from tests.bench.throughput.contenders import ALL, APART, BY_NAME, PULLERS
from tests.bench.throughput.latency import Latency, usual
from tests.bench.throughput.measure import LEAST_BATCHES, MOST_MESSAGES, WARM_BATCHES, Speed, evenly, how_many, span
from tests.bench.throughput.results import Results
from tests.bench.throughput.rounds import turns
from tests.bench.throughput.stage import Stage, Unfinished, accounts
from tests.bench.throughput.starting import Layout

SPEED = Speed(
    contender="tidings",
    round=0,
    case=BASE,
    layout="1 x default",
    concurrency=0,
    messages=1000,
    seconds=2.0,
    cpu=1.0,
    worker_bytes=2**20,
    redis_bytes=2**20,
    sandbox_cpu=0.1,
    redis_cpu=0.1,
    foreign_cpu=0.0,
    again=0,
    commands={"set": 5000},
)


def speed(contender: str, round_: int, rate: float, case: Case = BASE, concurrency: int = 0) -> Speed:
    return replace(SPEED, contender=contender, round=round_, seconds=1000 / rate, case=case, concurrency=concurrency)


@pytest.mark.parametrize("size", [512, 5 * 1024, 50 * 1024])
def test_bodies_have_the_size_that_their_case_tells(size: int) -> None:
    some = list(messages(Case("io", body=size), 20))
    assert {len(message["content"].encode()) for message in some} == {size}
    assert len({json.loads(message["content"])["tid"] for message in some}) == 20


def test_every_handler_of_a_case_has_its_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(work.JOURNAL, str(tmp_path / "journal"))
    for handler in HANDLERS:
        work.work(topic(handler), "7")
    assert (tmp_path / "journal").read_text().startswith("7 ")
    with pytest.raises(ValueError, match="nobody handles"):
        work.work("bench_other", "7")


def test_a_turn_is_as_long_as_its_warm_up_foretells_within_bounds() -> None:
    assert how_many(BASE, pace=500, seconds=4, lanes=4) == 2000
    assert how_many(BASE, pace=1, seconds=4, lanes=4) == LEAST_BATCHES * 100
    assert how_many(BASE, pace=10**6, seconds=10, lanes=4) == MOST_MESSAGES
    assert how_many(Case(body=50 * 1024), pace=10**6, seconds=10, lanes=4) * 50 * 1024 <= 100 * 2**20


@pytest.mark.parametrize("pace", [1, 333, 10**6])
@pytest.mark.parametrize("lanes", [1, 3, 4])
def test_every_account_gets_as_many_full_batches(pace: float, lanes: int) -> None:
    for number in (how_many(BASE, pace, 4, lanes), evenly(WARM_BATCHES, lanes) * BASE.batch):
        parts = dealt(list(messages(BASE, number)), BASE.batch, lanes)
        assert len({len(part) for part in parts}) == 1
        assert len(parts) == lanes
        assert len(parts[0]) % BASE.batch == 0


def test_batches_go_round_the_accounts() -> None:
    some = list(messages(BASE, 7))
    assert dealt(some, 2, 3) == [[*some[:2], some[6]], some[2:4], some[4:6]]


def test_accounts_have_queues_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TB_SECRET", "helloworld")
    path = tmp_path / "accounts.toml"
    path.write_text(accounts("http://127.0.0.1:1", batch=50, lanes=4))
    found = load(str(path))
    assert list(found.accounts) == [shop.name(lane) for lane in range(1, 5)]
    assert {account.quantity for account in found.accounts.values()} == {50}
    assert found.warnings == ()


def test_time_runs_from_the_first_pull_to_the_last_confirm() -> None:
    rows = [{"deliveries": [5.0, 9.0], "confirmed": 7.5}, {"deliveries": [4.0], "confirmed": 6.0}]
    assert span(rows) == 3.5  # type: ignore[arg-type]


def test_ratios_are_of_pairs_of_the_same_round() -> None:
    ours = [speed("tidings", 0, 1000), speed("tidings", 1, 100), speed("tidings", 2, 900)]
    theirs = [speed("celery", 1, 50), speed("celery", 0, 250)]
    assert figures.ratio(ours, theirs) == pytest.approx(3.0)
    assert figures.ratio(ours, []) is None


def test_percentiles_leave_so_many_above_them() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (figures.percentile(values, 0.5), figures.percentile(values, 0.99)) == (50.0, 99.0)
    assert figures.percentile([3.0], 0.99) == 3.0


def test_commands_are_counted_from_where_the_measurement_began() -> None:
    assert meter.more({"get": 5, "set": 1}, {"get": 5, "set": 4, "evalsha": 9}) == {"evalsha": 9, "set": 3}


def test_nobody_is_always_first_and_everybody_has_every_round() -> None:
    played = list(turns(plan.Part((BASE,), ALL[:3], 3, 1.0)))
    assert [turn.contender.name for turn in played[::3]] == [one.name for one in ALL[:3]]
    for round_ in range(3):
        assert {turn.contender.name for turn in played if turn.round == round_} == {one.name for one in ALL[:3]}


def test_parts_are_narrowed_to_what_is_asked_for() -> None:
    found = plan.chosen(["base"], names=["tidings", "rq"], rounds=7, tidings=plan.layout("2x8 -P threads"))
    assert [one.name for one in found["base"].contenders] == ["tidings", "rq"]
    assert found["base"].rounds == 7
    assert found["base"].contenders[0].layout(Case("io")) == Layout(2, 8, ("-P", "threads"))
    assert set(plan.chosen([])) == set(plan.PARTS)
    assert [part.cases for part in plan.chosen([], cases=[Case("io")]).values()] == [(Case("io"),)]


def test_who_waits_for_a_far_platform_does_so_beside_the_handlers() -> None:
    near, far = replace(WIRE, delay_ms=0), WIRE
    assert [BY_NAME["dramatiq"].layout(case).pullers for case in (BASE, near, far)] == [0, 0, PULLERS]
    for one in ALL:
        assert one.commands(one.layout(far))
    apart = BY_NAME[APART].commands(BY_NAME[APART].layout(far))
    assert ("consume,confirm" in apart["pull"], "handle" in apart["worker-0"]) == (True, True)


def test_far_away_we_are_held_to_a_rate_and_to_the_fastest_peer_and_told_what_distance_costs() -> None:
    some = [speed("tidings", 0, 2600, WIRE), speed(APART, 0, 3000, WIRE), speed("saq", 0, 900, WIRE)]
    some += [speed("taskiq", 0, 2700, WIRE), speed("tidings", 0, 5200, replace(WIRE, delay_ms=0))]
    results = Results({}, some)
    held = {claim.words.partition(":")[0]: (claim.measured, claim.holds) for claim in verdict.claims(results)}
    assert held == {
        "at least 2,500 a second, 50 accounts at 80 ms": ("2,600", True),
        "at least 3,300 a second, 50 accounts at 80 ms": ("3,000", False),
        "as fast as the fastest peer, taskiq streams, counter": ("0.96", False),
    }
    assert [*readme.table(results)][1:] == [
        "| after 80 ms | 50 | 0.5 kB | 2,600 | 3,000 | 2,700, taskiq streams |",
        "| at once | 50 | 0.5 kB | 5,200 |  |  |",
    ]
    assert "50% of its rate without delay" in "\n".join(table.of_case(some, WIRE))


def test_a_peer_that_is_not_installed_is_left_out(tmp_path: Path) -> None:
    gone = replace(BY_NAME["saq"], needs="a_package_that_nobody_has")
    with pytest.raises(Unfinished, match="saq: a_package_that_nobody_has is not installed"):
        Stage(tmp_path, Mock(), Mock(), gone, BASE).__enter__()


def test_a_claim_that_does_not_hold_is_said_to_be_missed() -> None:
    results = Results(
        {"processor": "P", "cores": "2", "memory": "1 GiB", "system": "S", "python": "3"},
        [speed("tidings", 0, 1900), speed("celery", 0, 500), speed("tuned", 0, 1000), speed("dramatiq", 0, 9000)],
        [Latency("tidings", 0.1, 10, 10, 100, p50=0.1, p99=0.6, most=0.6)],
    )
    results.speeds += [speed("tidings", 0, 700, Case("io"), concurrency=16)]
    held = {claim.words.partition(":")[2].strip() or claim.words: claim.holds for claim in verdict.claims(results)}
    assert held == {
        "Celery chord, defaults": False,
        "Celery chord, tuned": True,
        "at most 6 Redis commands a message": True,
        "at least 90% of what the concurrency allows, 20 ms I/O": False,
        "p50 under 0.2 s at a tenth of the top rate": True,
        "p99 under 0.5 s at a tenth of the top rate": False,
    }
    text = "\n".join(table.everything(results))
    assert "4 accounts, each with one pull at a time" in text
    assert text.count("MISSED") == 3
    assert all(BY_NAME[name].title in text for name in ("tidings", "celery", "tuned", "dramatiq"))


def test_a_turn_of_ours_that_did_not_end_is_a_claim_missed_and_a_peer_that_is_not_there_is_none() -> None:
    gone = Results({}, left_out=["tidings: not done within 60 s: 7 of 800 confirmed", "tidings-rabbitmq-1: not here"])
    assert [claim.holds for claim in verdict.claims(gone)] == [False]


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    results = Results({"cores": "2"}, [SPEED], [Latency("tidings", 0.1, 10, 9.9, 100, 0.1, 0.2, 0.3)], ["rq: no time"])
    results.save(tmp_path / "deep" / "results.json")
    assert Results.load(tmp_path / "deep" / "results.json") == results


def test_the_latency_of_several_rounds_is_their_median() -> None:
    some = [Latency("tidings", 0.1, 250.0, 250.0, 2000, p50, 2 * p50, 1.0) for p50 in (0.08, 0.07, 0.3)]
    other = Latency("tidings", 0.5, 1250.0, 1250.0, 9000, 0.1, 0.2, 0.3)
    assert [(one.load, one.p50, one.p99) for one in usual([*some, other])] == [(0.1, 0.08, 0.16), (0.5, 0.1, 0.2)]
