"""The three platforms, simulated by one HTTP server.

Read in this order: `queue` (a queue with leases), `state` (everything that is kept), `top`, `qianmi` and `vvtool` (the
protocols, parameters in, reply out), `respond` (one call with its faults), `server` and `control_api` (HTTP). `control`
is the other side: what tests and the demo steer it with. The wire facts and assumptions are those of the platforms'
own pages; where they leave something open, `switches` has a switch for it.
"""
