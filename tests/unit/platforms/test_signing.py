"""Signatures against constant vectors, which the vendors' own clients produced for invented keys."""

from typing import Any

import pytest

from tasks.platforms.signing import SignMethod, qianmi_sign, top_sign

SECRET = "helloworld"

TOP = {"app_key": "12345678", "timestamp": "2016-01-01 12:00:00", "format": "json", "v": "2.0"}
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
T5_SKIP = {**T2, "group_name": ""}

QIANMI = {"appKey": "10000001", "v": "1.1", "format": "json", "timestamp": "2016-01-01 12:00:00"}
Q1 = {"method": "qianmi.qmcs.messages.consume", "quantity": "50"}
Q2 = {
    "method": "qianmi.qmcs.messages.confirm",
    "access_token": "test-token",
    "s_message_ids": "MU20150428094534689,MU20150428094534690",
}


@pytest.mark.parametrize(
    ("parameters", "method", "expected"),
    [
        pytest.param(T1, "md5", "66987CB115214E59E6EC978214934FB8", id="T1-md5"),
        pytest.param(T1, "hmac", "D56D7858309C31B6251083A874D48273", id="T1-hmac"),
        pytest.param(
            T1, "hmac-sha256", "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8", id="T1-sha256"
        ),
        pytest.param(T2, "md5", "4DAFC80500EF49A441766B8AD93FFFBE", id="T2-md5"),
        pytest.param(T2, "hmac", "32BBE3378B5FDA630C6F961D419E7DCF", id="T2-hmac"),
        pytest.param(
            T2, "hmac-sha256", "40FFADC933404CC78DC5F3B6E326FFA0905FB87FA7DB380295CFB7CD076B04F6", id="T2-sha256"
        ),
        pytest.param(T3, "md5", "C86FBF100B9AB43B0AD30FB63F6BCE5B", id="T3-md5"),
        pytest.param(T3, "hmac", "4D86E691E10F01DB456D2EFEA674A1B8", id="T3-hmac"),
        pytest.param(
            T3, "hmac-sha256", "475F289C739B3551667B43D067E6BEA33847347D0C04E62757C8B1E6011BB371", id="T3-sha256"
        ),
        pytest.param(T4, "md5", "8964773D7001C7EC561FB9DDF1BA8E6D", id="T4-md5"),
        pytest.param(T4, "hmac", "B5BEEB043C7995183B963ABD53378407", id="T4-hmac"),
        pytest.param(
            T4, "hmac-sha256", "1A62851C09A6FA1D7DBB3669AA5E2505639EE526E4FAE86E7D0224D5990DCB7A", id="T4-sha256"
        ),
        pytest.param(T5_SKIP, "md5", "6A04028D2CF19C91ACF76C01EBA267C8", id="T5-md5"),
        pytest.param(T5_SKIP, "hmac", "530ABB15B0BEFD480934B15AA544D665", id="T5-hmac"),
        pytest.param(
            T5_SKIP, "hmac-sha256", "A76FA5F4090C873FFAB247E8EA26914E3FDA6EE68AF015C72F290457B47BCB42", id="T5-sha256"
        ),
    ],
)
def test_taobao_signs_as_its_own_clients_do(parameters: dict[str, str], method: SignMethod, expected: str) -> None:
    assert top_sign({**TOP, "sign_method": method, **parameters}, SECRET, method) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param(Q1, "CBFDA3F68EC0F16335FAF96274E1A2261B024E00", id="Q1"),
        pytest.param(Q2, "DB76EA5576D8E0295ED1F91F5457ED83C8CDF07D", id="Q2"),
        pytest.param({**Q1, "group_name": ""}, "CBFDA3F68EC0F16335FAF96274E1A2261B024E00", id="Q4"),
    ],
)
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


def test_qianmi_leaves_uploads_out() -> None:
    plain = {**QIANMI, **Q1}
    assert qianmi_sign({**plain, "file": "x", "image": "y", "logo": "z"}, SECRET) == qianmi_sign(plain, SECRET)


def test_capitals_sort_before_small_letters() -> None:
    """`appKey` before `app_key`: by code unit, not as a dictionary would."""
    assert qianmi_sign({"app_key": "2", "appKey": "1"}, "") == qianmi_sign({"appKey": "1app_key2"}, "")
