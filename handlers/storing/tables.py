"""The tables as they are now. How they came to be is in `migrations`; a test compares."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Dialect, Index, MetaData, Numeric, String, Table, Text
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT
from sqlalchemy.types import TypeDecorator, TypeEngine

BINARY = "utf8mb4_nopad_bin"
"""MariaDB's rule that tells A from a, and "a" from "a "."""

VERSION_TABLE = "tidings_schema"

naming = {"ix": "%(table_name)s_%(column_0_name)s"}
metadata = MetaData(naming_convention=naming)


class Moment(TypeDecorator[datetime]):
    """An aware time: with its zone on PostgreSQL, elsewhere what clocks show in UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """MariaDB cuts fractions of a second unless it is told how many digits to keep."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Aware again."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Money(TypeDecorator[Decimal]):
    """Yuan, exact: text on SQLite, whose numbers are floats."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal]:
        """Four places, as prices of some goods have."""
        return dialect.type_descriptor(String(24) if dialect.name == "sqlite" else Numeric(18, 4))  # type: ignore[arg-type]

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | None:
        """As text for SQLite."""
        return str(value) if value is not None and dialect.name == "sqlite" else value  # type: ignore[return-value]

    def process_result_value(self, value: Decimal | None, _dialect: Dialect) -> Decimal | None:
        """A number again."""
        return None if value is None else Decimal(value)


def name(length: int) -> String:
    """Text that is looked up, letter by letter."""
    return String(length).with_variant(String(length, collation=BINARY), "mysql", "mariadb")


def text() -> Text:
    """Text of any length."""
    return Text().with_variant(LONGTEXT(collation=BINARY), "mysql", "mariadb")


OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
}

message = Table(
    "tidings_message",
    metadata,
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
    Index(None, "published"),
    **OPTIONS,
)
"""Each message once. `source` is what its id is unique within: letters for the app; on vvtool for the shop, and the topic."""


def common() -> tuple[Column[Any], ...]:
    """What each thing has: its status, the event that told of it last and when that was, and who brought it."""
    return (
        Column("status", name(64)),
        Column("topic", name(255), nullable=False),
        Column("changed", Moment()),
        Column("platform", name(16), nullable=False),
        Column("account", name(255), nullable=False),
    )


trade = Table(
    "tidings_trade",
    metadata,
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

refund = Table(
    "tidings_refund",
    metadata,
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
"""`refund` is the refund's id; `trade-TID` or `trade-TID-OID` for events that do not say it."""

item = Table(
    "tidings_item",
    metadata,
    Column("num_iid", BigInteger, primary_key=True, autoincrement=False),
    *common(),
    Column("nick", text()),
    Column("price", Money()),
    Column("num", BigInteger),
    Column("title", text()),
    Column("stamps", text(), nullable=False),
    **OPTIONS,
)
"""`stamps`, here and above: which message told what, so that a late one is known for what it is; not for other eyes."""
