"""What happens when one machine is not enough, or its Redis fails: each a run under load, with the ledger's verdict.

    server.py        a Redis of a run's own
    stage.py         the processes and the accounts, which may be spread over hosts
    load.py          orders that come at an even pace
    run.py           the run itself: start, load, trouble, wait, judge
    figures.py       messages a second, the longest gap without a confirm, the verdict in lines; pure
    network.py       hosts as network namespaces
    hosts.py         a worker host is cut off for longer than a lease, another one's clock is wrong
    sentinel.py      three sentinels, two failovers
    certificates.py  an authority, and certificates right and wrong
    tls.py           Redis behind TLS; its certificate changes under way
    rabbit.py        three nodes of RabbitMQ, one is killed or hangs
    way.py           a way to Redis that is slow, or stalls
    faults.py        Redis full, slow, read-only, out of disk
    restore.py       yesterday's Redis comes back

`python -m tests.outgrowing NAME` runs one; docs/outgrowing.md tells what came of them.
"""
