"""Gateways of accounts files in which `{url}` stands for a sandbox, each to be followed by more of its keys or by accounts."""

TAOBAO = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
"""

QIANMI = """
[gateways.qm]
platform = "qianmi"
app_key = "10000001"
app_secret = "env:QM_SECRET"
url = "{url}"
"""

VVTOOL = """
[gateways.vv]
platform = "vvtool"
token = "env:VV_TOKEN"
url = "{url}"
"""


def all_three(lease_seconds: int) -> str:
    """One gateway of each platform."""
    return "".join(f"{each}lease_seconds = {lease_seconds}\n" for each in (TAOBAO, QIANMI, VVTOOL))
