"""Whom a batch is confirmed for: its account may have left, moved to another app or group or changed its platform since it was
pulled."""

from tasks import runtime
from tasks.accounts import DEFAULT_GROUP, Account, TaobaoAccount
from tasks.rules.lease import Batch


def account(batch: Batch) -> Account | None:
    """The account as it was called for the batch: behind the gateway that it came by, while that is there, and in the group that
    it was pulled in. None for one that is gone or of another platform now, which knows nothing of these messages."""
    found, gateway = runtime.account(batch.account), runtime.accounts().gateways.get(batch.gateway)
    if found is None or (platform(batch) or found.gateway.platform) != found.gateway.platform:
        return None
    before: dict[str, object] = {}
    if gateway is not None and gateway.platform == found.gateway.platform and gateway is not found.gateway:
        before["gateway"] = gateway
    if isinstance(found, TaobaoAccount) and batch.group not in ("", found.group or DEFAULT_GROUP):
        before["group"] = batch.group
    return found.model_copy(update=before) if before else found


def platform(batch: Batch) -> str:
    """The platform that sent the batch; an earlier version has not said it, then that of its gateway; "" for one that is gone."""
    gateway = runtime.accounts().gateways.get(batch.gateway)
    return batch.platform or (gateway.platform if gateway else "")
