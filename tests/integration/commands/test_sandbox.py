"""`celery -A tasks sandbox publish` and `sandbox accounts`, in the test's process, on a sandbox that runs."""

import os
import re
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner

from handlers.topics import MODELS
from tasks.accounts import Accounts, load
from tasks.commands.check.setup import accounts_findings
from tasks.commands.sandbox import sandbox as command
from tasks.sandbox.control import Control
from tasks.sandbox.memory.apps import BUILT_IN, SESSIONS
from tasks.sandbox.sample import EXPORT
from tasks.settings import settings
from tests import ROOT, ready
from tests.integration.commands.running import Said, run
from tests.integration.sandbox.calls import post, top_params
from tests.ports import free_port

PAID = "taobao_trade_TradeBuyerPay"

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
[gateways.qm]
platform = "qianmi"
app_key = "10000001"
app_secret = "file:qm.secret"
url = "{url}"
[gateways.vv]
platform = "vvtool"
token = "env:VV_TOKEN"
url = "{url}"
[accounts.shop]
gateway = "tb"
group = "g1"
[accounts.other-shop]
gateway = "tb"
[accounts.seller]
gateway = "qm"
group = "A854800"
[accounts.vshop]
gateway = "vv"
shop_id = "123"
topic = "taobao_trade_TradeSellerShip"
"""
"""Its secrets are nowhere: who publishes needs none of them."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own to stand in, without an accounts file, and nothing set."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TIDINGS_")]:
        monkeypatch.delenv(name)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def accounts(here: Path, sandbox: Control) -> Path:
    path = here / "accounts.toml"
    path.write_text(ACCOUNTS.format(url=sandbox.url))
    return path


def publish(sandbox: Control, *words: str) -> Said:
    return run(command, "publish", *words, "--url", sandbox.url)


def places(sandbox: Control) -> list[tuple[str, str, str]]:
    """Platform, group or shop, and topic of every message in the sandbox."""
    return [(row["platform"], row.get("group", row.get("shop_id", "")), row["topic"]) for row in sandbox.ledger()]


def pulled(sandbox: Control, **more: str) -> list[Any]:
    """What a client of Taobao's gets."""
    reply = post(sandbox.url, "/router/rest", top_params(**more)).json()["tmc_messages_consume_response"]
    return list(reply["messages"]["tmc_message"])


def test_every_topic_with_a_model_is_published_without_a_content(sandbox: Control) -> None:
    """To the platform that has it."""
    for topic in MODELS:
        said = publish(sandbox, topic)
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith(f"published {topic} for nobody in particular (")
    found = places(sandbox)
    assert [topic for _, _, topic in found] == sorted(MODELS, key=[topic for _, _, topic in found].index)
    assert len(found) == len(MODELS)
    assert {platform for platform, _, topic in found if topic.startswith("taobao_")} == {"taobao"}
    assert {platform for platform, _, topic in found if not topic.startswith("taobao_")} == {"qianmi"}


def test_samples_are_valid_and_each_is_another_trade(sandbox: Control) -> None:
    """Also those of a second call; an account that the model reads gets what a real one would."""
    assert publish(sandbox, PAID, "--count", "3").code == 0
    assert publish(sandbox, PAID).code == 0
    items = pulled(sandbox)
    trades = [MODELS[PAID].model_validate_json(item["content"]) for item in items]
    assert len({trade.model_dump()["tid"] for trade in trades}) == 4
    assert len({trade.model_dump()["oid"] for trade in trades}) == 4


@pytest.mark.parametrize(
    ("account", "topic", "place"),
    [
        ("shop", PAID, ("taobao", "g1")),
        ("other-shop", PAID, ("taobao", "")),
        ("seller", "qianmi_elife_rechargeStateChange", ("qianmi", "A854800")),
        ("vshop", "taobao_trade_TradeSellerShip", ("vvtool", "123")),
    ],
)
def test_an_accounts_messages_go_where_it_pulls(
    sandbox: Control, accounts: Path, account: str, topic: str, place: tuple[str, str]
) -> None:
    """Its platform, and its group or shop; none of the secrets that the file names is set."""
    said = publish(sandbox, topic, "--account", account)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"published {topic} for {account} ({place[0]}, ")
    assert places(sandbox) == [(*place, topic)]


def test_without_a_name_the_first_account_that_gets_the_topic_has_it(sandbox: Control, accounts: Path) -> None:
    """Taobao's topics go to Taobao before vv-tool, and to vv-tool where there is no Taobao."""
    publish(sandbox, PAID)
    publish(sandbox, "bm_elife_rechargeStateChange")
    assert places(sandbox) == [
        ("taobao", "g1", PAID),
        ("qianmi", "A854800", "bm_elife_rechargeStateChange"),
    ]
    text = accounts.read_text()
    accounts.write_text(
        text[text.index("[gateways.vv]") : text.index("[accounts.shop]")] + text[text.index("[accounts.vshop]") :]
    )
    publish(sandbox, "taobao_trade_TradeSellerShip")
    assert places(sandbox)[-1] == ("vvtool", "123", "taobao_trade_TradeSellerShip")
    said = publish(sandbox, PAID)
    assert (said.code, said.err) == (1, f"Error: no account in accounts.toml gets {PAID}; name one with --account\n")


def test_a_topic_that_an_account_will_not_get_is_pointed_out(sandbox: Control, accounts: Path) -> None:
    """And an account that is polled somewhere else."""
    said = publish(sandbox, PAID, "--account", "vshop")
    asks = "vshop asks for taobao_trade_TradeSellerShip alone, so it will not get this topic"
    assert (said.code, said.err) == (0, f"note: {asks}\n")
    accounts.write_text(ACCOUNTS.format(url="https://elsewhere.example/rest"))
    said = publish(sandbox, PAID)
    assert said.err == "note: shop is polled at https://elsewhere.example/rest, not at this sandbox\n"


@pytest.mark.parametrize("content", ['{"tid": 7,  "x": "雨"}\n', "not json", "[1]", "", "NaN"])
def test_a_files_text_is_the_content_as_it_is(sandbox: Control, here: Path, content: str) -> None:
    """As often as is asked for; what is no JSON object is published too, with a word about it."""
    (here / "content").write_text(content, encoding="utf-8")
    said = publish(sandbox, "some_topic", "--content", "content", "--count", "2")
    assert said.code == 0
    assert ("no JSON object" in said.err) is not content.startswith("{")
    assert [item["content"] for item in pulled(sandbox)] == [content, content]


def test_standard_input_is_a_file_too(sandbox: Control) -> None:
    """`handlers sample TOPIC | …`"""
    words = ["publish", PAID, "--content", "-", "--url", sandbox.url]
    done = CliRunner().invoke(command, words, input='{"tid": 8}')
    assert done.exit_code == 0, done.output
    assert [item["content"] for item in pulled(sandbox)] == ['{"tid": 8}']


def test_a_topic_may_be_named_by_its_last_part(sandbox: Control) -> None:
    """Where that is one topic's alone."""
    assert publish(sandbox, "TradeBuyerPay").code == 0
    assert places(sandbox) == [("taobao", "", PAID)]
    said = publish(sandbox, "rechargeStateChange")
    assert said.code == 1
    assert said.err == (
        "Error: rechargeStateChange may be bm_elife_rechargeStateChange or qianmi_elife_rechargeStateChange; "
        "write it in full\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["taobao_trade_TradeUnheardOf"], "there is no sample of taobao_trade_TradeUnheardOf"),
        (["taobao_trade_TradeBuyerPayd"], "BuyerPay?), as it has no model; give a content: --content FILE"),
        ([PAID, "--account", "nobody"], "there is no account nobody in accounts.toml; there are: shop, other-shop, "),
        ([PAID, "--content", "latin"], "the content is not UTF-8; save it as UTF-8"),
        (["\x1b[2J"], "there is no sample of \\x1b[2J, as it has no model; give"),
    ],
)
def test_what_cannot_be_published_is_said_in_one_line(
    sandbox: Control, accounts: Path, words: list[str], told: str
) -> None:
    """With what to do, and exit code 1."""
    Path("latin").write_bytes("雨".encode("gbk"))
    said = publish(sandbox, *words)
    assert (said.code, said.out, sandbox.ledger()) == (1, "", [])
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1
    assert told in said.err


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_a_file_that_cannot_be_read_is_named(sandbox: Control, path: str) -> None:
    """As click tells it, with exit code 2."""
    said = publish(sandbox, PAID, "--content", path)
    assert said.code == 2
    assert path in said.err.splitlines()[-1]


def test_an_account_without_an_accounts_file_is_said(sandbox: Control) -> None:
    """Rather than given to somebody else."""
    said = publish(sandbox, PAID, "--account", "shop")
    assert said.err == "Error: there is no account shop, as there is no accounts.toml; leave --account out\n"


def test_an_app_that_the_sandbox_does_not_know_is_said(sandbox: Control, accounts: Path) -> None:
    """Its reason, not its JSON."""
    accounts.write_text(accounts.read_text().replace("12345678", "4711"))
    said = publish(sandbox, PAID)
    assert said.code == 1
    assert said.err.endswith("there is no such app on taobao; add it by PUT /sandbox/apps\n")


def test_no_sandbox_is_one_line() -> None:
    """Nothing at the port, something else there, and no address at all."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        ports = [str(free_port()), str(server.server_address[1])]
        said = [run(command, "publish", PAID, "--port", port) for port in ports]
        server.shutdown()
    said += [
        run(command, "publish", PAID, "--url", url) for url in ("nonsense", "http://[", "http://u:hush@127.0.0.1:1")
    ]
    for each in said:
        assert each.code == 1
        assert re.fullmatch(r"Error: no sandbox answers at \S+; start one: celery -A tasks sandbox\n", each.err)
        assert "hush" not in each.err


def test_the_sandbox_is_where_the_account_is_polled(sandbox: Control, accounts: Path) -> None:
    """No port has to be told twice; one that is told wins."""
    assert run(command, "publish", PAID).code == 0
    assert run(command, "publish", PAID, "--account", "vshop").code == 0
    assert len(sandbox.ledger()) == 2
    said = run(command, "publish", PAID, "--port", str(free_port()))
    assert said.code == 1
    assert "no sandbox answers" in said.err
    assert len(sandbox.ledger()) == 2


def test_the_port_may_stand_before_the_subcommand_too(sandbox: Control) -> None:
    """As where the sandbox is started."""
    port = sandbox.url.rpartition(":")[2]
    assert run(command, "--port", port, "publish", PAID).code == 0
    assert run(command, "publish", PAID, "--port", port).code == 0
    assert len(sandbox.ledger()) == 2


def test_the_sandboxs_accounts_file_is_printed_ready_for_use(
    sandbox: Control, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the leases that it has now; an account for each platform, and no secret to set."""
    sandbox.switches(lease_seconds={"taobao": 33, "qianmi": 44})
    said = run(command, "accounts", "--url", sandbox.url)
    assert (said.code, said.err) == (0, "")
    (here / "accounts.toml").write_text(said.out)
    found = load("accounts.toml", {})
    assert found.warnings == ()
    assert len(found.notes) == 1
    leases = {name: gateway.lease_seconds for name, gateway in found.gateways.items()}
    assert leases == {"taobao": 33, "qianmi": 44, "vvtool": 600}
    for account in found.accounts.values():
        assert account.poll.max <= 5, "what is published by hand is pulled while one looks"
        topic = "qianmi_elife_rechargeStateChange" if account.gateway.platform == "qianmi" else PAID
        assert publish(sandbox, topic, "--account", account.name).err == ""
    assert [platform for platform, _, _ in places(sandbox)] == ["taobao", "qianmi", "vvtool"]


def test_check_has_nothing_against_the_sandboxs_accounts(sandbox: Control, here: Path) -> None:
    """A note on its secrets, and nothing to do."""
    (here / "accounts.toml").write_text(run(command, "accounts", "--url", sandbox.url).out)
    assert {finding.level for finding in accounts_findings()} == {"OK", "NOTE"}


def test_the_accounts_file_can_be_had_before_the_sandbox_runs() -> None:
    """With a word about it."""
    said = run(command, "accounts", "--port", str(free_port()))
    assert said.code == 0
    assert tomllib.loads(said.out)["accounts"]
    assert said.err == "note: no sandbox runs there yet; start it: celery -A tasks sandbox\n"


def test_the_example_fits_the_sandbox_with_the_secrets_that_it_tells() -> None:
    """All that it names, with its three comments taken off."""
    text = (ROOT / "accounts.example.toml").read_text()
    secrets = dict(pair.split("=") for pair in EXPORT.removeprefix("export ").split())
    assert EXPORT in text
    assert set(re.findall(r'^[^#\n]*"env:(\w+)"', text, re.MULTILINE)) == secrets.keys()
    told = (ROOT / "README.md").read_text()
    assert all(f"{name}=" in told for name in secrets), "README's first steps name every secret of the example"
    path = Path("accounts.toml")
    path.write_text(re.sub(r"^# (url = .*# sandbox;)", r"\1", text, flags=re.MULTILINE))
    known: Accounts = load(str(path), secrets)
    assert {gateway.url.split("/")[2] for gateway in known.gateways.values()} == {"127.0.0.1:8800"}
    built_in = {spec.platform: spec for spec in BUILT_IN}
    for gateway in known.gateways.values():
        spec = built_in[gateway.platform]
        assert getattr(gateway, "app_key", spec.app_key) == spec.app_key
    assert (secrets["TB_SECRET"], secrets["QM_SECRET"]) == (built_in["taobao"].secret, built_in["qianmi"].secret)
    assert (secrets["VV_TOKEN"], secrets["SHOP1_SESSION"]) == (built_in["vvtool"].token, SESSIONS["taobao"][0])


def test_it_is_part_of_celerys_command_line(sandbox: Control, here: Path) -> None:
    """In a process of its own."""
    argv = ["-m", "celery", "-A", "tasks", "sandbox", "publish", PAID, "--url", sandbox.url]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = ready.run(argv, here, env)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert [item["topic"] for item in pulled(sandbox)] == [PAID]
