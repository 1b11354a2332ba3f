"""A valid content for every topic that has a model, to try out handlers with. Everybody in it is invented."""

from typing import Any

from handlers.topics import MODELS

NUMBERED = frozenset(
    {"tid", "oid", "refund_id", "num_iid", "iid", "sku_id", "fenxiao_id", "sub_order_id", "tc_order_id", "out_sid"}
)
"""Members that are another trade's, item's or refund's in the next sample. They are numbers, or text of digits."""

VALUES: dict[str, Any] = {
    "action": "SIGNED",
    "action_type": "seller",
    "adjust_fee": "0.00",
    "alipay_no": "2026112622001400000000000001",
    "bill_type": "refund_bill",
    "buyer_nick": "s**",
    "buyer_open_uid": "AAEsampleBuyer0000000001",
    "changed_fields": "price,num",
    "company_name": "样品快递",
    "content": "样品通知",
    "desc": "【样品市】包裹已签收",
    "distributor_payment": "40.00",
    "distributor_username": "sample distributor",
    "end_time": 1764086400000,
    "fenxiao_id": 10_000_000_000_000,
    "iid": 67_521_000_000,
    "increment": -1,
    "logistics_id": "LP00000000000001",
    "modified": "2026-11-26 00:00:00",
    "nick": "sample seller",
    "num": 99,
    "num_iid": 67_521_000_000,
    "oid": 2_900_000_000_000_000_001,
    "out_sid": "70000000000000",
    "payment": "48.00",
    "post_fee": "0.00",
    "price": "48.00",
    "rater": "buyer",
    "recharge_state": "1",
    "refund_fee": "48.00",
    "refund_id": 200_000_000_000_000_001,
    "refund_phase": "onsale",
    "seller_flag": 1,
    "seller_memo": "样品备注",
    "seller_nick": "sample seller",
    "shipping": 2,
    "sku_id": 4_800_000_000_001,
    "sku_num": 9,
    "status": "WAIT_SELLER_SEND_GOODS",
    "sub_order_id": 10_000_000_000_001,
    "subject": "样品通知",
    "supplier_username": "sample supplier",
    "tc_order_id": 2_900_000_000_000_000_001,
    "tid": 2_900_000_000_000_000_001,
    "time": "2026-11-26 00:00:00",
    "title": "样品 sample item",
    "trade_type": "AGENT",
    "type": "guarantee_trade",
}
"""What a member is in every sample, as the wire has it; numbers have as many digits as real ones."""

STATUS = {
    "taobao_trade_TradeCreate": "WAIT_BUYER_PAY",
    "taobao_trade_TradeAlipayCreate": "WAIT_BUYER_PAY",
    "taobao_trade_TradeModifyFee": "WAIT_BUYER_PAY",
    "taobao_trade_TradeCloseAndModifyDetailOrder": "TRADE_CLOSED_BY_TAOBAO",
    "taobao_trade_TradeClose": "TRADE_CLOSED",
    "taobao_trade_TradeSellerShip": "WAIT_BUYER_CONFIRM_GOODS",
    "taobao_trade_TradePartlySellerShip": "SELLER_CONSIGNED_PART",
    "taobao_trade_TradeDelayConfirmPay": "WAIT_BUYER_CONFIRM_GOODS",
    "taobao_trade_TradeTimeoutRemind": "WAIT_BUYER_CONFIRM_GOODS",
    "taobao_trade_TradeSuccess": "TRADE_FINISHED",
    "taobao_trade_TradePartlyConfirmPay": "TRADE_FINISHED",
    "taobao_trade_TradeRated": "TRADE_FINISHED",
}
"""Where an order stands after these events."""

ITEM_STATUS = "onsale"


def sample(topic: str, number: int = 0) -> dict[str, Any]:
    """A content of the topic with every member of its model, as an object of JSON.

    Another `number` is about another trade, item and refund. Raises KeyError for a topic that has no model.
    """
    return {name: _value(topic, name, number) for name in MODELS[topic].model_fields}


def _value(topic: str, name: str, number: int) -> Any:
    value = VALUES[name]
    if name == "status":
        return STATUS.get(topic, value) if topic.startswith("taobao_trade_") else ITEM_STATUS
    if name not in NUMBERED:
        return value
    following = int(value) + number
    return following if isinstance(value, int) and topic.startswith("taobao_") else str(following)
