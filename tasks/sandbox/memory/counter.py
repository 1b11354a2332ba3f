"""Taobao's message counter: how many of each topic wait for a user, as set through the control API."""

import re
from collections.abc import Iterable, Mapping

from pydantic import Field

from tasks.sandbox.memory.exchange import Strict

_USER = re.compile(r"\d+(:\d+)?", re.ASCII)


class CounterRow(Strict):
    """One row. `sub_user_id` is "" for the main account; without a `total` it is the number."""

    topic: str = Field(min_length=1)
    last_msg: str = ""
    number: int = Field(ge=0)
    user_id: str = Field(pattern=r"^\d+$")
    sub_user_id: str = Field("", pattern=r"^\d*$")
    total: int | None = Field(None, ge=0)

    @property
    def user(self) -> str:
        """`main` or `main:sub`, as requests name it."""
        return f"{self.user_id}:{self.sub_user_id}" if self.sub_user_id else self.user_id

    def row(self) -> dict[str, object]:
        """The row as the platform sends it: user ids are text, numbers are numbers."""
        return {**self.model_dump(), "total": self.number if self.total is None else self.total}


def is_valid(params: Mapping[str, str]) -> bool:
    """Whether `type`, `need_detail` and `user_ids` are what the API's page allows."""
    users = params.get("user_ids")
    return (
        params.get("type") in {None, "", "4", "5"}
        and params.get("need_detail") in {None, "", "true", "false"}
        and (not users or all(_USER.fullmatch(user) for user in users.split(",")))
    )


def chosen(
    counters: Iterable[CounterRow], params: Mapping[str, str], fields: Iterable[str] | None
) -> list[dict[str, object]]:
    """The rows asked for by `topic` and `user_ids`, each with the asked fields (None: all) and its topic."""
    topics, users = params.get("topic"), params.get("user_ids")
    rows = [
        counter.row()
        for counter in counters
        if (not topics or counter.topic in topics.split(",")) and (not users or counter.user in users.split(","))
    ]
    if fields is None:
        return rows
    shown = {"topic", *fields}
    return [{name: value for name, value in row.items() if name in shown} for row in rows]
