"""The three platforms, simulated by one HTTP server.

Read in this order: `memory.queue` (a queue with leases), `memory.state` (everything that is kept), `platforms.respond` (one
call with its faults), `platforms.gateway`, `platforms.top`, `platforms.qianmi` and `platforms.vvtool` (the protocols,
parameters in, reply out), `server` and `control_api` (HTTP). `control` is the other side: what tests and the demo steer it
with. The wire facts and assumptions are those of the platforms' own pages; where they leave something open,
`memory.switches` has a switch for it.
"""
