"""Every Celery setting that differs from its default, with the reason. Figures: two cores, Celery 5.7 on Redis 7."""

import os

from kombu import Exchange, Queue

from tasks.names import CONFIRM, CONSUME, COUNT, HANDLE
from tasks.plumbing.visibility import visibility
from tasks.settings import SettingsError, settings
from tasks.store.connection import CONNECT_SECONDS, SOCKET_SECONDS, BrokerSentinelLogIn, of_sentinels
from tasks.surroundings import NotReady, make_ready

try:
    settings()
    make_ready()  # Celery itself would set up Django only now, and tell in a traceback that it cannot
except (SettingsError, NotReady) as error:
    raise SystemExit(str(error)) from None

_redis = settings().broker
_on_rabbitmq = settings().rabbitmq
# RabbitMQ's replicated queues: what is confirmed to its publisher survives the loss of a node. They drop what was given back
# 20 times (from RabbitMQ 4 on), as by workers that are killed again and again. That loses nothing: its batch is not confirmed
# and comes again with its lease. A message whose handler kills is buried long before. A task is never held for as long as
# RabbitMQ's consumer timeout of 30 minutes: a try ends with its lease, and countdowns wait in queues of RabbitMQ's, to which
# only a topic exchange leads (declared by every worker, see Celery's "native delayed delivery").
_arguments = {"x-queue-type": "quorum"} if _on_rabbitmq else None
_exchange = Exchange("tidings", type="topic") if _on_rabbitmq else None

# Which modules hold tasks, and where they run. A worker without -Q serves all queues; named ones let HTTP work run in a
# thread pool and handlers in processes.
include = [
    "tasks.consume",
    "tasks.handle",
    "tasks.confirm",
    "tasks.count",
    "tasks.redrive",
    "tasks.handling.stragglers",
    "tasks.plumbing.lane.step",
    "tasks.plumbing.logs",
    "tasks.plumbing.housekeeping",
    "tasks.plumbing.belonging",
    "tasks.plumbing.closing",
    "tasks.plumbing.group_signals",
    "tasks.plumbing.pulse",
    "tasks.plumbing.refusing",
    "tasks.plumbing.skew",
    "tasks.plumbing.starting",
    "tasks.plumbing.waking",
    "tasks.plumbing.warm_shutdown",
    "tasks.pulling.gateways",
]
if not settings().stock:
    # Processes are made for what waits for them, not for polls, which run in the lane.
    worker_autoscaler = "tasks.plumbing.lane.autoscale:Autoscaler"
task_queues = [
    Queue(name, _exchange, routing_key=name, queue_arguments=_arguments) for name in ("consume", "handle", "confirm")
]
task_default_queue = "handle"
task_routes = {
    CONSUME: {"queue": "consume"},
    COUNT: {"queue": "consume"},
    HANDLE: {"queue": "handle"},
    CONFIRM: {"queue": "confirm"},
}

# JSON only: nothing in a queue can run code, and everything in it can be read.
task_serializer = "json"
result_serializer = "json"
accept_content = ["json"]
timezone = "Asia/Shanghai"

# A task is acknowledged when it has ended, and comes back when its process is killed. consume alone differs (see there).
task_acks_late = True
task_reject_on_worker_lost = True
# What Celery has got cannot be given back. The transport takes messages ahead by itself, as many as ended in the last 50 ms,
# gives back what could not begin (tasks/plumbing/transport/prefetch.py), and hands the pool more while what waits there is quick
# (tasks/plumbing/pool/waiting.py): so slow handlers hold no message that another worker could take.
worker_prefetch_multiplier = 1
# Results are written to nobody: leaving them out saves 10 to 45 % of a task. Chords count without them.
task_ignore_result = True
task_store_errors_even_if_ignored = False
# What a chord that never completes leaves in Redis goes after this; longer than any lease in use (seconds).
result_expires = 3600
result_chord_expires = 3600
# Celery's prefork pool, which sends quick tasks to its processes together (tasks/plumbing/pool): handlers that do nothing went
# from 1,410 to 2,650 messages a second. Threads share one core and cannot be interrupted; solo serves nobody while it works.
worker_pool = "prefork" if settings().stock else "tasks.plumbing.pool:TaskPool"
# Celery's, which shows that its main loop lives also while it waits for its broker.
worker_consumer = "tasks.plumbing.pulse:Consumer"
# Blocking HTTP in the same processes as the handlers: with one task a core, two slow platforms would stop everything. On two
# cores, 3 or 4 processes were fastest for handlers that do nothing; 8 lost 15 %.
worker_concurrency = settings().worker_concurrency or max(4, 2 * (os.cpu_count() or 1))
# The net below the limits that each batch sets for itself. There is no soft limit of Celery's: its signal interrupts whatever
# the child does when a main process that was held up finds time for it, and half a result in the pipe ends the worker.
task_time_limit = settings().handler_seconds + 65
# A dead process's tasks are taken to be lost after this (seconds); a result that is still on its way then is known by its mark.
worker_lost_wait = 2.0
# A broker that blinks must not kill half-done handlers; a message that is run again is known by its mark.
worker_cancel_long_running_tasks_on_connection_loss = False
# A Redis that restarts is waited for, at start and later, for as long as it takes.
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
# No event is sent unless somebody watches (`worker -E`, or Flower's "enable events"): events cost 21 to 35 %.
worker_send_task_events = False
task_send_sent_event = False
# A worker told to stop finishes what runs within this time (seconds) and hands the rest on (see tasks/plumbing/warm_shutdown.py).
worker_soft_shutdown_timeout = 10
worker_enable_soft_shutdown_on_idle = False

# Workers show their settings to whoever asks them: user and password of a Redis stand in none of them.
broker_url = settings().broker_url
result_backend = f"tasks.plumbing.backend:QuietRedisBackend+{settings().redis.without_login()}"

broker_transport_options: dict[str, object] = {}
if _redis:
    _who = "credential_provider=tasks.store.connection:BrokerLogIn" if _redis.login else ""
    broker_url = _redis.without_login(_who)
    broker_use_ssl = dict(_redis.tls) or None
    broker_transport_options = {
        "global_keyprefix": "tidings:",
        # How long a killed worker's tasks stay hidden: within the shortest lease, longer than the longest try.
        "visibility_timeout": visibility(),
        # Look for them every 5 s; kombu's own pace is every 100 s.
        "unacked_restore_interval": 5 if visibility() >= 10 else 1,
        "unacked_restore_throttle": 1,
        # A worker killed while it looks must not keep the others from looking for kombu's five minutes.
        "unacked_mutex_expire": 10,
        # No task has a priority: one list a queue to watch instead of four.
        "priority_steps": [0],
        # Without these a half-open connection, which a NAT has forgotten, hangs a publish for ever, and with it the main process.
        "socket_timeout": SOCKET_SECONDS,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_keepalive": True,
        # A wait for messages that was not answered for so long (and the second that it takes) is begun anew, remote control after
        # the third look. With kombu's 25 s a worker was deaf for two minutes.
        "health_check_interval": 3,
        **_redis.options,
    }
    if _redis.kind == "sentinel":
        _sentinels = of_sentinels(_redis)
        if _redis.sentinel_login:
            _sentinels["credential_provider"] = BrokerSentinelLogIn()
        broker_transport_options |= {"master_name": _redis.master, "sentinel_kwargs": _sentinels}
if _on_rabbitmq:
    from tasks.plumbing.countdowns import countable

    broker_url = _on_rabbitmq.url
    broker_use_ssl = dict(_on_rabbitmq.tls) or None
    broker_transport_options = {
        # Nothing is promised of a message that was not confirmed.
        "confirm_publish": True,
        # Without these a half-open connection, or a broker short of memory, hangs a publish for ever.
        "read_timeout": 30,
        "write_timeout": 30,
        # A node that hangs takes four seconds (Celery's connect timeout) to be found so: without this the others are not tried.
        "connect_retries_timeout": 20,
    }
    # A half-open connection is noticed when two of these (seconds) are missed, not after Celery's four minutes.
    broker_heartbeat = 10
    # Retries after fractions of a second would be refused otherwise.
    task_annotations = {"*": {"@apply_async": countable}}
result_backend_transport_options: dict[str, object] = {"global_keyprefix": "tidings:", "retry_policy": {"timeout": 5.0}}

beat_scheduler = "tasks.beat:AccountScheduler"
# The longest sleep between two looks at what is due (seconds).
beat_max_loop_interval = 0.1
