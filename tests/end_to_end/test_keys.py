"""Keys in real workers, of which one is killed; `python -m tests.bench.keys` does the same with more of everything."""

from tests.bench.keys import Shop, each, newest, set_up
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
