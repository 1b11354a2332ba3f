"""What vendors' own clients sign, and with what: constants that a client of ours and the sandbox are each held against."""

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
T5 = {**T2, "group_name": ""}
"""With a value that is empty, which some clients leave out."""

T5_SKIPPED = {
    "md5": "6A04028D2CF19C91ACF76C01EBA267C8",
    "hmac": "530ABB15B0BEFD480934B15AA544D665",
    "hmac-sha256": "A76FA5F4090C873FFAB247E8EA26914E3FDA6EE68AF015C72F290457B47BCB42",
}
TAOBAO = {
    "T1": (
        T1,
        {
            "md5": "66987CB115214E59E6EC978214934FB8",
            "hmac": "D56D7858309C31B6251083A874D48273",
            "hmac-sha256": "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8",
        },
    ),
    "T2": (
        T2,
        {
            "md5": "4DAFC80500EF49A441766B8AD93FFFBE",
            "hmac": "32BBE3378B5FDA630C6F961D419E7DCF",
            "hmac-sha256": "40FFADC933404CC78DC5F3B6E326FFA0905FB87FA7DB380295CFB7CD076B04F6",
        },
    ),
    "T3": (
        T3,
        {
            "md5": "C86FBF100B9AB43B0AD30FB63F6BCE5B",
            "hmac": "4D86E691E10F01DB456D2EFEA674A1B8",
            "hmac-sha256": "475F289C739B3551667B43D067E6BEA33847347D0C04E62757C8B1E6011BB371",
        },
    ),
    "T4": (
        T4,
        {
            "md5": "8964773D7001C7EC561FB9DDF1BA8E6D",
            "hmac": "B5BEEB043C7995183B963ABD53378407",
            "hmac-sha256": "1A62851C09A6FA1D7DBB3669AA5E2505639EE526E4FAE86E7D0224D5990DCB7A",
        },
    ),
}
"""Parameters and their signature by each method."""

QIANMI = {"appKey": "10000001", "v": "1.1", "format": "json", "timestamp": "2016-01-01 12:00:00"}
Q1 = {"method": "qianmi.qmcs.messages.consume", "quantity": "50"}
Q2 = {
    "method": "qianmi.qmcs.messages.confirm",
    "access_token": "test-token",
    "s_message_ids": "MU20150428094534689,MU20150428094534690",
}
Q1_SIGNED = "CBFDA3F68EC0F16335FAF96274E1A2261B024E00"
QIANMIS = {
    "Q1": (Q1, Q1_SIGNED),
    "Q2": (Q2, "DB76EA5576D8E0295ED1F91F5457ED83C8CDF07D"),
    "Q4": ({**Q1, "group_name": ""}, Q1_SIGNED),
    "uploads": ({**Q1, "file": "x", "image": "y", "logo": "z"}, Q1_SIGNED),
}
"""Parameters and their signature; empty values and uploads take no part."""
