"""Connects as Tidings does, by its settings alone, and prints as whom and to which database, for each of the three uses."""

import json
import ssl
import sys
from typing import Any

from tasks import app as tidings
from tasks.runtime import stores
from tasks.store.connection import connect

app: Any = tidings  # its types know no Redis


def whose(client: Any) -> list[Any]:
    return [client.acl_whoami(), int(client.client_info()["db"])]


def plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


contexts = list[int]()
make = ssl.create_default_context


def counted(*args: Any, **options: Any) -> ssl.SSLContext:
    contexts.append(1)
    return make(*args, **options)


ssl.create_default_context = counted

stores().tally.add("shop", {"handled": 1}, now=0)
with app.connection_for_write() as connection:
    queue = connection.SimpleQueue("probe")
    queue.put({"n": 1})
    got = queue.get(timeout=10).payload["n"]
    channel: Any = connection.default_channel
    found = {
        "state": whose(connect()),
        "broker": whose(channel.client),
        "results": whose(app.backend.client),
        "sent": got,
        "shown": [connection.as_uri(), app.backend.as_uri(), repr(connection), repr(app.conf.table(censored=True))],
        "info": str(connection.info()),
    }
app.backend.store_result("1", "well", "SUCCESS")
found["contexts"] = len(contexts)
found["kept"] = app.backend.get_result("1")
sys.stdout.write(json.dumps(found, default=plain))
