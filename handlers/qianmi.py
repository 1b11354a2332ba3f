"""Qianmi's events, as far as they are known: its pages show their members only to those who log in.

All but a recharge's `tid` is optional, and what is not listed is kept in `model_extra`.
"""

from handlers.base import Event, OptionalText, Text


class _Recharge(Event):
    """A recharge: of a phone, of utilities, of data and the like. Seen states: 1 done, 9 failed."""

    tid: Text
    recharge_state: OptionalText = None


class RechargeStateChange(_Recharge):
    """A recharge went on or ended."""

    topic = "qianmi_elife_rechargeStateChange"


class BmRechargeStateChange(_Recharge):
    """The same from the bm001 fork of the platform."""

    topic = "bm_elife_rechargeStateChange"


class TicketStateChange(Event):
    """The booking of a train, coach or air ticket went on or ended; its members are not documented."""

    topic = "qianmi_elife_ticketStateChange"

    tid: OptionalText = None


class ItemInfoChange(Event):
    """An item was edited; its members are not documented."""

    topic = "qianmi_item_itemInfoChange"


class ItemDownShelf(Event):
    """An item went off sale; its members are not documented."""

    topic = "qianmi_item_itemDownShelf"
