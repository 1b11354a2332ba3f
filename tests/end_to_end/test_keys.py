"""Keys in real workers, of which one is killed; `python -m tests.bench.keys` does the same with more of everything."""

from collections import Counter

from tests.bench.keys import Shop, each, newest, overlaps, set_up
from tests.end_to_end.installation import Installation


def shop(installation: Installation) -> Shop:
    set_up(installation, lease=10)
    return Shop(installation, processes=2)


def test_no_two_messages_of_a_key_overlap_though_a_worker_is_killed_and_all_are_handled(
    installation: Installation,
) -> None:
    found = each(shop(installation), messages=300, keys=10, kills=1, pause=0.5, seconds=90)
    assert not found.wrong
    assert (found.messages, found.kills) == (300, 1)


def test_of_those_that_wait_the_newest_is_handled_and_the_others_are_confirmed_after_it(
    installation: Installation,
) -> None:
    found = newest(shop(installation), rounds=4, keys=5, seconds=60)
    assert not found.wrong
    assert found.messages == 20


FAR, KEYS = 60.0, 6
"""Seconds that a message would wait for its turn, were it not told; and how many keys there are."""
GUESS = f"""
from tasks.rules import turns
turns.wait = lambda *_, **__: {FAR}
"""


def test_a_message_that_waits_begins_when_its_key_is_free_however_long_it_was_to_wait(
    installation: Installation,
) -> None:
    """The holder may run in another worker. One that is told while it is on its way, and that for long, may miss its turn."""
    made = shop(installation)
    set_up(installation, lease=300)
    installation.env["TIDINGS_HANDLERS"] = "shop_handlers,guess"
    (installation.home / "guess.py").write_text(GUESS)
    made.publish("each", [number % KEYS for number in range(5 * KEYS)])
    made.start()

    def ended() -> list[object]:
        """The keys of which every message has been handled."""
        some = Counter(ran.key for ran in made.runs() if ran.handled)
        return [key for key, count in some.items() if count == 5]

    installation.until(lambda: len(ended()) > KEYS / 2, FAR, "most have had their turns")
    assert not overlaps(made.runs())
