"""The sandbox's own signature check, against the vectors that other implementations agree on."""

import pytest

from tasks.sandbox.platforms.signatures import Empties, matches, qianmi_sign, top_sign, top_signs
from tests.unit.signatures import QIANMI, QIANMIS, SECRET, T5, T5_SKIPPED, TAOBAO, TOP

T5_KEPT = {
    "md5": "F71C1DD5975EF30D4F3289EC6357A4A2",
    "hmac": "B72D603EFF39D6000818D714109C3853",
    "hmac-sha256": "A2188999F74C661280AEE053174617AC058732BA576FDFA67FDE85E64A7975C1",
}


@pytest.mark.parametrize(("params", "signatures"), TAOBAO.values(), ids=TAOBAO)
def test_taobao_vectors(params: dict[str, str], signatures: dict[str, str]) -> None:
    """Each sign method gives what the SDKs give."""
    for sign_method, sign in signatures.items():
        assert top_sign(SECRET, {**TOP, **params, "sign_method": sign_method, "sign": "left out"}) == sign


@pytest.mark.parametrize(
    ("empties", "passes"),
    [("either", {"skipped", "kept"}), ("skipped", {"skipped"}), ("kept", {"kept"})],
)
@pytest.mark.parametrize("sign_method", ["md5", "hmac", "hmac-sha256"])
def test_empty_values_take_part_or_not(empties: Empties, passes: set[str], sign_method: str) -> None:
    """T5: SDKs differ, so both pass by default, and a switch takes only one."""
    expected = top_signs(SECRET, {**TOP, **T5, "sign_method": sign_method}, empties)
    assert matches(T5_SKIPPED[sign_method], expected) == ("skipped" in passes)
    assert matches(T5_KEPT[sign_method], expected) == ("kept" in passes)


@pytest.mark.parametrize(("params", "sign"), QIANMIS.values(), ids=QIANMIS)
def test_qianmi_vectors(params: dict[str, str], sign: str) -> None:
    """The vendor's own signer gives the same."""
    assert qianmi_sign(SECRET, {**QIANMI, **params, "sign": "left out"}) == sign


def test_lower_case_passes_only_when_switched_on() -> None:
    """Official signers send upper case."""
    sign = qianmi_sign(SECRET, QIANMI)
    assert matches(sign, [sign])
    assert not matches(sign.lower(), [sign])
    assert matches(sign.lower(), [sign], any_case=True)


def test_an_unknown_sign_method_has_no_signature() -> None:
    """Nothing that a client sends can match then."""
    assert top_signs(SECRET, {**TOP, "sign_method": "sha1"}, "either") == []
    assert top_signs(SECRET, TOP, "either") == []


def test_a_signature_that_is_not_ascii_is_only_wrong() -> None:
    """Comparing it raises nothing."""
    assert not matches("签名", ["ABC"])
