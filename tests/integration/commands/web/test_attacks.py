"""What somebody tries who is not to come in, or not to do more than read."""

import json
from collections.abc import Callable

import pytest
from redis import Redis

from tasks.commands.web.config import Config
from tasks.commands.web.guarding import HEADERS, MOST_BYTES
from tasks.commands.web.sessions import COOKIE, IDLE_SECONDS, LONGEST_SECONDS, TRIES
from tasks.platforms.base import Item
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import Stores
from tasks.store.letters import Letter
from tasks.store.seen import Seen
from tasks.store.web import LOGINS
from tests.integration.commands.web.conftest import CONFIG, OPERATOR, READER, Browser

PAGES = (
    "/",
    "/accounts",
    "/account?name=shop",
    "/gateways",
    "/gateway?name=tb",
    "/topics",
    "/letters",
    "/letter",
    "/audit",
)
ACTIONS = {
    "/pause": {"kind": "account", "name": "shop"},
    "/resume": {"kind": "account", "name": "shop"},
    "/poll": {"kind": "account", "name": "shop"},
    "/letter": {"id": "LETTER"},
    "/letters/replay": {"id": "LETTER"},
    "/letters/drop": {"id": "LETTER", "sure": "yes"},
}
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def letter(web: Stores) -> str:
    """A letter that is there."""
    return web.letters.bury(
        Letter(Item("", "1", "topic", "the buyer's content"), "taobao", "shop", "why", names=("n",))
    )


def untouched(stores: Stores, letter: str) -> bool:
    """Whether nothing was done of what `ACTIONS` do."""
    return not stores.pauses.many("account", ["shop"]) and stores.letters.get(letter) is not None


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_a_password(web: Stores, path: str) -> None:
    reply = Browser().get(path)
    assert (reply.status_code, reply.text) == (303, "")
    assert reply.headers["location"].startswith("/login")


@pytest.mark.parametrize("path", ACTIONS)
def test_nobody_does_anything_without_a_session(web: Stores, letter: str, path: str) -> None:
    reply = Browser().send(path, {name: value.replace("LETTER", letter) for name, value in ACTIONS[path].items()})
    assert (reply.status_code, reply.headers["location"]) == (303, "/login")
    assert untouched(web, letter)


@pytest.mark.parametrize("path", ACTIONS)
@pytest.mark.parametrize("token", [None, "", "wrong", "é" * 40])
def test_a_form_without_the_sessions_token_does_nothing(
    operator: Browser, web: Stores, letter: str, path: str, token: str | None
) -> None:
    form = {name: value.replace("LETTER", letter) for name, value in ACTIONS[path].items()}
    reply = operator.send(path, form if token is None else {**form, "csrf": token})
    assert reply.status_code == 403
    assert "the buyer&#39;s content" not in reply.text
    assert untouched(web, letter)


def test_a_token_is_good_for_its_own_session_alone(browser: Callable[..., Browser], web: Stores) -> None:
    mine, theirs = browser(), browser(address="203.0.113.8")
    assert mine.send("/pause", {**ACTIONS["/pause"], "csrf": theirs.csrf}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_page_does_nothing_whatever_token_it_has(
    operator: Browser, web: Stores, headers: dict[str, str]
) -> None:
    form = {**ACTIONS["/pause"], "csrf": operator.csrf}
    assert operator.send("/pause", form, **headers).status_code == 403
    assert operator.send("/pause", form, origin="http://127.0.0.1:8700").status_code == 303


@pytest.mark.parametrize("path", ACTIONS)
def test_a_reader_does_nothing(reader: Browser, web: Stores, letter: str, path: str) -> None:
    form = {name: value.replace("LETTER", letter) for name, value in ACTIONS[path].items()}
    reply = reader.post(path, **form)
    assert reply.status_code == 403
    assert "the buyer&#39;s content" not in reply.text
    assert untouched(web, letter)
    assert reader.get("/account?name=shop").text.count("<form") == 1  # to log out


def test_passwords_cannot_be_tried_one_after_the_other(web: Stores) -> None:
    first = [Browser().log_in(f"guess {number}").status_code for number in range(TRIES)]
    assert first == [403] * TRIES
    refused = Browser().log_in(OPERATOR)  # another process, the right password: too late
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert Browser(address="203.0.113.8").log_in(OPERATOR).status_code == 303
    assert len(web.web.lines(0, 50, LOGINS)) == TRIES


def test_an_ipv6_customer_is_one_address(web: Stores) -> None:
    for number in range(TRIES):
        Browser(address=f"2001:db8::{number + 1}").log_in("guess")
    assert Browser(address="2001:db8::ffff").log_in(OPERATOR).status_code == 429
    assert Browser(address="2001:db8:0:1::1").log_in(OPERATOR).status_code == 303


def test_tries_are_forgotten_after_a_login(web: Stores) -> None:
    for _ in range(2):
        for _ in range(TRIES - 1):
            Browser().log_in("guess")
        assert Browser().log_in(OPERATOR).status_code == 303


def test_who_is_not_believed_cannot_tell_another_address(web: Stores) -> None:
    for number in range(TRIES):
        Browser(headers={"x-forwarded-for": f"198.51.100.{number}"}).log_in("guess")
    assert Browser(headers={"x-forwarded-for": "198.51.100.99"}).log_in(OPERATOR).status_code == 429


def test_a_proxy_is_believed_and_its_https_makes_cookies_secure(web: Stores) -> None:
    config = Config(OPERATOR, proxy=("203.0.113.7",))
    reply = Browser(config, headers={"x-forwarded-proto": "https"}).get("/login")
    assert "; Secure" in reply.headers["set-cookie"]
    assert reply.headers["strict-transport-security"]
    assert Browser(config, headers={"x-forwarded-for": "198.51.100.1"}).log_in(OPERATOR).status_code == 303
    assert [line.address for line in web.web.lines(0, 1)] == ["198.51.100.1"]


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(web: Stores) -> None:
    cookie = Browser().log_in(OPERATOR).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    assert "Secure" in Browser(Config(OPERATOR, secure=True)).log_in(OPERATOR).headers["set-cookie"]


def test_a_session_that_an_attacker_chose_is_not_used(web: Stores) -> None:
    victim = Browser()
    victim.client.cookies.set(COOKIE, "chosen by the attacker", domain="127.0.0.1")
    victim.log_in(OPERATOR)
    attacker = Browser()
    attacker.client.cookies.set(COOKIE, "chosen by the attacker", domain="127.0.0.1")
    assert not attacker.is_in


def test_a_changed_cookie_is_nobodys(operator: Browser) -> None:
    token = operator.client.cookies[COOKIE]
    for other in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:-1], "", "x" * 5000, "../../etc"):
        thief = Browser()
        thief.client.cookies.set(COOKIE, other, domain="127.0.0.1")
        assert not thief.is_in


def test_what_redis_holds_lets_nobody_in(operator: Browser, redis: Redis) -> None:
    known = [*redis.scan_iter("tidings:web:*"), redis.get("tidings:web:key")]
    for text in (str(each).rpartition(":")[2] for each in known):
        thief = Browser()
        thief.client.cookies.set(COOKIE, text, domain="127.0.0.1")
        assert not thief.is_in
    assert operator.client.cookies[COOKIE] not in str(
        [*known, *map(redis.get, redis.scan_iter("tidings:web:session:*"))]
    )


def test_a_session_ends_everywhere_when_its_user_logs_out(operator: Browser) -> None:
    copy = Browser()
    copy.client.cookies.set(COOKIE, operator.client.cookies[COOKIE], domain="127.0.0.1")
    assert copy.is_in
    operator.post("/logout")
    assert not copy.is_in


def test_another_password_ends_all_sessions(operator: Browser) -> None:
    same, other = Browser(CONFIG), Browser(Config(OPERATOR, "another password"))
    for one in (same, other):
        one.client.cookies.set(COOKIE, operator.client.cookies[COOKIE], domain="127.0.0.1")
    assert (same.is_in, other.is_in) == (True, False)


def test_a_session_ends_when_nobody_uses_it_and_in_any_case_after_half_a_day(operator: Browser, redis: Redis) -> None:
    (name,) = redis.scan_iter("tidings:web:session:*")
    assert 0 < redis.ttl(name) <= IDLE_SECONDS
    kept = json.loads(str(redis.get(name)))
    redis.set(name, json.dumps({**kept, "since": kept["since"] - LONGEST_SECONDS - 1}))
    assert not operator.is_in
    assert not redis.exists(name)


def test_nobody_is_logged_in_by_another_page(web: Stores) -> None:
    form = {"name": "victim", "password": OPERATOR}
    assert Browser().send("/login", {**form, "token": "guessed"}).status_code == 403
    victim = Browser()
    victim.get("/login")
    assert victim.send("/login", {**form, "token": "guessed"}).status_code == 403
    assert victim.send("/login", form).status_code == 403


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\n/evil.example",
        "evil",
        "//[",
    ],
)
def test_the_login_leads_nowhere_else(web: Stores, after: str) -> None:
    assert Browser().log_in(OPERATOR, after=after).headers["location"] == "/"
    assert (
        Browser(address="203.0.113.9").log_in(OPERATOR, after="/account?name=a").headers["location"]
        == "/account?name=a"
    )


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8700", "127.0.0.1.evil.example", "", "localhost.evil:80"]
)
def test_another_name_for_this_server_is_refused(web: Stores, host: str) -> None:
    for path in ("/login", "/metrics", "/healthz"):
        assert Browser().get(path, headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8700", "127.0.0.1", "[::1]:8700", "tidings.internal", "10.1.2.3:9"])
def test_its_own_names_and_addresses_are_not(web: Stores, host: str) -> None:
    assert (
        Browser(Config(OPERATOR, hosts=("tidings.internal",))).get("/login", headers={"host": host}).status_code == 200
    )


@pytest.mark.parametrize(
    "path",
    [
        "/static/../config.py",
        "/static/%2e%2e/zh.po",
        "/static/..%2fserver.py",
        "/static//etc/passwd",
        "/../../etc/passwd",
        "/static/",
    ],
)
def test_no_other_file_is_served(web: Stores, path: str) -> None:
    reply = Browser().get(path)
    assert reply.status_code == 404
    assert "msgid" not in reply.text
    assert "import" not in reply.text


def test_a_form_that_is_too_large_or_without_a_length_is_not_read(web: Stores) -> None:
    assert Browser().client.post("/login", data={"name": "x" * MOST_BYTES}).status_code == 413
    assert Browser().client.post("/login", content=iter([b"name=x"])).status_code == 411
    assert Browser().client.request("TRACE", "/login").status_code == 405


@pytest.mark.parametrize("path", [*PAGES, "/login", "/nothing", "/static/style.css"])
def test_every_reply_tells_the_browser_what_it_may_not(operator: Browser, path: str) -> None:
    reply = operator.get(path)
    assert HEADERS.items() <= dict(reply.headers).items()
    assert "script-src" not in reply.headers["content-security-policy"]  # so `default-src 'none'` holds
    assert reply.headers["cache-control"] == ("public, max-age=300" if "static" in path else "no-store")


def test_nothing_from_outside_becomes_markup(operator: Browser, web: Stores) -> None:
    """Topics, names, reasons, contents and what is typed: all of it is text."""
    now = web.clock.now()
    hostile = Letter(Item("", SCRIPT, SCRIPT, SCRIPT), "taobao", SCRIPT, SCRIPT, traceback=SCRIPT, names=("x",))
    id_ = web.letters.bury(hostile)
    web.topics.add("seen", {SCRIPT: 1, "买家\u202e付款": 2}, now=now)
    web.topics.add("unhandled", {SCRIPT: 1}, now=now)
    web.pauses.put("account", "shop", Pause(now + 90, SCRIPT, SCRIPT), now=now)
    web.pauses.put("gateway", "vv", Pause(now + 90, SCRIPT, SCRIPT), now=now)
    web.seen.put("shop", Seen(at=now))
    Browser(address="203.0.113.9").log_in("guess", name=SCRIPT)
    operator.post("/pause", kind="account", name="vshop", reason=SCRIPT)
    asked = f"?q={SCRIPT}&name={SCRIPT}&reason={SCRIPT}&topic={SCRIPT}&gateway={SCRIPT}&done={SCRIPT}&n={SCRIPT}"
    replies = [
        operator.get(path)
        for path in (*PAGES, f"/letter?id={id_}", "/accounts" + asked, "/letters" + asked, "/account" + asked)
    ]
    replies += [operator.post("/letter", id=id_), operator.post("/letters/drop", id=id_, reason=SCRIPT)]
    assert all(reply.status_code in (200, 404) for reply in replies)
    for reply in replies:
        assert "<script" not in reply.text
        assert "<img src=x" not in reply.text
        assert "\u202e" not in reply.text
    assert "&lt;script&gt;" in replies[-2].text
    assert "买家" in operator.get("/topics").text


def test_a_word_in_the_address_says_nothing_of_its_own(operator: Browser) -> None:
    assert 'role="status"' not in operator.get("/letters?done=You+have+won&n=1").text
    assert 'role="status"' in operator.get("/letters?done=dropped&n=1").text


def test_without_a_password_there_is_no_page_but_machines_are_served(web: Stores) -> None:
    nobody = Browser(Config())
    assert [nobody.get(path).status_code for path in ("/", "/login", "/letters", "/metrics", "/healthz")] == [
        404,
        404,
        404,
        200,
        200,
    ]


def test_the_readers_password_opens_the_reader_alone(reader: Browser, web: Stores) -> None:
    assert "Reader" in reader.get("/").text
    assert Browser(Config(OPERATOR)).log_in(READER).status_code == 403
    assert Browser(Config(readonly=READER)).log_in("").status_code == 403
