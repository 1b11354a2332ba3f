"""Whom a batch is confirmed for: its account may have left, moved to another app or changed its platform since it was pulled."""

from tasks import runtime
from tasks.accounts import Account
from tasks.rules.lease import Batch


def account(batch: Batch) -> Account | None:
    """The account as it was called for the batch: behind the gateway that it came by, while that is there. None for one that is
    gone or of another platform now, which knows nothing of these messages."""
    found, gateway = runtime.account(batch.account), runtime.accounts().gateways.get(batch.gateway)
    if found is None or (platform(batch) or found.gateway.platform) != found.gateway.platform:
        return None
    if gateway is None or gateway.platform != found.gateway.platform:
        return found
    return found if gateway is found.gateway else found.model_copy(update={"gateway": gateway})


def platform(batch: Batch) -> str:
    """The platform that sent the batch; an earlier version has not said it, then that of its gateway; "" for one that is gone."""
    gateway = runtime.accounts().gateways.get(batch.gateway)
    return batch.platform or (gateway.platform if gateway else "")
