"""Refunds: the topics `taobao_refund_...`, from Taobao itself and through vv-tool.

Members as open.taobao.com/tmc.htm lists them (docType 9). `bill_type` is refund_bill, return_bill or replace_bill;
`refund_phase` is onsale or aftersale.
"""

from handlers.base import Event, Int, Money, OptionalInt, OptionalMoment, OptionalMoney, OptionalPersonal, Personal


class _Refund(Event):
    """What every refund event may tell."""

    tid: OptionalInt = None
    oid: OptionalInt = None
    refund_id: OptionalInt = None
    refund_fee: OptionalMoney = None
    bill_type: str | None = None
    refund_phase: str | None = None
    modified: OptionalMoment = None
    seller_nick: str | None = None
    buyer_nick: OptionalPersonal = None
    buyer_open_uid: OptionalPersonal = None


class _Full(_Refund):
    """What all but the interventions always tell."""

    tid: Int
    refund_id: Int
    refund_fee: Money
    seller_nick: str
    buyer_nick: Personal


class _Phased(_Full):
    """With what kind of refund it is, and when in the order's life."""

    bill_type: str
    refund_phase: str


class RefundCreated(_Full):
    """A buyer asked for a refund."""

    topic = "taobao_refund_RefundCreated"


class RefundSellerAgreeAgreement(_Phased):
    """The seller agreed."""

    topic = "taobao_refund_RefundSellerAgreeAgreement"


class RefundSellerRefuseAgreement(_Phased):
    """The seller refused."""

    topic = "taobao_refund_RefundSellerRefuseAgreement"


class RefundBuyerModifyAgreement(_Phased):
    """The buyer changed what is asked for."""

    topic = "taobao_refund_RefundBuyerModifyAgreement"


class RefundBuyerReturnGoods(_Phased):
    """The buyer sent the goods back."""

    topic = "taobao_refund_RefundBuyerReturnGoods"


class RefundCreateMessage(_Phased):
    """One side left the other a message."""

    topic = "taobao_refund_RefundCreateMessage"


class RefundClosed(_Phased):
    """The refund was closed without one."""

    topic = "taobao_refund_RefundClosed"


class RefundSuccess(_Full):
    """The money went back. `refund_id` is its key."""

    topic = "taobao_refund_RefundSuccess"


class TaobaoInterApplied(_Refund):
    """Taobao's customer service was called; its members are not documented."""

    topic = "taobao_refund_TaobaoInterApplied"


class TaobaoIntervened(_Refund):
    """Taobao's customer service stepped in; its members are not documented."""

    topic = "taobao_refund_TaobaoIntervened"
