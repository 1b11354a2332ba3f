"""Tidings as a Celery application. The way of a message:

    beat ──due accounts──▶ consume(account) ──chord──▶ handle(message) × n ──all done──▶ confirm(outcomes)
      ▲                        │ pull one batch                                             │ ids that may be confirmed
      └──── next poll time ◀───┘                                                            ▼ platform

beat.py      claims the accounts that are due and sends a consume task for each
consume.py   pulls one batch, says when to poll next
dispatch.py  starts the batch's chord: one handle task for each message
handle.py    gives one message to the user's handler and returns its receipt and outcome; it never raises
confirm.py   the chord's callback: confirms what the outcomes allow, closes the batch
count.py     asks Taobao's counter whether pulling is worth a call
redrive.py   sends dead letters to their handlers once more

Decisions stand in rules/, pure; what is kept in Redis stands in store/, the platforms' protocols in platforms/, all that leans on
Celery's insides in plumbing/. ARCHITECTURE.md tells the rest. `celery -A tasks worker` and `celery -A tasks beat` run it.
"""

from tidings_cli.ours import own

# Before anything asks for it by its name alone: the current folder may have another, and Celery puts that first.
own("handlers")

from tasks.plumbing.app import Tidings  # noqa: E402

app = Tidings("tidings")
app.config_from_object("tasks.celeryconfig")
