"""Items and their stock: the topics `taobao_item_...`, from Taobao itself and through vv-tool.

Members as open.taobao.com/tmc.htm lists them (docType 9). `num_iid` is the item, `nick` the seller's; nothing but the
first is always there.
"""

from handlers.base import Event, Int, OptionalInt, OptionalMoney, OptionalText


class _Item(Event):
    """What every item event may tell."""

    num_iid: Int
    nick: OptionalText = None
    price: OptionalMoney = None
    sku_id: OptionalInt = None
    sku_num: OptionalInt = None
    status: OptionalText = None


class _Stock(_Item):
    """With how many there are."""

    num: OptionalInt = None


class _Change(_Stock):
    """With what changed and by how much."""

    changed_fields: OptionalText = None
    increment: OptionalInt = None


class ItemAdd(_Stock):
    """An item is new."""

    topic = "taobao_item_ItemAdd"

    title: OptionalText = None


class ItemUpshelf(_Item):
    """An item went on sale."""

    topic = "taobao_item_ItemUpshelf"


class ItemDownshelf(_Item):
    """An item went off sale. By its page `num_iid` is all that is sent of late."""

    topic = "taobao_item_ItemDownshelf"


class ItemDelete(_Item):
    """An item was deleted."""

    topic = "taobao_item_ItemDelete"


class ItemUpdate(_Change):
    """An item was edited."""

    topic = "taobao_item_ItemUpdate"

    title: OptionalText = None


class ItemRecommendAdd(_Stock):
    """An item was put into the shop's window (docId 133)."""

    topic = "taobao_item_ItemRecommendAdd"

    title: OptionalText = None


class ItemRecommendDelete(_Stock):
    """An item was taken out of the shop's window.

    Its page (docId 201) lists members of somebody's followers too, `follower_…` and `target_…`, which belong to another
    topic; should they come, they are in `model_extra`.
    """

    topic = "taobao_item_ItemRecommendDelete"

    increment: OptionalInt = None
    title: OptionalText = None


class ItemZeroStock(_Stock):
    """An item is sold out."""

    topic = "taobao_item_ItemZeroStock"


class ItemSkuZeroStock(_Stock):
    """One variant of an item is sold out."""

    topic = "taobao_item_ItemSkuZeroStock"


class ItemPunishDelete(_Item):
    """The platform deleted an item."""

    topic = "taobao_item_ItemPunishDelete"


class ItemPunishDownshelf(_Item):
    """The platform took an item off sale."""

    topic = "taobao_item_ItemPunishDownshelf"


class ItemPunishCc(_Item):
    """The platform's staff put an item to "CC", as its page (docId 137) calls it without saying more."""

    topic = "taobao_item_ItemPunishCc"


class ItemStockChanged(_Change):
    """The stock of an item changed by `increment`."""

    topic = "taobao_item_ItemStockChanged"
