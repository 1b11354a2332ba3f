"""Orders: the topics `taobao_trade_...`, from Taobao itself and through vv-tool.

Members as open.taobao.com/tmc.htm lists them (docType 9). `tid` is the order, `oid` one line of it. `buyer_nick` is
masked in newer topics; `buyer_open_uid` is the stable key of a buyer.
"""

from handlers.base import Event, Int, OptionalInt, OptionalMoment, OptionalMoney, OptionalPersonal, Personal


class _Buyer(Event):
    """Whose order it is."""

    tid: Int
    buyer_nick: OptionalPersonal = None
    buyer_open_uid: OptionalPersonal = None


class _Payment(_Buyer):
    """What nearly every order event tells, as loosely as the loosest of them."""

    oid: OptionalInt = None
    payment: OptionalMoney = None
    seller_nick: str | None = None
    type: str | None = None


class _Trade(_Payment):
    """With the order's status, e.g. WAIT_SELLER_SEND_GOODS."""

    status: str | None = None


class _Full(_Trade):
    """What most order events always tell."""

    buyer_nick: Personal
    oid: Int
    seller_nick: str
    type: str


class TradeCreate(_Full):
    """An order was made. `iid`, `post_fee` and `end_time` are undocumented and come through vv-tool."""

    topic = "taobao_trade_TradeCreate"

    iid: OptionalInt = None
    post_fee: OptionalMoney = None
    end_time: OptionalMoment = None


class TradeModifyFee(_Trade):
    """The price of an order was changed before it was paid."""

    topic = "taobao_trade_TradeModifyFee"

    seller_nick: str
    refund_id: OptionalInt = None


class TradeCloseAndModifyDetailOrder(_Trade):
    """A line of an order was closed, which changes the others."""

    topic = "taobao_trade_TradeCloseAndModifyDetailOrder"

    buyer_nick: Personal
    refund_fee: OptionalMoney = None
    refund_id: OptionalInt = None


class TradeClose(_Trade):
    """An order was closed. The page lists `num_iid` as always there; an order closed without it is let through."""

    topic = "taobao_trade_TradeClose"

    buyer_nick: Personal
    seller_nick: str
    type: str
    changed_fields: str | None = None
    increment: OptionalInt = None
    num: OptionalInt = None
    num_iid: OptionalInt = None
    price: OptionalMoney = None
    sku_id: OptionalInt = None
    sku_num: OptionalInt = None
    title: str | None = None


class TradeBuyerPay(_Payment):
    """The buyer paid. The page lists `fenxiao_id` as always there; an order that no distributor sold is let through."""

    topic = "taobao_trade_TradeBuyerPay"

    buyer_nick: Personal
    oid: Int
    seller_nick: str
    type: str
    adjust_fee: OptionalMoney = None
    alipay_no: OptionalPersonal = None
    distributor_payment: OptionalMoney = None
    distributor_username: OptionalPersonal = None
    fenxiao_id: OptionalInt = None
    logistics_id: str | None = None
    post_fee: OptionalMoney = None
    shipping: OptionalInt = None
    sub_order_id: OptionalInt = None
    supplier_username: OptionalPersonal = None
    trade_type: str | None = None


class TradeSellerShip(_Trade):
    """The seller shipped."""

    topic = "taobao_trade_TradeSellerShip"

    buyer_nick: Personal
    seller_nick: str
    type: str
    distributor_username: OptionalPersonal = None
    refund_fee: OptionalMoney = None
    sub_order_id: OptionalInt = None
    supplier_username: OptionalPersonal = None
    tc_order_id: OptionalInt = None


class TradeDelayConfirmPay(_Full):
    """The buyer got more time to confirm."""

    topic = "taobao_trade_TradeDelayConfirmPay"


class TradePartlyRefund(_Full):
    """A part of an order was refunded."""

    topic = "taobao_trade_TradePartlyRefund"

    content: OptionalPersonal = None
    subject: OptionalPersonal = None


class TradePartlyConfirmPay(_Full):
    """A line of an order was confirmed."""

    topic = "taobao_trade_TradePartlyConfirmPay"

    bill_type: str | None = None
    modified: OptionalMoment = None
    refund_id: OptionalInt = None
    refund_phase: str | None = None


class TradeSuccess(_Full):
    """An order is done: received and confirmed."""

    topic = "taobao_trade_TradeSuccess"


class TradeTimeoutRemind(_Trade):
    """An order is about to time out."""

    topic = "taobao_trade_TradeTimeoutRemind"

    buyer_nick: Personal
    oid: Int
    seller_nick: str


class TradeRated(_Full):
    """An order was rated by `rater`."""

    topic = "taobao_trade_TradeRated"

    rater: str | None = None


class TradeMemoModified(_Full):
    """A memo was changed; `action_type` is buyer, seller or other."""

    topic = "taobao_trade_TradeMemoModified"

    action_type: str
    seller_flag: OptionalInt = None
    seller_memo: OptionalPersonal = None


class TradeLogisticsAddressChanged(_Buyer):
    """The buyer changed where an order goes to."""

    topic = "taobao_trade_TradeLogisticsAddressChanged"

    buyer_nick: Personal


class TradeChanged(_Full):
    """Something about an order changed."""

    topic = "taobao_trade_TradeChanged"


class TradePartlySellerShip(_Full):
    """The seller shipped a part of an order."""

    topic = "taobao_trade_TradePartlySellerShip"


class TradeBuyerStepPay(_Payment):
    """The buyer paid one step of an order that is paid in steps."""

    topic = "taobao_trade_TradeBuyerStepPay"

    buyer_nick: Personal
    seller_nick: str
    type: str
