"""The types of pytest's fixtures, for annotations: `def test_paid(tidings: Tidings) -> None`."""

from tidings_cli.ours import own

own("tasks")  # by its place, as a project may have a `tasks` of its own

from tasks.testing.contents import NoSample  # noqa: E402
from tasks.testing.deliveries import Delivered, Tidings  # noqa: E402
from tasks.testing.shop import NotConfirmed, TidingsShop  # noqa: E402

__all__ = ["Delivered", "NoSample", "NotConfirmed", "Tidings", "TidingsShop"]
