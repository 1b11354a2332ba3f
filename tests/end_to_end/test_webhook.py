"""`handlers.webhook` in a whole run, against a back end that fails in every way."""

import json
import os
import random
import signal
import time
from base64 import b64encode

from standardwebhooks import Webhook

from tests.end_to_end.installation import Installation
from tests.end_to_end.test_main_job import ACCOUNTS, QUEUES, confirms, publish
from tests.integration.handlers.receiver import SLOW_SECONDS, WAYS, receiving

SECRET = "whsec_" + b64encode(b"invented for this test, 32 bytes").decode()
BAD = sorted((set(WAYS) | {"cut", "lost", "slow", "never"}) - {"410", "422", "ok"})
"""Everything but what buries a message."""


def test_whatever_the_receiver_does_each_message_is_taken_and_only_then_confirmed(installation: Installation) -> None:
    dice = random.Random(12)
    ill = iter([*BAD, *dice.choices(BAD, k=30)])
    with receiving() as receiver:
        receiver.decide(lambda: next(ill, "ok") if dice.random() < 0.5 else "ok")
        url = f"http://me:hunter2@127.0.0.1:{receiver.port}/T0KEN?sign=5ecret"
        settings = {"URL": url, "SECRET": "env:HOOK_SECRET", "ALLOW": "127.0.0.1"}
        installation.env |= {f"TIDINGS_WEBHOOK_{name}": value for name, value in settings.items()}
        installation.env |= {
            "TIDINGS_HANDLERS": "handlers.webhook",
            "HOOK_SECRET": SECRET,
            "TIDINGS_HANDLER_SECONDS": "1",
            "TIDINGS_MAX_DELIVERIES": "20",
        }
        installation.configure(ACCOUNTS.replace("lease_seconds = 30", "lease_seconds = 10"))
        publish(installation, 30)
        installation.worker()
        installation.beat()
        total = 30 * len(QUEUES)
        installation.until(
            lambda: len({post.headers["webhook-id"] for post in receiver.taken}) >= total, 90, "all taken"
        )
        installation.until(lambda: all(row["confirmed"] for row in confirms(installation)), 40, "all confirmed")
        posts, taken = list(receiver.posts), list(receiver.taken)
    for post in posts:
        assert Webhook(SECRET).verify(post.body, post.headers)["type"] == "taobao_trade_TradeBuyerPay"
    assert {post.way for post in posts} >= {*BAD, "ok"}
    told = [Webhook(SECRET).verify(post.body, post.headers)["data"] for post in posts]
    messages = {(each["platform"], each["id"]) for each in told}
    keys = {(post.headers["webhook-id"], each["platform"], each["id"]) for post, each in zip(posts, told, strict=True)}
    assert len(messages) == len(keys) == total, "one key a message, the same at each try"
    first = {post.headers["webhook-id"]: post.at for post in reversed(taken)}
    earliest = {id_: first[key] for key, _, id_ in keys}
    assert all((row["confirmed"] or 0) >= earliest[row["id"]] for row in confirms(installation))
    assert not [word for word in ("hunter2", "T0KEN", "5ecret", SECRET[6:]) if word in installation.logs()]


def test_posts_to_a_receiver_that_takes_its_time_hold_no_process_and_outlive_their_own(
    installation: Installation,
) -> None:
    """Twelve at a time where the worker has two processes; whoever was posting when that process died posts again."""
    with receiving() as receiver:
        receiver.answers("slow")
        installation.env |= {
            "TIDINGS_HANDLERS": "handlers.webhook",
            "TIDINGS_WORKER_CONCURRENCY": "2",
            "TIDINGS_WEBHOOK_URL": f"http://127.0.0.1:{receiver.port}/",
            "TIDINGS_WEBHOOK_SECRET": SECRET,
            "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1",
            "TIDINGS_WEBHOOK_AT_ONCE": "10",
        }
        installation.configure(ACCOUNTS)
        publish(installation, 10)
        installation.worker()
        installation.beat()
        installation.until(lambda: len(receiver.posts) >= 10 * len(QUEUES), 60, "the first posts")
        [before] = waiting_processes(installation)
        publish(installation, 30)
        installation.until(
            lambda: sum(post.at > time.time() - SLOW_SECONDS / 2 for post in list(receiver.posts)) >= 5, 60, "more"
        )
        os.kill(before, signal.SIGKILL)
        killed = time.time()
        total = 40 * len(QUEUES)
        installation.until(
            lambda: len({post.headers["webhook-id"] for post in receiver.taken}) >= total, 60, "all taken"
        )
        installation.until(lambda: all(row["confirmed"] for row in confirms(installation)), 40, "all confirmed")
        posts = list(receiver.posts)
    times = [post.at for post in posts]
    last = {post.headers["webhook-id"]: post for post in posts}
    # What the process that died had sent; the receiver may read some of it after the kill.
    lost = [post.at for post in posts if post is not last[post.headers["webhook-id"]]]
    lives = [at for at in times if at < killed or at in lost], [at for at in times if at >= killed and at not in lost]
    at_a_time = [sum(at <= each < at + SLOW_SECONDS for each in life) for life in lives for at in life]
    assert 6 <= max(at_a_time) <= 12
    assert total < len(times) <= total + 12, "those that were being posted, and no others, are posted twice"
    assert waiting_processes(installation) != {before}


def waiting_processes(installation: Installation) -> set[int]:
    """The process in whose threads posts wait, as `celery inspect stats` tells."""
    found = json.loads(installation.once("inspect", "stats", "--json", "--timeout", "5"))
    return {pid for stats in found.values() for pid in stats["waiting"]["processes"]}
