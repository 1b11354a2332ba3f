"""Items and their stock: the topics `taobao_item_...`, from Taobao itself and through vv-tool.

Members as open.taobao.com/tmc.htm lists them (docType 9). `num_iid` is the item, `nick` the seller's.
"""

from handlers.base import Event, Int, OptionalInt, OptionalMoney


class _Item(Event):
    """What every item event tells."""

    nick: str
    num_iid: Int
    price: OptionalMoney = None
    sku_id: OptionalInt = None
    sku_num: OptionalInt = None
    status: str | None = None


class _Stock(_Item):
    """With how many there are."""

    num: OptionalInt = None


class _Change(_Stock):
    """With what changed and by how much."""

    changed_fields: str | None = None
    increment: OptionalInt = None


class ItemAdd(_Stock):
    """An item is new."""

    topic = "taobao_item_ItemAdd"

    title: str | None = None


class ItemUpshelf(_Item):
    """An item went on sale."""

    topic = "taobao_item_ItemUpshelf"


class ItemDownshelf(_Item):
    """An item went off sale."""

    topic = "taobao_item_ItemDownshelf"


class ItemDelete(_Item):
    """An item was deleted."""

    topic = "taobao_item_ItemDelete"


class ItemUpdate(_Change):
    """An item was edited."""

    topic = "taobao_item_ItemUpdate"

    title: str | None = None


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


class ItemStockChanged(_Change):
    """The stock of an item changed by `increment`."""

    topic = "taobao_item_ItemStockChanged"
