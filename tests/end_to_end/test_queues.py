"""Topics in a Celery queue of their own: workers of that queue alone run their handlers, tries and retries alike."""

from redis import Redis

from tests.end_to_end.installation import HANDLERS, Installation
from tests.end_to_end.test_letters import ACCOUNTS

SLOW = (
    HANDLERS
    + """

@handles("slow_*", queue="slow", timeout=3, tries=3)
def on_slow(content: dict, message: Message) -> None:
    again = JOURNAL + message.id
    if not os.path.exists(again):
        open(again, "w").close()
        note(message, "tried")
        raise Retry("not yet", delay=content["delay"])
    note(message, "handled")
"""
)


def test_topics_with_a_queue_of_their_own_are_handled_by_its_workers_alone(
    installation: Installation, redis: Redis
) -> None:
    installation.configure(ACCOUNTS, SLOW)
    slow = installation.worker("slow", "-Q", "slow")
    installation.until(lambda: "slow@" in installation.log("slow").read_text(), 60, "the worker does not start")
    installation.until(lambda: "ready" in installation.log("slow").read_text(), 60, "the worker does not start")
    installation.env["TIDINGS_HANDLERS"] = ""
    installation.worker("pull", "-P", "threads", "-c", "8", "-Q", "consume,confirm")
    installation.env.clear()
    told = "! no worker takes what waits in the queue handle"
    installation.until(lambda: told in installation.run("status").stdout, 60, "handle has no worker yet")
    contents = {"slow_a": {"delay": 0.2}, "slow_b": {"delay": 3}, "plain": {}}
    messages = [{"topic": topic, "content": content} for topic, content in contents.items() for _ in range(5)]
    installation.control.publish("taobao", messages)
    installation.beat()
    installation.until(lambda: len(installation.handled()) == 10, 60, "not all of the slow ones are handled")
    assert {line[3] for line in installation.handled()} == {"slow_a", "slow_b"}
    installation.until(lambda: not redis.hlen("tidings:unacked"), 20, "what it handled is marked so")

    installation.kill("slow")
    assert slow.returncode != 0
    installation.worker("handle", "-X", "consume,confirm")
    installation.until(lambda: all(m["confirmed"] for m in installation.control.ledger()), 60, "not all is confirmed")
    installation.until(lambda: "slow" not in unserved(installation), 60, "a worker without -Q takes from all queues")
    more = [{"topic": "slow_a", "content": {"delay": 0}}]
    installation.control.publish("taobao", more)
    installation.until(lambda: len(installation.handled()) == 16, 60, "the worker without -Q handles both")
    assert len(installation.handled("tried")) == 11


def unserved(installation: Installation) -> str:
    """What `status` says of queues without a worker."""
    lines = installation.run("status").stdout.splitlines()
    return "".join(line for line in lines if line.startswith("! no worker takes"))
