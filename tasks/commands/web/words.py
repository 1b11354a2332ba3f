"""What pages call things. `N_` marks what is translated where it is shown; the words in Chinese stand in `zh.po`."""

from tasks.commands.status.attention import Need


def N_(text: str) -> str:  # noqa: N802  # gettext's own name for it
    """The text itself: it is to be found for the catalogue."""
    return text


NEEDS = {
    Need.PAUSED: N_("Paused"),
    Need.FAILING: N_("Handlers fail"),
    Need.OLD: N_("Old messages"),
    Need.BACKLOG: N_("Backlog"),
    Need.FULL: N_("All batches open"),
    Need.UNCONFIRMED: N_("Confirmed late"),
    Need.OVERDUE: N_("Overdue"),
    Need.GATEWAY: N_("Behind a paused gateway"),
}

OF_PAUSE = (Need.PAUSED, Need.GATEWAY)
"""What a badge of the pause says already."""

FINDINGS = {
    "accounts": N_("There are no accounts"),
    "broker": N_("The broker does not answer"),
    "workers": N_("No worker runs"),
    "queues": N_("A queue has no worker"),
    "beats": N_("No beat runs"),
    "idle": N_("A process cannot work"),
    "overdue": N_("Nobody is polled"),
    "failing": N_("A handler fails"),
    "asked": N_("A handler asks for another try"),
    "unhandled": N_("Messages that nobody handles"),
    "mended": N_("Handled from now on"),
    "handlers": N_("Workers have different handlers"),
    "clock": N_("A clock is off"),
    "late_confirms": N_("Confirmed too late"),
    "unconfirmed": N_("Not confirmed"),
    "gateways": N_("A gateway is paused by hand"),
    "letters": N_("Dead letters wait"),
    "redrive": N_("Replayed without you"),
    "paused": N_("Paused by hand"),
    "discarded": N_("Polls came too late"),
}
"""The headline of each finding of `status`, by what it is about."""

DONE = {
    "paused": N_("Paused."),
    "resumed": N_("Resumed. It is polled now."),
    "not-paused": N_("It was not paused."),
    "polled": N_("It is polled now."),
    "held": N_("It is paused and cannot be polled: resume it first."),
    "no-beat": N_("No beat knows this account yet: it is polled when one starts."),
    "replayed": N_("Sent to their handlers again: %(count)s. A letter leaves when its message is handled."),
    "dropped": N_("Dropped for good: %(count)s."),
    "none": N_(
        "There was nothing to do: these letters are gone, are queued already, or were never readable as messages."
    ),
}
"""What is said after something was done."""

TALLY = {
    "calls": N_("Calls"),
    "points": N_("Points (fen)"),
    "pulled": N_("Pulled"),
    "handled": N_("Handled"),
    "ignored": N_("Ignored"),
    "unhandled": N_("Without a handler"),
    "duplicate": N_("Duplicates"),
    "superseded": N_("Superseded"),
    "failed_tries": N_("Failed tries"),
    "dead": N_("Buried"),
    "late_confirms": N_("Confirmed late"),
    "unconfirmed": N_("Not confirmed"),
    "discarded": N_("Polls discarded"),
}
"""What is counted of an account a day."""

WHATS = {
    "login": N_("logged in"),
    "login refused": N_("was not let in"),
    "logout": N_("logged out"),
    "pause account": N_("paused the account"),
    "pause gateway": N_("paused the gateway"),
    "resume account": N_("resumed the account"),
    "resume gateway": N_("resumed the gateway"),
    "poll account": N_("had the account polled"),
    "show letter": N_("read the content of the letter"),
    "replay letters": N_("replayed letters"),
    "drop letters": N_("dropped letters"),
}
"""What the audit says somebody did."""

ROLES = {"operator": N_("Operator"), "reader": N_("Reader")}

SPANS: dict[str, tuple[str, float | None]] = {
    "": (N_("until it is resumed"), None),
    "15m": (N_("15 minutes"), 900.0),
    "1h": (N_("1 hour"), 3600.0),
    "1d": (N_("1 day"), 86400.0),
}
"""For how long somebody may be paused."""
