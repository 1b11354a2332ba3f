"""The four tables of the first version."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column

from handlers.storing.tables import OPTIONS, Moment, Money, name, text

revision = "1"
down_revision = None


def common() -> tuple[Column[Any], ...]:
    return (
        Column("status", name(64)),
        Column("topic", name(255), nullable=False),
        Column("changed", Moment()),
        Column("platform", name(16), nullable=False),
        Column("account", name(255), nullable=False),
    )


def upgrade() -> None:
    op.create_table(
        "tidings_message",
        Column("platform", name(16), primary_key=True),
        Column("id", name(128), primary_key=True),
        Column("source", name(300), primary_key=True),
        Column("topic", name(255), nullable=False),
        Column("account", name(255), nullable=False),
        Column("user_id", text(), nullable=False),
        Column("user_nick", text(), nullable=False),
        Column("published", Moment()),
        Column("stored", Moment(), nullable=False),
        Column("content", text(), nullable=False),
        **OPTIONS,
    )
    op.create_index("tidings_message_published", "tidings_message", ["published"])
    op.create_table(
        "tidings_trade",
        Column("tid", BigInteger, primary_key=True, autoincrement=False),
        *common(),
        Column("type", text()),
        Column("payment", Money()),
        Column("post_fee", Money()),
        Column("adjust_fee", Money()),
        Column("shipping", BigInteger),
        Column("seller_nick", text()),
        Column("buyer_nick", text()),
        Column("buyer_open_uid", text()),
        Column("alipay_no", text()),
        Column("seller_memo", text()),
        Column("seller_flag", BigInteger),
        Column("trade_type", text()),
        Column("fenxiao_id", BigInteger),
        Column("distributor_username", text()),
        Column("distributor_payment", Money()),
        Column("supplier_username", text()),
        Column("end_time", Moment()),
        Column("stamps", text(), nullable=False),
        **OPTIONS,
    )
    op.create_table(
        "tidings_refund",
        Column("refund", name(100), primary_key=True),
        *common(),
        Column("refund_id", BigInteger),
        Column("tid", BigInteger),
        Column("oid", BigInteger),
        Column("refund_fee", Money()),
        Column("bill_type", text()),
        Column("refund_phase", text()),
        Column("modified", Moment()),
        Column("seller_nick", text()),
        Column("buyer_nick", text()),
        Column("buyer_open_uid", text()),
        Column("stamps", text(), nullable=False),
        **OPTIONS,
    )
    op.create_table(
        "tidings_item",
        Column("num_iid", BigInteger, primary_key=True, autoincrement=False),
        *common(),
        Column("nick", text()),
        Column("price", Money()),
        Column("num", BigInteger),
        Column("title", text()),
        Column("stamps", text(), nullable=False),
        **OPTIONS,
    )
