"""The job of Tidings, written for other libraries as their documentation would have it.

Each pulls a batch, gives each message to a task of its own, confirms once all of them are done, and pulls again, on
`OPEN_BATCHES` lanes side by side. None remembers what was handled, gives up on a bad message or minds a quota.
"""
