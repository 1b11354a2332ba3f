"""What the platforms' pages leave open, each as one switch with the assumption as its default."""

from typing import Literal

from pydantic import Field

from tasks.sandbox.memory.exchange import Strict
from tasks.sandbox.platforms.signatures import Empties


class Leases(Strict):
    """How long a pulled message stays hidden, in seconds. vv-tool has none: it never sends again."""

    qianmi: float = Field(600, gt=0)
    taobao: float = Field(360, gt=0)
    vvtool: float | None = Field(None, description="has no effect")


class Switches(Strict):
    """Every switch with its default. A new value counts from the next call on, for texts from the next publish on."""

    lease_seconds: Leases = Leases()
    retention_seconds: float = Field(86_400, gt=0, description="older messages are never sent, and leave the ledger")
    strict_groups: bool = Field(False, description="refuse groups that the app was not set up with")
    clock_ahead: float = Field(
        0, description="seconds that the platforms' clock is ahead: timestamps' window, Date header"
    )
    lower_case_sign: bool = Field(False, description="take signatures in lower case too")

    qianmi_sweep: bool = Field(False, description="reset all leases together every lease_seconds, as the FAQ words it")
    qianmi_confirm_limit: Literal[100, 200] = Field(100, description="ids in one confirm: 100 page, 200 SDK comment")
    qianmi_confirm_unknown: Literal["success", "error"] = Field("success", description="ids unknown or confirmed")
    qianmi_sub_errors: Literal["array", "doc"] = Field("array", description="subErrors as ROP or the page shows them")
    qianmi_empty: Literal["absent", "array"] = Field("absent", description="how an empty queue is answered")
    qianmi_epoch_timestamp: bool = Field(False, description="take milliseconds too, as the bm001 fork's SDK sends them")
    qianmi_stale_code: str = Field("33", description="code for a timestamp outside the window")

    vvtool_http_status: bool = Field(False, description="answer 401, 404 and 429 as HTTP statuses instead of 200")
    vvtool_empty: Literal["msg", "list", "null", "absent"] = Field("msg", description="how an empty queue is answered")
    vvtool_raw_utf8: bool = Field(False, description="write msg_data in UTF-8 instead of ASCII escapes")
    vvtool_price: int = Field(1, ge=0, description="points for a pull that brings messages")
    vvtool_price_empty: int = Field(0, ge=0, description="points for a pull that brings none")
    vvtool_shows_price: bool = Field(True, description="resellers leave withholding_money out")

    taobao_content_type: str = "application/json;charset=UTF-8"
    taobao_empty: Literal["absent", "object"] = Field("absent", description="how an empty list is answered")
    taobao_empty_values: Empties = Field("either", description="whether empty parameters take part in the signature")
    taobao_repeated: Literal["query", "refuse"] = Field("query", description="a name in both query and body")
    taobao_clamp_quantity: bool = Field(False, description="bring quantity into 10..200 instead of refusing it")
    taobao_remote_error: Literal[15, 50] = Field(15, description="code of a remote service error")
    taobao_filter_fields: bool = Field(True, description="the counter gives only the asked fields and the topic")
