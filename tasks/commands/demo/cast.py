"""Who plays in the demo: six accounts on three platforms, and the accounts file that says so."""

from dataclasses import dataclass


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
    "taobao": 'app_key = "12345678"\napp_secret = "env:DEMO_TAOBAO_SECRET"',
    "qianmi": 'app_key = "10000001"\napp_secret = "env:DEMO_QIANMI_SECRET"',
    "vvtool": 'token = "env:DEMO_VVTOOL_TOKEN"',
}

GATEWAY = """\
[gateways.{name}]
platform = "{name}"
url = "{url}"
lease_seconds = {lease:g}
{credentials}

"""

ACCOUNT = """\
[accounts.{name}]
gateway = "{platform}"
{kind} = "{place}"
quantity = {quantity}
poll = {{ min = {least}, max = {most} }}
"""


def accounts_file(
    url: str, lease: float, *, renewed: bool = False, quantity: int = 50, poll: tuple[float, float] = (0.5, 2)
) -> str:
    """The accounts file for a sandbox at `url` whose leases last so many seconds; `renewed` has the new session in it."""
    text = "".join(
        GATEWAY.format(name=name, url=url, lease=lease, credentials=credentials)
        for name, credentials in CREDENTIALS.items()
    )
    for actor in CAST:
        ((kind, place),) = actor.where.items()
        texts = {"name": actor.name, "platform": actor.platform, "kind": kind, "place": place}
        text += ACCOUNT.format(**texts, quantity=quantity, least=poll[0], most=poll[1])
        if actor is EXPIRED:
            text += f'session = "env:{"DEMO_NEW_SESSION" if renewed else "DEMO_OLD_SESSION"}"\n'
    return text
