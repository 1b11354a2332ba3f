"""Orders: the topics `taobao_trade_...`, from Taobao itself and through vv-tool.

Members as open.taobao.com/tmc.htm lists them (docType 9). `tid` is the order and always there, `oid` one line of it.
`buyer_nick` is masked in newer topics or left out; `buyer_open_uid` is the stable key of a buyer.
"""

from handlers.base import Event, Int, OptionalInt, OptionalMoment, OptionalMoney, OptionalPersonal, OptionalText


class _Buyer(Event):
    """Whose order it is."""

    tid: Int
    buyer_nick: OptionalPersonal = None
    buyer_open_uid: OptionalPersonal = None


class _Payment(_Buyer):
    """What nearly every order event may tell."""

    oid: OptionalInt = None
    payment: OptionalMoney = None
    seller_nick: OptionalText = None
    type: OptionalText = None


class _Trade(_Payment):
    """With the order's status, e.g. WAIT_SELLER_SEND_GOODS."""

    status: OptionalText = None


class TradeCreate(_Trade):
    """An order was made. `iid`, `post_fee` and `end_time` are undocumented and come through vv-tool."""

    topic = "taobao_trade_TradeCreate"

    iid: OptionalInt = None
    post_fee: OptionalMoney = None
    end_time: OptionalMoment = None


class TradeAlipayCreate(_Trade):
    """The payment of an order was opened at Alipay, which comes right after TradeCreate."""

    topic = "taobao_trade_TradeAlipayCreate"


class TradeModifyFee(_Trade):
    """The price of an order was changed before it was paid."""

    topic = "taobao_trade_TradeModifyFee"

    refund_id: OptionalInt = None


class TradeCloseAndModifyDetailOrder(_Trade):
    """A line of an order was closed, which changes the others."""

    topic = "taobao_trade_TradeCloseAndModifyDetailOrder"

    refund_fee: OptionalMoney = None
    refund_id: OptionalInt = None


class TradeClose(_Trade):
    """An order was closed."""

    topic = "taobao_trade_TradeClose"

    changed_fields: OptionalText = None
    increment: OptionalInt = None
    num: OptionalInt = None
    num_iid: OptionalInt = None
    price: OptionalMoney = None
    sku_id: OptionalInt = None
    sku_num: OptionalInt = None
    title: OptionalText = None


class TradeBuyerPay(_Payment):
    """The buyer paid. `fenxiao_id` and `distributor_…` come with orders that a distributor sold."""

    topic = "taobao_trade_TradeBuyerPay"

    adjust_fee: OptionalMoney = None
    alipay_no: OptionalPersonal = None
    distributor_payment: OptionalMoney = None
    distributor_username: OptionalPersonal = None
    fenxiao_id: OptionalInt = None
    logistics_id: OptionalText = None
    post_fee: OptionalMoney = None
    shipping: OptionalInt = None
    sub_order_id: OptionalInt = None
    supplier_username: OptionalPersonal = None
    trade_type: OptionalText = None


class TradeSellerShip(_Trade):
    """The seller shipped."""

    topic = "taobao_trade_TradeSellerShip"

    distributor_username: OptionalPersonal = None
    refund_fee: OptionalMoney = None
    sub_order_id: OptionalInt = None
    supplier_username: OptionalPersonal = None
    tc_order_id: OptionalInt = None


class TradeDelayConfirmPay(_Trade):
    """The buyer got more time to confirm."""

    topic = "taobao_trade_TradeDelayConfirmPay"


class TradePartlyRefund(_Trade):
    """A part of an order was refunded."""

    topic = "taobao_trade_TradePartlyRefund"

    content: OptionalPersonal = None
    subject: OptionalPersonal = None


class TradePartlyConfirmPay(_Trade):
    """A line of an order was confirmed."""

    topic = "taobao_trade_TradePartlyConfirmPay"

    bill_type: OptionalText = None
    modified: OptionalMoment = None
    refund_id: OptionalInt = None
    refund_phase: OptionalText = None


class TradeSuccess(_Trade):
    """An order is done: received and confirmed."""

    topic = "taobao_trade_TradeSuccess"


class TradeTimeoutRemind(_Trade):
    """An order is about to time out."""

    topic = "taobao_trade_TradeTimeoutRemind"


class TradeRated(_Trade):
    """An order was rated by `rater`."""

    topic = "taobao_trade_TradeRated"

    rater: OptionalText = None


class TradeMemoModified(_Trade):
    """A memo was changed; `action_type` is buyer, seller or other, where it is told."""

    topic = "taobao_trade_TradeMemoModified"

    action_type: OptionalText = None
    seller_flag: OptionalInt = None
    seller_memo: OptionalPersonal = None


class TradeLogisticsAddressChanged(_Buyer):
    """The buyer changed where an order goes to."""

    topic = "taobao_trade_TradeLogisticsAddressChanged"


class TradeChanged(_Trade):
    """Something about an order changed."""

    topic = "taobao_trade_TradeChanged"


class TradePartlySellerShip(_Trade):
    """The seller shipped a part of an order."""

    topic = "taobao_trade_TradePartlySellerShip"


class TradeBuyerStepPay(_Payment):
    """The buyer paid one step of an order that is paid in steps."""

    topic = "taobao_trade_TradeBuyerStepPay"
