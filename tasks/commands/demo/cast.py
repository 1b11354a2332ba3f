"""Who plays in the demo: six accounts on three platforms, and the accounts file that says so."""

from dataclasses import dataclass

from tasks.sandbox.sample import account, gateway


@dataclass(frozen=True, slots=True)
class Actor:
    """One account behind a gateway named for its platform. `place` is its group on taobao and qianmi, its shop on vvtool."""

    name: str
    platform: str
    place: str

    @property
    def where(self) -> dict[str, str]:
        """Its queue as the sandbox names it."""
        return {"shop_id" if self.platform == "vvtool" else "group": self.place}

    @property
    def confirms(self) -> bool:
        """Whether its platform can be told that a message is done with."""
        return self.platform != "vvtool"


CAST = (
    Actor("shop-1", "taobao", "g1"),
    Actor("shop-2", "taobao", "g2"),
    Actor("seller-1", "qianmi", "A854800"),
    Actor("seller-2", "qianmi", "A854801"),
    Actor("mall-1", "vvtool", "123"),
    Actor("mall-2", "vvtool", "456"),
)

EXPIRED = CAST[1]
"""Whose session has expired when the curtain rises."""

FLAKY = "qianmi"
"""The platform that fails now and then."""

SECRETS = {
    "DEMO_TAOBAO_SECRET": "helloworld",
    "DEMO_QIANMI_SECRET": "helloworld",
    "DEMO_VVTOOL_TOKEN": "test-token",
    "DEMO_OLD_SESSION": "expired-session",
    "DEMO_NEW_SESSION": "test-session",
}
"""The sandbox's own invented keys, for the environment."""

CREDENTIALS = {
    "taobao": {"app_key": "12345678", "app_secret": "env:DEMO_TAOBAO_SECRET"},
    "qianmi": {"app_key": "10000001", "app_secret": "env:DEMO_QIANMI_SECRET"},
    "vvtool": {"token": "env:DEMO_VVTOOL_TOKEN"},
}


def accounts_file(
    url: str, lease: float, *, renewed: bool = False, quantity: int = 50, poll: tuple[float, float] = (0.5, 2)
) -> str:
    """The accounts file for a sandbox at `url` whose leases last so many seconds; `renewed` has the new session in it."""
    session = {"session": f"env:{'DEMO_NEW_SESSION' if renewed else 'DEMO_OLD_SESSION'}"}
    pace = {"quantity": quantity, "poll.min": poll[0], "poll.max": poll[1]}
    gateways = [gateway(name, url, lease_seconds=lease, **own) for name, own in CREDENTIALS.items()]
    accounts = [
        account(actor.name, actor.platform, **actor.where, **pace, **(session if actor is EXPIRED else {}))
        for actor in CAST
    ]
    return "".join(gateways + accounts)
