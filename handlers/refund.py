"""Refunds: the topics `taobao_refund_...`, from Taobao itself and through vv-tool.

Members as open.taobao.com/tmc.htm lists them (docType 9). `refund_id` is the refund, `tid` the order and `oid` the line of it
that money goes back for. `bill_type` is refund_bill, return_bill or replace_bill; `refund_phase` is onsale or aftersale.
"""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from handlers.base import Event, OptionalInt, OptionalMoment, OptionalMoney, OptionalPersonal, OptionalText


class _Refund(Event):
    """What every refund event may tell."""

    refund_id: OptionalInt = None
    tid: OptionalInt = None
    oid: OptionalInt = None
    refund_fee: OptionalMoney = None
    bill_type: OptionalText = None
    refund_phase: OptionalText = None
    modified: OptionalMoment = None
    seller_nick: OptionalText = None
    buyer_nick: OptionalPersonal = None
    buyer_open_uid: OptionalPersonal = None


class _Named(_Refund):
    """With `refund_id` or `tid` at least: a refund can be looked up by either."""

    @model_validator(mode="after")
    def _names_itself(self) -> Self:
        if self.refund_id is None and self.tid is None:
            raise PydanticCustomError("neither_refund_id_nor_tid", "refund_id or tid")
        return self


class RefundCreated(_Named):
    """A buyer asked for a refund."""

    topic = "taobao_refund_RefundCreated"


class RefundSellerAgreeAgreement(_Named):
    """The seller agreed."""

    topic = "taobao_refund_RefundSellerAgreeAgreement"


class RefundSellerRefuseAgreement(_Named):
    """The seller refused."""

    topic = "taobao_refund_RefundSellerRefuseAgreement"


class RefundBuyerModifyAgreement(_Named):
    """The buyer changed what is asked for."""

    topic = "taobao_refund_RefundBuyerModifyAgreement"


class RefundBuyerReturnGoods(_Named):
    """The buyer sent the goods back."""

    topic = "taobao_refund_RefundBuyerReturnGoods"


class RefundCreateMessage(_Named):
    """One side left the other a message."""

    topic = "taobao_refund_RefundCreateMessage"


class RefundClosed(_Named):
    """The refund was closed without one."""

    topic = "taobao_refund_RefundClosed"


class RefundSuccess(_Named):
    """The money went back."""

    topic = "taobao_refund_RefundSuccess"


class RefundBlockMessage(_Refund):
    """A message in a refund was hidden.

    The page lists `modified` alone and says that the message is no longer sent; the others are those of all refunds.
    """

    topic = "taobao_refund_RefundBlockMessage"


class RefundTimeoutRemind(_Refund):
    """A refund is about to time out.

    No page of this topic is public. It stands among the states of `NotifyRefund` in taobao.increment.refunds.get, whose
    members these are.
    """

    topic = "taobao_refund_RefundTimeoutRemind"


class TaobaoInterApplied(_Refund):
    """Taobao's customer service was called."""

    topic = "taobao_refund_TaobaoInterApplied"


class TaobaoIntervened(_Refund):
    """Taobao's customer service stepped in."""

    topic = "taobao_refund_TaobaoIntervened"
