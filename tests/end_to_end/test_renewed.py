"""A session that is renewed in the accounts file while eight processes poll, each with its own reading of the file."""

from tests.bench.renewed import NAMES, SESSIONS, Shops, once, text
from tests.end_to_end.installation import Installation

MOST_SECONDS = 15.0
"""On a busy machine; who is left paused for the old session is looked at only half a minute later."""


def test_an_account_with_a_renewed_session_is_polled_within_seconds(installation: Installation) -> None:
    installation.env = {
        "TIDINGS_WORKER_CONCURRENCY": "8",
        "TIDINGS_STOCK": "1",  # else all polls are made by threads of one process
        **{name: name for name in SESSIONS},
    }
    installation.configure(text(dict.fromkeys(NAMES, 0)))
    shops = Shops(installation)
    installation.worker()
    installation.beat()
    installation.until(lambda: all(shops.polled(name, 0, well=True) for name in NAMES), 60, "all accounts to be polled")
    assert max(once(shops, name) for name in NAMES[:2]) < MOST_SECONDS
