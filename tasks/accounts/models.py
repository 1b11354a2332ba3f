"""Gateways and accounts as values: what the accounts file may say, with every limit.

A field's `description` is what a wrong value is told to be, so that checking and explaining cannot drift apart.
Secrets are `SecretStr`: they show in no repr, no dump and no error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from tasks.accounts.fields import (
    DAILY,
    EXTRA,
    GROUP,
    NAME,
    RATE,
    SECONDS,
    URL,
    CounterType,
    Daily,
    Edition,
    Extra,
    Group,
    Listed,
    Name,
    Number,
    Rate,
    Seconds,
    Secret,
    Text,
    Topic,
    Whole,
    split,
)
from tasks.clock import DAY


class Frozen(BaseModel):
    """Unknown members are refused, values never change, and errors never quote what they were given."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class GatewayBase(Frozen):
    """What the three kinds of gateway share. Rates are over all workers together; None means no limit of our own."""

    default_url: ClassVar[str]

    name: Name = Field(description=NAME)
    platform: str
    url: str = Field("", validate_default=True, max_length=500, description=URL)
    calls_per_second: Rate | None = Field(None, description=RATE)
    calls_per_day: Daily | None = Field(None, description=DAILY)
    lease_seconds: Number = Field(600.0, ge=5, le=DAY, description="a number of seconds from 5 to 86400")

    @field_validator("url", mode="after")
    @classmethod
    def _complete(cls, url: str) -> str:
        """An address without a path gets the platform's own path; none at all is the platform's own address."""
        parts = split(url or cls.default_url)
        path = parts.path if parts.path.strip("/") else urlsplit(cls.default_url).path
        return parts._replace(path=path).geturl()


class QianmiGateway(GatewayBase):
    """One app on Qianmi's open platform."""

    default_url = "https://api.qianmi.com/api"

    platform: Literal["qianmi"] = "qianmi"
    app_key: Text = Field(description="text of 1 to 200 characters: the app's key")
    app_secret: Secret = Field(description="the app's secret, as env:NAME or file:PATH")
    access_token: Secret | None = Field(None, description="an access token, as env:NAME or file:PATH")


class TaobaoGateway(GatewayBase):
    """One app on Taobao's open platform."""

    default_url = "https://eco.taobao.com/router/rest"

    platform: Literal["taobao"] = "taobao"
    app_key: Text = Field(description="text of 1 to 200 characters: the app's key")
    app_secret: Secret = Field(description="the app's secret, as env:NAME or file:PATH")
    sign_method: Literal["md5", "hmac", "hmac-sha256"] = Field("hmac-sha256", description="md5, hmac or hmac-sha256")
    lease_seconds: Number = Field(300.0, ge=5, le=DAY, description="a number of seconds from 5 to 86400")


class VvtoolGateway(GatewayBase):
    """One token of vv-tool, the paid proxy in front of Taobao. A point is a fen; it takes 10 calls a second."""

    default_url = "http://api.vv-tool.com/tool/erps/tbconsume"

    platform: Literal["vvtool"] = "vvtool"
    token: Secret = Field(description="the access token, as env:NAME or file:PATH")
    calls_per_second: Rate | None = Field(10.0, description=RATE)
    points_per_day: Daily | None = Field(None, description=DAILY)


Gateway = QianmiGateway | TaobaoGateway | VvtoolGateway


class Poll(Frozen):
    """How long to wait between two polls, in seconds: `min` while messages come, up to `max` while none do."""

    min: Seconds = Field(1.0, description=SECONDS)
    max: Seconds = Field(60.0, description=SECONDS)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError("min not above max (defaults: min 1, max 60)")
        return self


CounterField = Literal["number", "total", "topic", "user_id", "sub_user_id", "last_msg"]
COUNTER_FIELDS: tuple[CounterField, ...] = ("number", "total", "topic", "user_id", "sub_user_id", "last_msg")


class Counter(Frozen):
    """What to ask taobao.jindoucloud.messagecount.get, and how many seconds apart (`every`)."""

    topics: tuple[Listed, ...] = Field((), description='a list of topics, e.g. ["item", "trade"]')
    user_ids: tuple[Listed, ...] = Field((), description='a list of "main" or "main:sub" user numbers, e.g. ["11:22"]')
    type: CounterType | None = Field(None, description="4 (system messages) or 5 (service account)")
    fields: tuple[CounterField, ...] = Field(COUNTER_FIELDS, description=f"a list from {', '.join(COUNTER_FIELDS)}")
    client_info: Text | None = Field(None, description="text, e.g. type=IPHONE&version=1.4")
    need_detail: bool = Field(False, strict=True, description="true or false")
    every: Seconds = Field(10.0, description=SECONDS)

    @field_validator("fields", mode="after")
    @classmethod
    def _counts(cls, fields: tuple[CounterField, ...]) -> tuple[CounterField, ...]:
        if "number" not in fields:
            raise ValueError('a list with "number" in it, which tells whether anything waits')
        return fields


class Account(Frozen):
    """One shop or consumer group behind a gateway: what is polled. `quantity` is the most that one call brings.

    `extra` is a free table for handlers, kept as its JSON text, in which `env:` and `file:` are looked up when a handler asks.
    """

    name: Name = Field(description=NAME)
    gateway: Gateway = Field(description="the name of a gateway")
    quantity: Whole = Field(100, ge=1, le=200, description="a whole number from 1 to 200")
    poll: Poll = Field(Poll(), description="a table, e.g. { min = 1, max = 60 }")
    extra: Extra = Field("", repr=False, description=EXTRA)


class QianmiAccount(Account):
    """A consumer group of a Qianmi app."""

    gateway: QianmiGateway
    quantity: Whole = Field(100, ge=1, le=100, description="a whole number, 1 to 100 on qianmi")
    group: Group | None = Field(None, description=GROUP)


DEFAULT_GROUP = "default"
"""What Taobao calls the group of an account that names none."""


class TaobaoAccount(Account):
    """A consumer group of a Taobao app. Only the counter needs a `session`."""

    gateway: TaobaoGateway
    quantity: Whole = Field(100, ge=10, le=200, description="a whole number, 10 to 200 on taobao")
    group: Group | None = Field(None, description=GROUP)
    session: Secret | None = Field(None, description="the seller's session, as env:NAME or file:PATH")
    counter: Counter | None = Field(None, description="a table: topics, user_ids, type, fields, client_info, every")

    @field_validator("counter", mode="after")
    @classmethod
    def _has_session(cls, counter: Counter | None, info: ValidationInfo) -> Counter | None:
        if counter is not None and info.data.get("session", ...) is None:
            raise ValueError("a session beside the counter, which asks in the seller's name")
        return counter


class VvtoolAccount(Account):
    """A shop behind vv-tool, all its messages or those of one `topic`. `edition` is the wire's vvtype."""

    gateway: VvtoolGateway
    quantity: Whole = Field(100, ge=10, le=200, description="a whole number, 10 to 200 on vvtool")
    shop_id: Listed = Field(description="text without spaces or commas: the shop's id at vv-tool")
    topic: Topic | None = Field(
        None, description="one topic name, e.g. taobao_trade_TradeSellerShip, or TradeSellerShip for short"
    )
    edition: Edition = Field(1, description="1 (basic), 2 (enhanced) or 3 (standard)")


GATEWAYS: dict[str, type[Gateway]] = {"qianmi": QianmiGateway, "taobao": TaobaoGateway, "vvtool": VvtoolGateway}
ACCOUNTS: dict[str, type[Account]] = {"qianmi": QianmiAccount, "taobao": TaobaoAccount, "vvtool": VvtoolAccount}


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every gateway and account by its name, and lines of text on what is right but unwise (literal secrets).

    `notes` are lines on what would be unwise elsewhere: secrets of a sandbox on this machine.
    """

    gateways: Mapping[str, Gateway]
    accounts: Mapping[str, Account]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in ("gateways", "accounts"):
            object.__setattr__(self, field, MappingProxyType(dict(getattr(self, field))))


def differ(one: Account | None, other: Account | None) -> bool:
    """Whether they are different; most are the same object, which is quick to tell."""
    return one is not other and one != other
