"""Random input in which a secret stands, and what may come of it: a clear error or a result, never the secret."""

import os
import string

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

SECRET = "S3cr3t7391"
EXAMPLES = int(os.environ.get("TIDINGS_TEST_EXAMPLES", "60"))
"""How many tries each test makes."""

trying = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="TIDINGS_TEST_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)

ODD = "/?#[]@:;&=%+,\\'\"<>{}|^`~ \t\r\n\x00\x1b\x7f\u202e\ud83d😀中é١٢"
NUMBERS = st.sampled_from(
    [
        "0",
        "-1",
        "1",
        "07",
        "1_000",
        "1e9",
        "1e400",
        "-0.0",
        "nan",
        "inf",
        "9" * 400,
        "١٢",
        "0x10",
        "65536",
        "½",
        " 3 ",
        "1.5",
    ]
)
TEXT = st.text(st.one_of(st.sampled_from(ODD), st.sampled_from(string.ascii_letters + string.digits)), max_size=12)
ANY = st.text(st.characters(), max_size=20)


@st.composite
def spoilt(draw: st.DrawFn, text: str) -> str:
    """The text with a few characters gone, doubled, changed or put in."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(["cut", "put", "twice", "end"]))
        if kind == "cut":
            text = text[:at] + text[at + draw(st.integers(1, 4)) :]
        elif kind == "put":
            text = text[:at] + draw(TEXT) + text[at:]
        elif kind == "twice":
            text = text[:at] + text[max(0, at - draw(st.integers(1, 30))) :]
        else:
            text = text[:at]
    return text


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """An address as somebody may write it, with the secret as its password in whatever company."""
    scheme = draw(
        st.sampled_from(
            [
                "redis",
                "rediss",
                "unix",
                "redis+socket",
                "sentinel",
                "amqp",
                "amqps",
                "pyamqp",
                "REDIS",
                "valkey",
                "http",
                "",
            ]
        )
    )
    odd = st.sampled_from(["", "", *ODD, "%2F", "%40", "%zz", "%ff"])
    login = f"{draw(TEXT)}:{SECRET}{draw(odd)}{SECRET}@" if draw(st.booleans()) else f":{SECRET}@"
    host = draw(
        st.sampled_from(["h", "127.0.0.1", "[::1]", "[::zz]", "", "a b", "h.example", "-", "中.cn", "/run/r.sock"])
    )
    port = draw(st.one_of(st.just(""), st.just(":6379"), NUMBERS.map(":{}".format), TEXT.map(":{}".format)))
    path = draw(st.one_of(st.just("/0"), st.just(""), NUMBERS.map("/{}".format), TEXT.map("/{}".format)))
    names = st.sampled_from(
        ["db", "virtual_host", "password", "ssl_cert_reqs", "ssl_ca_certs", "master", "sentinel_password", "socket_timeout",
         "health_check_interval", "client_name", "ssl", "pasword", "decode_responses", "credential_provider", "heartbeat"]
    )  # fmt: skip
    values = st.one_of(st.just(SECRET), NUMBERS, TEXT, st.sampled_from(["main", "none", "CERT_NONE", "true"]))
    query = "&".join(f"{name}={value}" for name, value in draw(st.lists(st.tuples(names, values), max_size=3)))
    one = f"{scheme}://{login}{host}{port}{path}"
    more = f";{draw(st.sampled_from([one, f'{scheme}://{host}', SECRET]))}" if draw(st.booleans()) else ""
    return draw(spoilt(one + more + (f"?{query}" if query else "")))


def quiet(*texts: object) -> None:
    """None of the texts shows the secret, and none is a traceback."""
    for text in map(str, texts):
        assert SECRET not in text, text
        assert "Traceback (most recent call last)" not in text
