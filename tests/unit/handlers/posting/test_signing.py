"""Signatures, checked by the package of those who wrote the specification."""

import time
from base64 import b64encode

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from handlers import HandlersError
from handlers.posting.signing import signer

SECRET = "whsec_" + b64encode(b"invented for this test, 32 bytes").decode()
OTHER = "whsec_" + b64encode(b"another one, invented, 32 bytes.").decode()
BODY = b'{"type": "t", "data": {"content": "\xe9\x9b\xa8"}}'


def test_the_independent_package_takes_them() -> None:
    headers = signer(SECRET, "V").headers("taobao-1", int(time.time()), BODY)
    assert Webhook(SECRET).verify(BODY, headers)
    for wrong in (
        {**headers, "webhook-id": "taobao-2"},
        {**headers, "webhook-timestamp": str(int(time.time()) + 1)},
        {**headers, "webhook-timestamp": "1"},
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(BODY, wrong)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY + b" ", headers)


def test_with_two_secrets_a_receiver_may_have_either() -> None:
    headers = signer(f"{SECRET} {OTHER}", "V").headers("taobao-1", int(time.time()), BODY)
    assert Webhook(SECRET).verify(BODY, headers) == Webhook(OTHER).verify(BODY, headers)


def test_a_signer_tells_no_key() -> None:
    assert "invented" not in repr(signer(SECRET, "V"))


@pytest.mark.parametrize(
    "wrong", ["hunter2", "whsec_", "whsec_hunter2", f"whsec_{'QUJD' * 7}", f"whsec_{'QUJD' * 22}", f"{SECRET} hunter2"]
)
def test_what_is_no_secret_is_an_error_that_says_how_to_make_one(wrong: str) -> None:
    with pytest.raises(HandlersError, match="TIDINGS_WEBHOOK_SECRET: write whsec_") as caught:
        signer(wrong, "TIDINGS_WEBHOOK_SECRET")
    assert "hunter2" not in str(caught.value)
    assert "QUJD" not in str(caught.value)
