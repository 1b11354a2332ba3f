"""The sandbox's own signature check, against the vectors that other implementations agree on."""

import pytest

from tasks.sandbox.platforms.signatures import Empties, matches, qianmi_sign, top_sign, top_signs

SECRET = "helloworld"
TOP = {"app_key": "12345678", "timestamp": "2016-01-01 12:00:00", "format": "json", "v": "2.0"}
QIANMI = {"appKey": "10000001", "v": "1.1", "format": "json", "timestamp": "2016-01-01 12:00:00"}

T1 = {
    "method": "taobao.item.seller.get",
    "session": "test",
    "fields": "num_iid,title,nick,price,num",
    "num_iid": "11223344",
}
T2 = {"method": "taobao.tmc.messages.consume", "group_name": "分组A", "quantity": "100"}
T3 = {"method": "taobao.tmc.messages.confirm", "s_message_ids": "7104300007405429232,7104300007405429233"}
T4 = {
    "method": "taobao.jindoucloud.messagecount.get",
    "session": "test",
    "fields": "topic,number,last_msg,user_id,sub_user_id,total",
    "need_detail": "true",
    "type": "4",
    "user_ids": "123:456",
}
T5 = {**T2, "group_name": ""}
T5_SKIPPED = {
    "md5": "6A04028D2CF19C91ACF76C01EBA267C8",
    "hmac": "530ABB15B0BEFD480934B15AA544D665",
    "hmac-sha256": "A76FA5F4090C873FFAB247E8EA26914E3FDA6EE68AF015C72F290457B47BCB42",
}
T5_KEPT = {
    "md5": "F71C1DD5975EF30D4F3289EC6357A4A2",
    "hmac": "B72D603EFF39D6000818D714109C3853",
    "hmac-sha256": "A2188999F74C661280AEE053174617AC058732BA576FDFA67FDE85E64A7975C1",
}


@pytest.mark.parametrize(
    ("params", "md5", "hmac", "hmac_sha256"),
    [
        (
            T1,
            "66987CB115214E59E6EC978214934FB8",
            "D56D7858309C31B6251083A874D48273",
            "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8",
        ),
        (
            T2,
            "4DAFC80500EF49A441766B8AD93FFFBE",
            "32BBE3378B5FDA630C6F961D419E7DCF",
            "40FFADC933404CC78DC5F3B6E326FFA0905FB87FA7DB380295CFB7CD076B04F6",
        ),
        (
            T3,
            "C86FBF100B9AB43B0AD30FB63F6BCE5B",
            "4D86E691E10F01DB456D2EFEA674A1B8",
            "475F289C739B3551667B43D067E6BEA33847347D0C04E62757C8B1E6011BB371",
        ),
        (
            T4,
            "8964773D7001C7EC561FB9DDF1BA8E6D",
            "B5BEEB043C7995183B963ABD53378407",
            "1A62851C09A6FA1D7DBB3669AA5E2505639EE526E4FAE86E7D0224D5990DCB7A",
        ),
    ],
    ids=["T1", "T2", "T3", "T4"],
)
def test_taobao_vectors(params: dict[str, str], md5: str, hmac: str, hmac_sha256: str) -> None:
    """Each sign method gives what the SDKs give."""
    for sign_method, sign in {"md5": md5, "hmac": hmac, "hmac-sha256": hmac_sha256}.items():
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


@pytest.mark.parametrize(
    ("params", "sign"),
    [
        ({"method": "qianmi.qmcs.messages.consume", "quantity": "50"}, "CBFDA3F68EC0F16335FAF96274E1A2261B024E00"),
        (
            {
                "method": "qianmi.qmcs.messages.confirm",
                "access_token": "test-token",
                "s_message_ids": "MU20150428094534689,MU20150428094534690",
            },
            "DB76EA5576D8E0295ED1F91F5457ED83C8CDF07D",
        ),
        (
            {"method": "qianmi.qmcs.messages.consume", "quantity": "50", "group_name": ""},
            "CBFDA3F68EC0F16335FAF96274E1A2261B024E00",
        ),
        (
            {"method": "qianmi.qmcs.messages.consume", "quantity": "50", "file": "x", "image": "y", "logo": "z"},
            "CBFDA3F68EC0F16335FAF96274E1A2261B024E00",
        ),
    ],
    ids=["Q1", "Q2", "Q4", "uploads"],
)
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
