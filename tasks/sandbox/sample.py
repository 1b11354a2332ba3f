"""An accounts file that fits the sandbox as it starts."""

TEMPLATE = """\
# accounts.toml for this sandbox. Its keys, secrets and tokens are invented: literals are fine here, and only here.

[gateways.taobao]
platform = "taobao"
url = "{url}/router/rest"
app_key = "12345678"
app_secret = "helloworld"
lease_seconds = {taobao:g}

[gateways.qianmi]
platform = "qianmi"
url = "{url}/api"
app_key = "10000001"
app_secret = "helloworld"
access_token = "test-token"
lease_seconds = {qianmi:g}

[gateways.vvtool]
platform = "vvtool"
url = "{url}/tool/erps/tbconsume"
token = "test-token"
calls_per_second = 10

[accounts.shop-1]
gateway = "taobao"
session = "test-session"

[accounts.shop-2]
gateway = "qianmi"

[accounts.shop-3]
gateway = "vvtool"
shop_id = "123"
"""

LEAST_LEASE = 5
"""The shortest lease that an accounts file takes, in seconds."""


def accounts_file(url: str, *, taobao: float, qianmi: float) -> str:
    """TOML text with a gateway and an account for each platform; the leases are in seconds."""
    return TEMPLATE.format(url=url, taobao=max(taobao, LEAST_LEASE), qianmi=max(qianmi, LEAST_LEASE))
