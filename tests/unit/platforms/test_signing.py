"""Signatures against constant vectors, which the vendors' own clients produced for invented keys."""

from typing import Any

import pytest

from tasks.platforms.signing import SignMethod, qianmi_sign, top_sign
from tests.unit.signatures import Q1, Q2, QIANMI, QIANMIS, SECRET, T1, T5, T5_SKIPPED, TAOBAO, TOP

SIGNED = {**TAOBAO, "T5": (T5, T5_SKIPPED)}


@pytest.mark.parametrize("method", ["md5", "hmac", "hmac-sha256"])
@pytest.mark.parametrize(("parameters", "signatures"), SIGNED.values(), ids=SIGNED)
def test_taobao_signs_as_its_own_clients_do(
    parameters: dict[str, str], signatures: dict[str, str], method: SignMethod
) -> None:
    assert top_sign({**TOP, "sign_method": method, **parameters}, SECRET, method) == signatures[method]


@pytest.mark.parametrize(("parameters", "expected"), QIANMIS.values(), ids=QIANMIS)
def test_qianmi_signs_as_its_own_client_does(parameters: dict[str, str], expected: str) -> None:
    assert qianmi_sign({**QIANMI, **parameters}, SECRET) == expected


def test_order_of_parameters_does_not_matter() -> None:
    forwards = {**QIANMI, **Q2}
    assert qianmi_sign(dict(reversed(forwards.items())), SECRET) == qianmi_sign(forwards, SECRET)


@pytest.mark.parametrize("extra", [{"sign": "ABC"}, {"group_name": ""}], ids=["sign", "empty value"])
def test_a_signature_covers_neither_itself_nor_empty_values(extra: dict[str, str]) -> None:
    top: dict[str, Any] = {**TOP, **T1, "sign_method": "md5"}
    assert top_sign({**top, **extra}, SECRET, "md5") == top_sign(top, SECRET, "md5")
    assert qianmi_sign({**QIANMI, **Q1, **extra}, SECRET) == qianmi_sign({**QIANMI, **Q1}, SECRET)


def test_capitals_sort_before_small_letters() -> None:
    """`appKey` before `app_key`: by code unit, not as a dictionary would."""
    assert qianmi_sign({"app_key": "2", "appKey": "1"}, "") == qianmi_sign({"appKey": "1app_key2"}, "")
