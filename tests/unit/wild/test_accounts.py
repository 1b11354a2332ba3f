"""Random accounts files: a clear error or accounts, and never a secret."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.accounts import AccountsError, load
from tests import ROOT
from tests.unit.wild.guessing import ANY, NUMBERS, SECRET, TEXT, quiet, spoilt, trying

EXAMPLE = "\n".join(
    line.split("#")[0].rstrip()
    for line in (ROOT / "accounts.example.toml").read_text("utf-8").splitlines()
    if line[:1] != "#"
).replace("\n\n", "\n")
SAFE = EXAMPLE.replace("env:TB_SECRET", SECRET).replace("env:QM_SECRET", SECRET).replace("env:VV_TOKEN", SECRET)
KEYS = st.sampled_from(
    ["platform", "app_key", "app_secret", "app_secre", "token", "url", "gateway", "group", "quantity", "session", "poll",
     "counter", "topics", "user_ids", "type", "shop_id", "topic", "edition", "extra", "lease_seconds", "calls_per_day", "a.b"]
)  # fmt: skip
VALUES = st.one_of(
    NUMBERS,
    TEXT.map(repr),
    ANY.map(lambda text: f'"{text}"'),
    st.sampled_from(
        [f'"{SECRET}"', "[]", "{}", "[[[]]]", "{ min = -1, max = nan }", "true", "1979-05-27", '"taobao"', '"env:"', '"file:/"',
         '"file:/dev/zero"', f'["{SECRET}"]', f'{{ x = "{SECRET}" }}', "[" * 2000, '"env:NO_SUCH"', "inf", "-nan", "9" * 5000]
    ),
)  # fmt: skip
TABLES = st.sampled_from(
    [
        "gateways.tb",
        "gateways.new",
        "accounts.shop-1",
        "accounts.new",
        "accounts.shop-1.counter",
        "gateways",
        "accounts",
        "other",
    ]
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file that is nearly right, or not at all; a literal secret stands in it."""
    lines = draw(st.sampled_from([SAFE, EXAMPLE, ""])).splitlines()
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(lines)))
        if draw(st.booleans()):
            lines.insert(at, f"{draw(KEYS)} = {draw(VALUES)}")
        elif draw(st.booleans()):
            lines.insert(at, f"[{draw(TABLES)}]")
        else:
            del lines[at : at + 1]
    text = draw(spoilt("\n".join(lines))).encode("utf-8", "surrogatepass")
    return draw(st.sampled_from([b"", b"", b"", b"\xef\xbb\xbf", b"\xff", b"\0"])) + text


def tried(path: str | Path, body: bytes = b"") -> None:
    """Load it; what it says is for people, and shows no secret that stands where a secret is to stand."""
    elsewhere = any(SECRET in str(value) and "sec" not in name for name, value in members(body))
    try:
        found = load(str(path))
    except AccountsError as error:
        quiet("" if elsewhere else error)
        printable(*error.faults)
    else:
        quiet(*(() if elsewhere else (found, repr(found), found.warnings)))


def members(body: bytes) -> Iterator[tuple[str, object]]:
    """The members of all tables, each with the names on its way."""
    try:
        waiting: list[tuple[str, object]] = [("", tomllib.loads(body.decode("utf-8-sig")))]
    except (ValueError, RecursionError):
        return
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(key if key not in ("token", "session") else "secret", each) for key, each in value.items()]
            yield name, list(value)
        else:
            yield name, value


def printable(*faults: object) -> None:
    assert faults
    assert all(str(fault).isprintable() for fault in faults), faults


@trying
@given(files())
def test_a_file_is_taken_or_every_fault_is_told(body: bytes) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "accounts.toml").write_bytes(body)
        tried(Path(folder) / "accounts.toml", body)


@pytest.mark.parametrize(
    "name", ["", ".", "/", "/dev/null", "/dev/zero", "loop", "gone", "x" * 5000, "python:", "python:a", "a\0b"]
)
def test_what_is_no_file_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    tried(name)
