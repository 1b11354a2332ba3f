"""What is said of an accounts file that a person wrote with a slip of the keyboard."""

from pathlib import Path

import pytest

from tasks.accounts import AccountsError, load

GATEWAY = '[gateways.tb]\nplatform = "taobao"\napp_key = "1"\napp_secret = "s"\n'
QUOTES = "a name of other characters than A-Z, a-z, 0-9, _ and - stands in quotes, as "


def said(folder: Path, text: str) -> str:
    file = folder / "accounts.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(AccountsError) as raised:
        load(str(file))
    return str(raised.value)


@pytest.mark.parametrize(
    ("header", "written"),
    [
        ("[accounts.小店]", '[accounts."小店"]'),
        ("[accounts.小店.counter]", '[accounts."小店"]'),
        ("[accounts.my shop]", '[accounts."my shop"]'),
        ("  [gateways.主]\r", '[gateways."主"]'),
        ("[accounts.o'neil]", '[accounts."o\'neil"]'),
        ("[accounts.my.shop]", '[accounts."my.shop"]'),
        ("[accounts.www.shop.com]", '[accounts."www.shop.com"]'),
    ],
)
def test_a_name_that_has_to_stand_in_quotes_is_told_with_how_it_is_written(
    tmp_path: Path, header: str, written: str
) -> None:
    assert QUOTES + written in said(tmp_path, f'{GATEWAY}{header}\ngateway = "tb"\n')


def test_a_gateways_name_with_dots_too(tmp_path: Path) -> None:
    told = said(tmp_path, GATEWAY.replace("gateways.tb", "gateways.my.tb") + '[accounts.a]\ngateway = "tb"\n')
    assert QUOTES + '[gateways."my.tb"]' in told


@pytest.mark.parametrize(
    ("line", "char", "wanted"),
    [
        ("gateway = “tb”", "“", '"'),
        ('gateway ＝ "tb"', "＝", "="),
        ("poll = { min = 1，max = 2 }", "，", ","),
        ('\u3000gateway = "tb"', "\\u3000", "a space"),
    ],
)
def test_punctuation_of_an_input_method_is_told(tmp_path: Path, line: str, char: str, wanted: str) -> None:
    told = said(tmp_path, f"{GATEWAY}[accounts.a]\n{line}\n")
    assert told.endswith(f"; {char} stands where TOML wants {wanted}")


def test_a_table_that_stands_there_twice_is_told_as_that(tmp_path: Path) -> None:
    """Who copied an account and left its name was told to put it in quotes."""
    account = '[accounts.a]\ngateway = "tb"\n'
    told = said(tmp_path, GATEWAY + account + account)
    assert told.endswith("(at line 7, column 12); another table of this name stands above")
    told = said(tmp_path, f'accounts = {{ a = {{ gateway = "tb" }} }}\n{GATEWAY}{account}')
    assert "quotes" not in told


def test_other_slips_are_told_as_before(tmp_path: Path) -> None:
    assert said(tmp_path, f'{GATEWAY}[accounts.a]\ngateway "tb"\n').endswith("(at line 6, column 9)")
    assert said(tmp_path, f'{GATEWAY}[accounts.a]\nextra = {{ gateway = "tb" }}\n').endswith("a gateway: tb")
    assert said(tmp_path, f"{GATEWAY}[accounts.a").endswith("(at end of document)")
