"""How a handler runs: in its own thread or on the event loop, waited for to its end, and nothing that it forgot goes unseen."""
