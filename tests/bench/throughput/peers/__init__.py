"""The job of Tidings, written for other libraries as their documentation would have it.

Each pulls a batch of an account's, gives each message to a task of its own, confirms once all of them are done, and pulls
again: one pull at a time on each account's lane, and all lanes side by side, as with Tidings. A lane's number goes with its
batch from pull to confirm, in what is sent or stored anyway. Pulls and confirms wait for the platform: libraries of processes
and threads do them in a queue of their own, which may have workers of its own; those on asyncio need none. These remember too
what was handled (`counted.py`), as Tidings does. None gives up on a bad message or minds a quota.
"""
