"""Each alert by itself: quiet while all is well, true when its cause lasts as long as it says, and then alone."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import prometheus
from tests.prometheus import minutes, rules

WELL = {
    'tidings_build_info{version="1"}': "1+0x{n}",
    "tidings_redis_up": "1+0x{n}",
    "tidings_beats": "1+0x{n}",
    "tidings_workers": "2+0x{n}",
    'tidings_queue_workers{queue="handle"}': "1+0x{n}",
    'tidings_queue_length{queue="handle"}': "5+0x{n}",
    'tidings_queue_workers{queue="old"}': "0+0x{n}",
    'tidings_queue_length{queue="old"}': "0+0x{n}",
    "tidings_beat_late_seconds": "2+0x{n}",
    "tidings_clock_skew_seconds": "1+0x{n}",
    "tidings_overdue_accounts": "0+0x{n}",
    'tidings_active_accounts{gateway="tb"}': "3+0x{n}",
    'tidings_last_pull_age_seconds{gateway="tb"}': "30+0x{n}",
    'tidings_failed_calls_total{gateway="tb",api="pull"}': "0+1x{n}",
    'tidings_failed_calls_total{gateway="tb",api="confirm"}': "0+9x{n}",
    'tidings_pull_seconds_count{gateway="tb"}': "0+100x{n}",
    'tidings_dropped_polls_total{gateway="tb"}': "7+0x{n}",
    'tidings_paused_accounts{reason="refused"}': "0+0x{n}",
    'tidings_paused_accounts{reason="limits"}': "3+0x{n}",
    'tidings_paused_accounts{reason="by_hand"}': "0+0x{n}",
    'tidings_used_today{gateway="tb",unit="calls"}': "400+0x{n}",
    'tidings_limit_today{gateway="tb",unit="calls"}': "1000+0x{n}",
    'tidings_left_today{gateway="tb",unit="calls"}': "600+0x{n}",
    'tidings_oldest_message_seconds{gateway="tb"}': "20+0x{n}",
    'tidings_failed_tries_total{gateway="tb",topic="paid"}': "0+1x{n}",
    'tidings_messages_total{gateway="tb",topic="paid",outcome="handled"}': "0+60x{n}",
    'tidings_messages_total{gateway="tb",topic="paid",outcome="dead"}': "3+0x{n}",
    'tidings_letters{kind="failed"}': "3+0x{n}",
    "tidings_oldest_letter_seconds": "600+0x{n}",
    'tidings_late_confirms_total{gateway="tb"}': "5+0x{n}",
    'tidings_unconfirmed_total{gateway="tb"}': "5+0x{n}",
}
"""What a healthy installation shows, each series for so many minutes."""

BEFORE = 20
"""Samples for which all is well: more than the quarter of an hour that most rules look back. Each costs 4 ms of CPU a case."""


@dataclass(frozen=True, slots=True)
class Case:
    """What changes when all has been well for a while, and what is told then: the alert's labels and its summary."""

    alert: str
    change: dict[str, str]
    labels: dict[str, str]
    summary: str
    lag: int = 0
    """Minutes until the change is one: rates look back."""
    before: int = BEFORE


TB = {"gateway": "tb"}
CASES = [
    Case(
        "TidingsDown",
        dict.fromkeys(WELL, "_x{n}"),
        {},
        "No `web` process of Tidings is scraped: nothing else is watched either",
        lag=5,
    ),
    Case(
        "TidingsRedisDown",
        {**{name: "_x{n}" for name in WELL if "build" not in name}, "tidings_redis_up": "0+0x{n}"},
        {},
        "The Redis of the state does not answer: nothing is pulled, handled or confirmed",
    ),
    Case("TidingsNoBeat", {"tidings_beats": "0+0x{n}"}, {}, "No beat runs: nobody is polled"),
    Case(
        "TidingsNoWorker",
        {"tidings_workers": "0+0x{n}"},
        {},
        "No worker runs: nothing is pulled, handled or confirmed",
    ),
    Case(
        "TidingsQueueUnserved",
        {'tidings_queue_workers{queue="handle"}': "0+0x{n}"},
        {"queue": "handle"},
        "No worker takes what waits in the queue handle",
    ),
    Case(
        "TidingsBeatLate",
        {"tidings_beat_late_seconds": "90+0x{n}"},
        {},
        "An account has been due for 1m 30s, and no beat has sent it",
    ),
    Case(
        "TidingsClockSkew",
        {"tidings_clock_skew_seconds": "25+0x{n}"},
        {},
        "The clock of a worker or beat is 25s off Redis's",
    ),
    Case("TidingsShopsNotPulled", {"tidings_overdue_accounts": "4+0x{n}"}, {}, "4 shops are due and not pulled"),
    Case(
        "TidingsGatewayNotPulled",
        {'tidings_last_pull_age_seconds{gateway="tb"}': "3600+0x{n}"},
        TB,
        "No shop behind tb has had a reply to a pull for 1h 0m 0s",
    ),
    Case(
        "TidingsGatewayNeverPulled",
        {'tidings_active_accounts{gateway="qm"}': "2+0x{n}"},
        {"gateway": "qm"},
        "None of the 2 shops behind qm has ever had a reply to a pull",
    ),
    Case(
        "TidingsCallsFailing",
        {
            'tidings_failed_calls_total{gateway="tb",api="pull"}': "20+100x{n}",
            'tidings_pull_seconds_count{gateway="tb"}': "2000+0x{n}",
        },
        TB,
        "More calls to tb fail than succeed",
        lag=16,
    ),
    Case(
        "TidingsPollsDropped",
        {'tidings_dropped_polls_total{gateway="tb"}': "7+2x{n}"},
        TB,
        "30 polls of tb in 15 minutes came too late to be made",
        lag=16,
    ),
    Case(
        "TidingsAccountsPaused",
        {'tidings_paused_accounts{reason="refused"}': "2+0x{n}"},
        {"reason": "refused"},
        "2 shops are paused until somebody acts: refused",
    ),
    Case(
        "TidingsGatewayPaused",
        {'tidings_paused_gateway{gateway="tb",reason="limits"}': "1+0x{n}"},
        {**TB, "reason": "limits"},
        "The gateway tb is paused, and all its shops with it: limits",
    ),
    Case(
        "TidingsPausedByHand",
        {'tidings_paused_accounts{reason="by_hand"}': "2+0x{n}"},
        {"reason": "by_hand"},
        "Shops have been paused by hand for a day",
    ),
    Case(
        "TidingsQuotaRunningOut",
        {'tidings_used_today{gateway="tb",unit="calls"}': "900+0x{n}"},
        {**TB, "unit": "calls"},
        "90% of today's calls of tb are used",
    ),
    Case(
        "TidingsQuotaSpent",
        {'tidings_left_today{gateway="tb",unit="calls"}': "0+0x{n}"},
        {**TB, "unit": "calls"},
        "Today's calls of tb are spent: its shops wait for midnight (GMT+8)",
    ),
    Case(
        "TidingsOldestMessage",
        {'tidings_oldest_message_seconds{gateway="tb"}': "1200+0x{n}"},
        TB,
        "A message of tb that was pulled waits since 20m 0s",
    ),
    Case(
        "TidingsHandlersFailing",
        {'tidings_failed_tries_total{gateway="tb",topic="paid"}': "20+20x{n}"},
        {**TB, "topic": "paid"},
        "Handlers of paid (tb) fail: 300 tries in 15 minutes",
        lag=16,
    ),
    Case(
        "TidingsLettersGrowing",
        {'tidings_letters{kind="unfit"}': "5+0x{n}"},
        {},
        "5 dead letters more than an hour ago",
        before=61,
    ),
    Case(
        "TidingsLettersOld",
        {"tidings_oldest_letter_seconds": "172800+0x{n}"},
        {},
        "A dead letter waits for somebody since 2d 0h 0m 0s",
    ),
    Case(
        "TidingsLateConfirms",
        {'tidings_late_confirms_total{gateway="qm"}': "1+0x{n}"},
        {"gateway": "qm"},
        "Messages of qm are confirmed after their lease: they may be delivered again",
    ),
    Case(
        "TidingsUnconfirmed",
        {'tidings_unconfirmed_total{gateway="tb"}': "6+0x{n}"},
        TB,
        "Messages of tb could not be confirmed within their lease: they come again",
        lag=2,
    ),
]


def wait_of(alert: str) -> int:
    return minutes(rules()[alert].get("for", "0m"))


def step_of(case: Case) -> int:
    """Minutes between two samples, and between two judgements: an alert that takes a day needs few of them."""
    return 10 if wait_of(case.alert) > 120 else 1


def series(name: str, values: str, before: int, length: int, change: str | None) -> list[dict[str, str]]:
    """A series as each of two web processes shows it."""
    well = values.format(n=before - 1) if values else f"_x{before}"
    said = f"{well} {change.format(n=length)}" if change is not None else values.format(n=before + length)
    metric, _, labels = name.rstrip("}").partition("{")
    more = "," + labels if labels else ""
    return [{"series": f'{metric}{{job="tidings",instance="{each}"{more}}}', "values": said} for each in ("a", "b")]


def in_promtool(case: Case) -> dict[str, Any]:
    """A test of promtool's: nothing is told before the alert's time, and then this alert and no other."""
    wait = wait_of(case.alert)
    step = step_of(case)
    begun = case.before * step
    told = begun + case.lag + wait + 2 * step
    names = dict.fromkeys([*WELL, *case.change])
    inputs = [
        s for name in names for s in series(name, WELL.get(name, ""), case.before, told // step, case.change.get(name))
    ]
    rule = rules()[case.alert]
    labels = {**rule["labels"], **({} if case.alert == "TidingsDown" else {"job": "tidings"}), **case.labels}
    fires = {
        "exp_labels": labels,
        "exp_annotations": {"summary": case.summary, "runbook_url": rule["annotations"]["runbook_url"]},
    }
    quiet = begun + wait - 1 if wait else begun - 1
    return {
        "name": case.alert,
        "interval": f"{step_of(case)}m",
        "input_series": inputs,
        "alert_rule_test": [
            *({"eval_time": f"{quiet}m", "alertname": alert, "exp_alerts": []} for alert in rules()),
            *(
                {"eval_time": f"{told}m", "alertname": alert, "exp_alerts": [fires] if alert == case.alert else []}
                for alert in rules()
            ),
        ],
    }


def test_each_alert_has_a_case_and_each_case_an_alert() -> None:
    assert [case.alert for case in CASES] == list(rules())


@pytest.mark.skipif(not prometheus.promtool(), reason=prometheus.MISSING)
def test_each_alert_is_told_after_its_time_and_no_other(tmp_path: Path) -> None:
    command = [str(prometheus.promtool()), "test", "rules"]
    for step in sorted({step_of(case) for case in CASES}):
        tests = [in_promtool(case) for case in CASES if step_of(case) == step]
        written = {"rule_files": [str(prometheus.RULES)], "evaluation_interval": f"{step}m", "tests": tests}
        (tmp_path / f"{step}.yaml").write_text(json.dumps(written))
        command.append(str(tmp_path / f"{step}.yaml"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"[:5000]


@pytest.mark.skipif(not prometheus.promtool(), reason=prometheus.MISSING)
def test_promtool_finds_no_fault_in_the_configuration() -> None:
    command = [str(prometheus.promtool()), "check", "config", str(prometheus.CONFIG)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert yaml.safe_load(prometheus.CONFIG.read_text())["rule_files"] == [prometheus.RULES.name]


@pytest.mark.skipif(not prometheus.promtool(), reason=prometheus.MISSING)
def test_nothing_is_taken_for_new_because_redis_was_away(tmp_path: Path) -> None:
    """Counters and letters are not told meanwhile: who looks back into that time finds `tidings_redis_up` alone."""
    before, away, after = 20, 3, 65
    back = before + away
    told = {name: f"{values.format(n=before - 1)} stale _x{away - 1} {values}" for name, values in WELL.items()}
    told["tidings_redis_up"] = f"1+0x{before - 1} 0+0x{away - 1} 1+0x{{n}}"
    told['tidings_build_info{version="1"}'] = "1+0x{n}"
    told['tidings_dropped_polls_total{gateway="tb"}'] = f"70+0x{before - 1} stale _x{away - 1} 70+0x{{n}}"
    test = {
        "interval": "1m",
        "input_series": [each for name in told for each in series(name, told[name], 0, back + after, None)],
        "alert_rule_test": [
            {"eval_time": f"{at}m", "alertname": alert, "exp_alerts": []}
            for at in range(back, back + after)
            for alert in rules()
        ],
    }
    written = {"rule_files": [str(prometheus.RULES)], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "away.yaml").write_text(json.dumps(written))
    command = [str(prometheus.promtool()), "test", "rules", str(tmp_path / "away.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"[:5000]


@pytest.mark.skipif(not prometheus.promtool(), reason=prometheus.MISSING)
def test_nobody_is_woken_for_a_gateway_whose_accounts_are_paused_by_hand_or_gone(tmp_path: Path) -> None:
    told = {**WELL, 'tidings_last_pull_age_seconds{gateway="tb"}': "9000+60x{n}"}
    told |= {f'tidings_active_accounts{{gateway="{name}"}}': "0+0x{n}" for name in ("tb", "new")}
    test = {
        "interval": "1m",
        "input_series": [each for name in told for each in series(name, told[name], 0, 61, None)],
        "alert_rule_test": [{"eval_time": "60m", "alertname": alert, "exp_alerts": []} for alert in rules()],
    }
    written = {"rule_files": [str(prometheus.RULES)], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "on_purpose.yaml").write_text(json.dumps(written))
    command = [str(prometheus.promtool()), "test", "rules", str(tmp_path / "on_purpose.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"[:5000]
