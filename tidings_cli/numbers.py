"""Numbers that an option takes, in bounds."""

import math
from contextlib import suppress
from typing import Any

import click


class Between(click.FloatRange):
    """A number within bounds. `nan` is within none, though it compares as if it were."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Raises `BadParameter` for what is none."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{str(value)!r} is not in the range {self._describe_range()}.", param, ctx)
        return number


class Whole(click.IntRange):
    """A whole number within bounds, in digits or as `2e4`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number. Raises `BadParameter` for what is none."""
        with suppress(ValueError):
            if isinstance(value, str) and "e" in value.lower() and float(value).is_integer():
                value = int(float(value))
        number: int = super().convert(value, param, ctx)
        return number
