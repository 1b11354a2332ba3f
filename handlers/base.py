"""What all payload models share: lenient where platforms are, exact where money and numbers are, silent about buyers."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""Every time on the wire is a clock's reading there: GMT+8."""

EPOCH = datetime(1970, 1, 1, 8, tzinfo=SHANGHAI)

EXACT_DIGITS = 15  # as many as every float holds

_DIGITS = re.compile(r"\s*[+-]?[0-9]{1,40}\s*")
_DECIMAL = re.compile(r"\s*[+-]?[0-9]{1,30}(\.[0-9]{1,30})?\s*")


class Event(BaseModel):
    """The content of one topic's messages.

    Only what names the thing that changed is required: platforms leave out, mask or null everything else at times, whatever
    their pages say. Absent, null and "" are None. Members that the model does not know are kept (`model_extra`). Neither they
    nor anything personal shows in the repr, and values show in no error. Events signal a change; the platform's other APIs
    tell the state of today.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, coerce_numbers_to_str=True)

    topic: ClassVar[str] = ""
    """The full name of the topic."""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """The declared members that are neither personal nor absent."""
        shown = (name for name, field in type(self).model_fields.items() if field.repr)
        return [(name, value) for name in shown if (value := getattr(self, name)) is not None]


def _given(value: object) -> object:
    """PHP back ends write "" for what they have not."""
    return None if isinstance(value, str) and not value.strip() else value


def _exact_int(value: object) -> object:
    """Whole numbers and their digits; a float only while it holds every whole number exactly."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**EXACT_DIGITS:
        return int(value)
    if value is None or type(value) is int:
        return value
    raise ValueError("a whole number, in digits")


def _exact_decimal(value: object) -> object:
    """Decimal text and whole numbers; a float only while its digits are those that were written."""
    text = repr(value) if isinstance(value, float) else value
    lossy = isinstance(value, float) and sum(map(str.isdigit, repr(value))) > EXACT_DIGITS
    if lossy or (isinstance(text, str) and not _DECIMAL.fullmatch(text)):
        raise ValueError("an amount as decimal text")
    return text


def _moment(value: object) -> object:
    """`yyyy-MM-dd HH:mm:ss` as Shanghai's clocks show it, or milliseconds since 1970; also what `datetime` writes."""
    try:
        if isinstance(value, str) and not _DIGITS.fullmatch(value):
            value = datetime.fromisoformat(value.strip())
        if isinstance(value, datetime):
            return value.astimezone(SHANGHAI) if value.tzinfo else value.replace(tzinfo=SHANGHAI)
        number = _exact_int(value)
        return EPOCH + timedelta(milliseconds=number) if isinstance(number, int) else number
    except (ValueError, OverflowError):
        raise ValueError("a time as yyyy-MM-dd HH:mm:ss or in milliseconds") from None


Int = Annotated[int, BeforeValidator(_exact_int)]
"""A 64-bit number, exact, also where it is sent as text."""

Money = Annotated[Decimal, BeforeValidator(_exact_decimal)]
"""Yuan, exact."""

Moment = Annotated[datetime, BeforeValidator(_moment)]
"""An aware time, in Asia/Shanghai."""

OptionalInt = Annotated[Int | None, BeforeValidator(_given)]
OptionalMoney = Annotated[Money | None, BeforeValidator(_given)]
OptionalMoment = Annotated[Moment | None, BeforeValidator(_given)]

Text = Annotated[str, BeforeValidator(_given)]
"""Text with something in it."""

OptionalText = Annotated[str | None, BeforeValidator(_given)]

Personal = Annotated[str, Field(repr=False)]
"""Tells of a person; it shows in no repr and belongs in no log. For models of your own: no shipped one can rely on such."""

OptionalPersonal = Annotated[str | None, BeforeValidator(_given), Field(repr=False)]
