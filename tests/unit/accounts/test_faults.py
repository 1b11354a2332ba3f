"""A wrong accounts file is refused as a whole, with every fault named by place, value and what is expected."""

import copy
from pathlib import Path
from typing import Any

import pytest

from tasks.accounts.checking import check
from tasks.accounts.faults import AccountsError, Fault
from tasks.accounts.models import Accounts
from tasks.accounts.secrets import Secrets, Unneeded

SECRET = "s3cr3t-of-mine"
GOOD: dict[str, Any] = {
    "gateways": {
        "tb": {"platform": "taobao", "app_key": "1", "app_secret": "env:TB"},
        "qm": {"platform": "qianmi", "app_key": "1", "app_secret": "env:QM"},
        "vv": {"platform": "vvtool", "token": "env:VV"},
    },
    "accounts": {
        "t": {"gateway": "tb", "group": "g1"},
        "q": {"gateway": "qm", "group": "A854800"},
        "v": {"gateway": "vv", "shop_id": "123"},
    },
}


def checked(raw: object, *, literals_are_fine: bool = False) -> Accounts:
    environ = {"TB": "one", "QM": "two", "VV": "three", "EMPTY": ""}
    return check(raw, Secrets(environ, Path("/nowhere")), "accounts.toml", literals_are_fine=literals_are_fine)


def refused(raw: object) -> AccountsError:
    with pytest.raises(AccountsError) as caught:
        checked(raw)
    return caught.value


def changed(section: str, name: str, /, **values: Any) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    raw[section].setdefault(name, {}).update(values)
    return raw


def test_a_good_structure_becomes_accounts_behind_shared_gateways() -> None:
    """Secrets are in place and gateways are objects."""
    accounts = checked(GOOD)
    assert accounts.accounts.keys() == {"t", "q", "v"}
    assert accounts.accounts["t"].gateway is accounts.gateways["tb"]
    assert accounts.gateways["vv"].model_dump()["token"].get_secret_value() == "three"
    assert accounts.warnings == ()


@pytest.mark.parametrize(
    ("platform", "faults"),
    [
        (
            "taobo",  # one that is meant is taken for it
            [
                ("platform", "did you mean taobao?"),
                ("app_key", "it is missing"),
                ("app_secret", "the environment variable NONE is not set"),
                ("app_secrt", "did you mean app_secret?"),
                ("calls_per_second", "a number above 0"),
                ("token", "token is for vvtool gateways"),
                ("accounts.t.group", "1 to 32 characters"),
                ("accounts.t.grup", "did you mean group?"),
                ("accounts.t.quantity", "10 to 200 on taobao"),
            ],
        ),
        (
            "ebay",  # else what is wrong on every platform is told
            [
                ("platform", "qianmi, taobao or vvtool"),
                ("app_secret", "the environment variable NONE is not set"),
                ("app_secrt", "did you mean app_secret?"),
                ("calls_per_second", "a number above 0"),
                ("accounts.t.grup", "did you mean group?"),
                ("accounts.t.quantity", "1 to 200"),
            ],
        ),
    ],
)
def test_a_wrong_platform_hides_no_other_fault(platform: str, faults: list[tuple[str, str]]) -> None:
    gateway = {"platform": platform, "app_secret": "env:NONE", "app_secrt": "x", "calls_per_second": -1, "token": "x"}
    account = {"gateway": "tb", "quantity": 500, "group": "g" * 33, "grup": "x"}
    told = refused({"gateways": {"tb": gateway}, "accounts": {"t": account}}).faults
    expected = [(path if "." in path else f"gateways.tb.{path}", words) for path, words in faults]
    assert sorted(fault.path for fault in told) == sorted(path for path, _ in expected)
    by_path = {fault.path: fault.expected for fault in told}
    assert all(words in by_path[path] for path, words in expected)


def test_the_structure_that_was_given_stays_as_it_was() -> None:
    """A function may hand out the same dict again."""
    raw = copy.deepcopy(GOOD)
    checked(raw)
    assert raw == GOOD


CASES: list[tuple[str, str, dict[str, Any], str, str, str]] = [
    ("accounts", "t", {"quantity": 5}, "accounts.t.quantity", "5", "10 to 200 on taobao"),
    ("accounts", "q", {"quantity": 101}, "accounts.q.quantity", "101", "1 to 100 on qianmi"),
    ("accounts", "v", {"quantity": "many"}, "accounts.v.quantity", '"many"', "10 to 200 on vvtool"),
    ("accounts", "v", {"quantity": None}, "accounts.v.quantity", "nothing", "10 to 200 on vvtool"),
    ("accounts", "v", {"quantity": 16**5000}, "accounts.v.quantity", "a number", "10 to 200 on vvtool"),
    ("accounts", "q", {"shop_id": "1"}, "accounts.q.shop_id", "", "shop_id is for vvtool accounts; qianmi takes group"),
    (
        "accounts",
        "v",
        {"session": SECRET},
        "accounts.v.session",
        "",
        "session is for taobao accounts; vvtool takes shop_id",
    ),
    ("accounts", "v", {"group": "g"}, "accounts.v.group", "", "group is for qianmi and taobao accounts"),
    ("accounts", "t", {"app_secret": SECRET}, "accounts.t.app_secret", "", "app_secret is for gateways"),
    ("accounts", "t", {"quantitty": 5}, "accounts.t.quantitty", "", "did you mean quantity?"),
    ("accounts", "v", {"vvtype": 2}, "accounts.v.vvtype", "", "did you mean edition?"),
    ("accounts", "t", {"name": "x"}, "accounts.t.name", "", "the name is the table's own"),
    ("accounts", "t", {"gateway": "tbb"}, "accounts.t.gateway", '"tbb"', "tb, qm or vv (did you mean tb?)"),
    ("accounts", "t", {"gateway": ["tb"]}, "accounts.t.gateway", "a list", "the name of a gateway"),
    ("accounts", "new", {}, "accounts.new.gateway", "", "the name of a gateway: tb, qm or vv"),
    ("accounts", "t", {"poll": {"min": 5, "max": 1}}, "accounts.t.poll", "a table", "min not above max"),
    ("accounts", "t", {"poll": {"min": 0}}, "accounts.t.poll.min", "0", "a number of seconds above 0"),
    ("accounts", "t", {"poll": {"max": 172_800}}, "accounts.t.poll.max", "172800", "seconds above 0, up to 86400"),
    ("accounts", "t", {"poll": {"mn": 1}}, "accounts.t.poll.mn", "", "did you mean min?"),
    ("accounts", "t", {"poll": 7}, "accounts.t.poll", "7", "a table, e.g. { min = 1, max = 60 }"),
    ("accounts", "t", {"group": "g" * 33}, "accounts.t.group", '"' + "g" * 33 + '"', "1 to 32 characters"),
    ("accounts", "t", {"counter": {}}, "accounts.t.counter", "a table", "a session beside the counter"),
    ("accounts", "t", {"counter": {"type": 3}}, "accounts.t.counter.type", "3", "4 (system messages) or 5"),
    ("accounts", "t", {"counter": {"topics": ["a", 5]}}, "accounts.t.counter.topics[1]", "5", "a list of topics"),
    ("accounts", "a/b", {"gateway": "qm"}, 'accounts."a/b"', "", "without `/`"),
    ("accounts", "bell\x07", {"gateway": "qm"}, 'accounts."bell\\x07"', "", "printable characters"),
    ("gateways", "tb", {"sign_method": "sha1"}, "gateways.tb.sign_method", '"sha1"', "md5, hmac or hmac-sha256"),
    ("gateways", "tb", {"lease_seconds": 4}, "gateways.tb.lease_seconds", "4", "from 5 to 86400"),
    ("gateways", "tb", {"calls_per_day": 1.5}, "gateways.tb.calls_per_day", "1.5", "a whole number, 1 or more"),
    ("gateways", "tb", {"calls_per_second": float("nan")}, "gateways.tb.calls_per_second", "nan", "a number above 0"),
    (
        "gateways",
        "tb",
        {"calls_per_second": 1e-300},
        "gateways.tb.calls_per_second",
        "1e-300",
        "from 0.0001 to 1000000",
    ),
    ("gateways", "tb", {"calls_per_second": 1e308}, "gateways.tb.calls_per_second", "1e+308", "from 0.0001 to 1000000"),
    ("gateways", "tb", {"calls_per_day": 10**23}, "gateways.tb.calls_per_day", "1" + "0" * 23, "up to 1000000000000"),
    ("gateways", "tb", {"app_key": 12345678}, "gateways.tb.app_key", "12345678", "text of 1 to 200 characters"),
    (
        "gateways",
        "tb",
        {"token": SECRET},
        "gateways.tb.token",
        "",
        "token is for vvtool gateways; taobao takes app_key",
    ),
    ("gateways", "vv", {"group": "g"}, "gateways.vv.group", "", "group is for accounts"),
    ("gateways", "tb", {"app_secrett": SECRET}, "gateways.tb.app_secrett", "", "did you mean app_secret?"),
    ("gateways", "tb", {"app_secret": 5}, "gateways.tb.app_secret", "", "as env:NAME or file:PATH"),
    ("gateways", "tb", {"app_secret": f" {SECRET}"}, "gateways.tb.app_secret", "", "without spaces at its ends"),
    (
        "gateways",
        "tb",
        {"app_secret": "env:NONE"},
        "gateways.tb.app_secret",
        "",
        "the environment variable NONE is not set",
    ),
    (
        "gateways",
        "tb",
        {"app_secret": "env:EMPTY"},
        "gateways.tb.app_secret",
        "",
        "the environment variable EMPTY is empty",
    ),
    (
        "gateways",
        "tb",
        {"app_secret": f"env:{SECRET}"},
        "gateways.tb.app_secret",
        "",
        "the name of an environment variable",
    ),
    ("gateways", "tb", {"app_secret": "file:密钥"}, "gateways.tb.app_secret", "", "there is no such file"),
    ("gateways", "tb", {"app_secret": "file:"}, "gateways.tb.app_secret", "", "the path of a file"),
    ("gateways", "tb", {"app_secret": "file:lost"}, "gateways.tb.app_secret", "", "'lost': there is no such file"),
    ("gateways", "tb", {"url": f"http://me:{SECRET}@h"}, "gateways.tb.url", "", "without user, query or fragment"),
    (
        "gateways",
        "tb",
        {"platform": "taobo"},
        "gateways.tb.platform",
        '"taobo"',
        "did you mean taobao?",
    ),
    ("gateways", "new", {}, "gateways.new.platform", "", "qianmi, taobao or vvtool"),
    ("gateways", "new", {"platform": "vvtool"}, "gateways.new.token", "", "it is missing"),
]


@pytest.mark.parametrize(
    ("section", "name", "values", "path", "value", "expected"), CASES, ids=[case[3] for case in CASES]
)
def test_one_fault_is_named_once_by_place_value_and_remedy(
    section: str, name: str, values: dict[str, Any], path: str, value: str, expected: str
) -> None:
    """Exactly one fault, and a secret in none."""
    error = refused(changed(section, name, **values))
    assert [(fault.path, fault.value) for fault in error.faults] == [(path, value)]
    assert expected in error.faults[0].expected
    assert SECRET not in str(error) + repr(error)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (5, "accounts.toml"),
        ([GOOD], "accounts.toml"),
        (SECRET, "accounts.toml"),
        ({"gateways": {}, "accounts": 5}, "accounts"),
        ({"gateways": SECRET, "accounts": {}}, "gateways"),
        ({"gateways": {}}, "accounts"),
        ({"accounts": {}}, "gateways"),
        ({"gateways": {"tb": SECRET}, "accounts": {}}, "gateways.tb"),
        ({"gateways": {}, "accounts": {"a": [1]}}, "accounts.a"),
        ({"gateways": {}, "accounts": {5: {}}}, "accounts[5]"),
        ({"gateways": {}, "accounts": {None: {}}}, 'accounts."<NoneType>"'),
        ({"gateways": {}, "accounts": {}, "acounts": {}}, "acounts"),
    ],
)
def test_a_wrong_type_at_any_level_is_a_fault_there(raw: object, path: str) -> None:
    """Whatever stands where a table should; its text is not shown, as it may be a secret."""
    error = refused(raw)
    assert [fault.path for fault in error.faults] == [path]
    assert SECRET not in str(error)


def test_every_fault_of_a_file_is_named_at_once() -> None:
    """In gateways and accounts, also in accounts behind a faulty or unknown gateway."""
    raw = changed("gateways", "tb", app_secret="env:NONE", sign_method="sha1")
    raw["accounts"]["t"].update(quantity=5, shop_id="1", poll={"max": -1})
    raw["accounts"]["lost"] = {"gateway": "nope", "quantity": 0}
    raw["gateways"]["odd"] = {"platform": "ebay"}
    raw["accounts"]["odd"] = {"gateway": "odd", "quantity": 0}
    assert {fault.path for fault in refused(raw).faults} == {
        "gateways.tb.app_secret",
        "gateways.tb.sign_method",
        "accounts.t.quantity",
        "accounts.t.shop_id",
        "accounts.t.poll.max",
        "accounts.lost.gateway",
        "accounts.lost.quantity",
        "gateways.odd.platform",
        "accounts.odd.quantity",
    }


def test_half_a_name_is_one_fault() -> None:
    """What stands in the table is the other half, and no key."""
    raw = {"gateways": {"tb": {"cn": GOOD["gateways"]["tb"]}}, "accounts": {"my": {"shop": {"gateway": "tb"}}}}
    assert [fault.path for fault in refused(raw).faults] == ["gateways.tb.platform", "accounts.my.gateway"]


def test_no_gateway_at_all_is_said_so() -> None:
    """Instead of an empty list of choices."""
    fault = refused({"gateways": {}, "accounts": {"a": {"gateway": "tb"}}}).faults[0]
    assert "there is none yet" in fault.expected


def test_empty_sections_are_a_file_without_accounts() -> None:
    """A first start may have none; a file without the sections is a fault, as half a file looks like that."""
    assert checked({"gateways": {}, "accounts": {}}).accounts == {}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_end_of_a_line_is_no_part_of_a_secret_in_a_variable(end: str) -> None:
    """`echo` writes it into a secret of Kubernetes', which hands it on; the same secret in a file is read without it."""
    accounts = check(GOOD, Secrets({"TB": f"one{end}", "QM": "two", "VV": "three"}, Path()), "accounts.toml")
    assert accounts.gateways["tb"].model_dump()["app_secret"].get_secret_value() == "one"


def test_literal_secrets_work_and_are_warned_about_without_their_value() -> None:
    """By place, so that they can be found."""
    raw = changed("gateways", "tb", app_secret=SECRET)
    raw["accounts"]["t"]["session"] = SECRET
    accounts = checked(raw)
    assert [warning.split(":")[0] for warning in accounts.warnings] == ["gateways.tb.app_secret", "accounts.t.session"]
    assert SECRET not in str(accounts)
    assert accounts.gateways["tb"].model_dump()["app_secret"].get_secret_value() == SECRET


@pytest.mark.parametrize("host", ["127.0.0.1:8800", "127.1.2.3", "localhost:8800", "[::1]:8800"])
def test_a_sandboxs_secrets_on_this_machine_are_noted_and_not_warned_about(host: str) -> None:
    """They are invented; there is nothing to do about them. One line for all of them, without their values."""
    raw = changed("gateways", "tb", app_secret=SECRET, url=f"http://{host}")
    raw["accounts"]["t"]["session"] = SECRET
    accounts = checked(raw)
    assert accounts.warnings == ()
    assert [note.partition(": ")[2] for note in accounts.notes] == ["gateways.tb.app_secret and accounts.t.session"]
    assert SECRET not in str(accounts)


@pytest.mark.parametrize("host", ["eco.taobao.com", "127.0.0.1.example.com", "10.0.0.1", "localhost.example"])
def test_a_secret_that_leaves_this_machine_is_warned_about(host: str) -> None:
    """Whatever its address looks like."""
    raw = changed("gateways", "tb", app_secret=SECRET, url=f"http://{host}")
    raw["gateways"]["vv"]["url"] = "http://127.0.0.1:8800"
    raw["accounts"]["t"]["session"] = SECRET
    accounts = checked(raw)
    assert [warning.split(":")[0] for warning in accounts.warnings] == ["gateways.tb.app_secret", "accounts.t.session"]
    assert accounts.notes == ()


def test_a_function_may_hand_out_secrets_as_they_are() -> None:
    """It may have fetched them from a vault, so there is nothing to warn of."""
    assert checked(changed("gateways", "tb", app_secret=SECRET), literals_are_fine=True).warnings == ()


def test_two_accounts_for_the_same_messages_are_warned_about() -> None:
    """They would take them from each other."""
    accounts = checked(changed("accounts", "again", gateway="tb", group="g1"))
    assert accounts.warnings == ("accounts.again: it pulls the same messages as accounts.t",)
    assert (
        checked(changed("accounts", "other", gateway="vv", shop_id="123", topic="taobao_trade_TradeClose")).warnings
        == ()
    )


def test_two_gateways_for_the_same_app_are_warned_about() -> None:
    """Each would keep to its own limits, and both together exceed the app's; accounts behind them share messages."""
    raw = changed("accounts", "again", gateway="tb2", group="g1")
    raw["gateways"]["tb2"] = {**raw["gateways"]["tb"], "url": "http://eco.taobao.com", "calls_per_day": 5}
    raw["gateways"]["vv2"] = {**raw["gateways"]["vv"], "points_per_day": 5}
    raw["gateways"]["vv3"] = {**raw["gateways"]["vv"], "url": "http://127.0.0.1:8800"}
    same = "it is the same app as gateways.{}: each keeps to its own limits, and both together may exceed the app's"
    assert checked(raw).warnings == (
        f"gateways.tb2: {same.format('tb')}",
        f"gateways.vv2: {same.format('vv')}",
        "accounts.again: it pulls the same messages as accounts.t",
    )
    spared = check(raw, Unneeded(), "test").warnings
    assert [warning.split(":")[0] for warning in spared] == ["gateways.tb2", "accounts.again"]


def test_the_errors_text_names_each_fault_on_a_line_and_stays_short() -> None:
    """It ends up in a log."""
    error = AccountsError([Fault(f"accounts.a{i}.quantity", "expected less", "5") for i in range(250)], "accounts.toml")
    lines = str(error).splitlines()
    assert lines[:2] == ["accounts.toml: 250 faults", "  accounts.a0.quantity = 5: expected less"]
    assert lines[-1] == "  and 150 more"
    assert len(error.faults) == 250


def test_control_characters_of_a_value_are_escaped() -> None:
    """A file may not write to the operator's terminal."""
    assert "\x1b" not in str(refused(changed("accounts", "t", group="\x1b[2J\n")))


def test_topics_that_look_like_a_slip_are_warned_about_once_each() -> None:
    """What is sent to the platform brings nothing then, and nobody would know why."""
    accounts = changed("accounts", "v1", gateway="vv", shop_id="1", topic="TradeSellerShp")
    accounts["accounts"]["v2"] = {"gateway": "vv", "shop_id": "2", "topic": "TradeSellerShp"}
    accounts["accounts"]["v3"] = {"gateway": "vv", "shop_id": "3", "topic": "rechargeStateChange"}
    accounts["accounts"]["v4"] = {"gateway": "vv", "shop_id": "4", "topic": "taobao_fuwu_ServiceOpen"}
    accounts["accounts"]["v5"] = {"gateway": "vv", "shop_id": "5", "topic": "Unheard"}
    slip, several, unheard = checked(accounts).warnings
    assert slip.startswith("accounts.v1.topic and 1 more: TradeSellerShp is no known topic")
    assert slip.endswith("did you mean taobao_trade_TradeSellerShip?")
    assert "may be bm_elife_rechargeStateChange or qianmi_elife_rechargeStateChange" in several
    assert unheard == "accounts.v5.topic: Unheard is no full name of a topic; it is sent as it is written"
