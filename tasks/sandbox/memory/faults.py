"""Faults on demand: what goes wrong, for whom, how often."""

import random
from collections.abc import Iterable
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from tasks.sandbox.memory.exchange import Platform, Strict, Target

CallKind = Literal[
    "error", "http", "cut", "cut_after", "slow", "garbage", "ban", "expired_session", "unauthorised_shop"
]
OrderKind = Literal["duplicate", "reorder"]
ItemKind = Literal["raw_control_chars", "wrong_types", "undecodable"]
ConfirmKind = Literal["ignore_confirm"]

CALL_KINDS, ORDER_KINDS, ITEM_KINDS, CONFIRM_KINDS = map(get_args, (CallKind, OrderKind, ItemKind, ConfirmKind))


class FaultSpec(Strict):
    """One fault. It hits every matching call, or the next `count` of them, or a random `share` of them.

    Faults of messages (duplicate, reorder, raw_control_chars, wrong_types, undecodable) only count pulls that bring
    messages, and change the first of them.
    """

    platform: Platform
    kind: Literal[CallKind, OrderKind, ItemKind, ConfirmKind]
    share: float | None = Field(None, ge=0, le=1)
    count: int | None = Field(None, ge=1)
    seed: int | None = Field(None, description="makes `share` repeatable")
    app: str | None = Field(None, description="app key, token, or name")
    group: str | None = None
    shop_id: str | None = None
    api: Literal["consume", "confirm", "count", "permit", "queue"] | None = None
    code: str = Field("", description="error, expired_session, unauthorised_shop: the platform's code")
    sub_code: str = ""
    text: str = Field("", description="the platform's message; without one, its usual text for the code")
    sub_text: str = ""
    status: int = Field(503, ge=400, le=599, description="http")
    seconds: float = Field(1.0, ge=0, description="slow: before the reply, after the call took effect; ban: how long")
    form: Literal["html", "bytes", "truncated"] = Field(
        "html", description="garbage: html and bytes come instead of the call's effect, truncated after it"
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.kind == "error" and not self.code:
            raise ValueError("an error needs the platform's code")
        if self.kind == "raw_control_chars" and self.platform != "taobao":
            raise ValueError("only taobao sends raw control characters")
        return self

    def concerns(self, target: Target) -> bool:
        """Whether that call is one of those that this fault can hit."""
        return (
            self.platform == target.platform
            and (self.api is None or self.api == target.api)
            and (self.app is None or self.app == target.app)
            and (self.group is None or self.group == target.key)
            and (self.shop_id is None or self.shop_id == target.key)
        )


class _Armed:
    def __init__(self, spec: FaultSpec) -> None:
        self.spec = spec
        self.left = spec.count
        self._random = random.Random(spec.seed)  # noqa: S311  (chooses which calls fail, nothing secret)

    def strikes(self) -> bool:
        if self.spec.share is not None and self._random.random() >= self.spec.share:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """The faults that are set."""

    def __init__(self) -> None:
        self._armed: dict[str, _Armed] = {}
        self._last = 0

    def add(self, spec: FaultSpec) -> str:
        """Set one; returns its id."""
        self._last += 1
        self._armed[str(self._last)] = _Armed(spec)
        return str(self._last)

    def remove(self, id_: str) -> bool:
        """Whether there was one of that id, used up or not it is gone."""
        return self._armed.pop(id_, None) is not None

    def clear(self) -> None:
        """Remove all of them."""
        self._armed.clear()

    def fire(self, target: Target, kinds: Iterable[str]) -> list[FaultSpec]:
        """Those of these kinds that hit this call, in the order they were set; each counts as used once."""
        if not self._armed:
            return []
        struck = [
            (id_, each)
            for id_, each in self._armed.items()
            if each.spec.kind in kinds and each.spec.concerns(target) and each.strikes()
        ]
        for id_, each in struck:
            if each.left == 0:
                del self._armed[id_]
        return [each.spec for _, each in struck]
