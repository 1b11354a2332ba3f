"""Cutting an accounts file into pieces: what the pieces say together is what the whole file says, or they are refused."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.accounts.pieces import Piece, Uncut, cut

GATEWAYS = '[gateways.tb]\nplatform = "taobao"\n'


def together(text: str) -> dict[str, object]:
    """What the pieces of a text say, each read by itself. Raises `Uncut`."""
    raw = cut(text)
    if "accounts" in raw:
        raw["accounts"] = {name: piece.table() for name, piece in raw["accounts"].items()}
    return raw


USUAL = [
    GATEWAYS + '[accounts.a]\ngateway = "tb"\n# b is next\n[accounts.b]\ngateway = "tb"\n',
    GATEWAYS + '[accounts.a]\ngateway = "tb"\n[accounts.a.counter]\ntopics = ["t"]\n[accounts.b]\n',
    '[accounts."a b"]  # first\nx = 1\n[accounts.\'c.d\']\nx = """\nl\n"""\n[accounts.e]\n',
    "[accounts.a]\nx = [\n['b'],\n['c']]\n",
    'title = "x"\r\n[accounts.a]\r\ngateway = "tb"\r\n[accounts.b]\r\n  gateway = "tb"\r\n',
]


@pytest.mark.parametrize("text", USUAL)
def test_the_usual_ways_to_write_accounts_are_cut(text: str) -> None:
    """Gateways, then one table an account, sub-tables below it."""
    assert together(text) == tomllib.loads(text)


def test_each_account_is_a_piece_of_its_own() -> None:
    """With everything below its header, so that a change shows in its piece only."""
    pieces = cut(USUAL[1])["accounts"]
    assert pieces == {
        "a": Piece("a", '[accounts.a]\ngateway = "tb"\n[accounts.a.counter]\ntopics = ["t"]\n'),
        "b": Piece("b", "[accounts.b]\n"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[accounts]\n",
        GATEWAYS,
        "[accounts]\n[accounts.a]\n",
        "[accounts]\na = { x = 1 }\nb = { x = 2 }\n",
        "[accounts.a]\n" + GATEWAYS,
        "[accounts.a]\n [accounts.b]\n",
        "[accounts.a]\nx = 1\n[accounts.a]\ny = 2\n",
        "[accounts.a]\n[accounts.b]\n[accounts.a.counter]\n",
        "[accounts]\na.x = 1\na.y = 2\n",
        "[accounts]\na = { x = 1 }\nb.x = 2\n",
        "accounts = { a = { x = 1 } }\n[accounts.b]\n",
        "[accounts]\n[accounts]\n",
        "[accounts]\na = { x = 1 }\n[accounts.a]\n",
        "[ accounts . a ]\nx = 1\n",
        "[[accounts]]\nx = 1\n",
        '[accounts."\\u0061"]\nx = 1\n',
        '[gateways.a]\nx = """\n[accounts.b]\n"""\n',
        '[gateways.a]\nx = """\n[accounts.b]\n[gateways.c]\n"""\n',
        "[gateways.a]\nx = [\n[accounts.b]\n['c']\n]\n",
        "[accounts.a]\nx = '''\n[accounts.b]\n'''\n",
        "[accounts]\na = { x = '''\nb = 1\n''' }\n",
        "[accounts.a] x = 1\n",
        "[accounts.a]\nx = \n",
        "[accounts.a.b]\n",
        "x = " + "[" * 5000,
    ],
)
def test_whatever_else_is_left_to_be_read_as_a_whole(text: str) -> None:
    """Be it faulty, or right and written in a way of its own."""
    with pytest.raises(Uncut):
        together(text)


LINES = st.sampled_from(
    [
        "[accounts]",
        "[accounts.a]",
        " [accounts.b]",
        "[accounts.a.c]",
        '[accounts."b"]',
        "[gateways.g]",
        "[[accounts]]",
        "a = { x = 1 }",
        "b = 1",
        "a.x = 2",
        "x = [",
        "['y'],",
        "]",
        'x = """',
        '"""',
        "z = '''",
        "'''",
        "# remark",
        "",
    ]
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(LINES, max_size=9).map("\n".join))
def test_pieces_never_say_what_the_file_does_not(text: str) -> None:
    """However headers, keys, texts and lists of several lines are mixed: the same, in the same order, or nothing."""
    try:
        found = together(text)
    except Uncut:
        return
    whole = tomllib.loads(text)
    assert found == whole
    assert list(found.get("accounts", {})) == list(whole.get("accounts", {}))  # type: ignore[call-overload]
