"""Variables that look like settings and are none."""

import pytest

from tasks.settings import Settings, passed_over, unknown


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TIDINGS_HANDLER", "TIDINGS_HANDLERS"),
        ("TIDINGS_REDIS", "TIDINGS_REDIS_URL"),
        ("TIDINGS_ACOUNTS", "TIDINGS_ACCOUNTS"),
        ("tidings_handlrs", "TIDINGS_HANDLERS"),
        ("TIDINGS_WEBHOK_URL", "TIDINGS_WEBHOOK_URL"),  # a part's own setting
        ("TIDINGS_STREEM_KEY", "TIDINGS_STREAM_KEY"),
        ("TIDINGS_DATABSE_URL", "TIDINGS_DATABASE_URL"),
        ("TIDINGS_WEB_PASSWROD", "TIDINGS_WEB_PASSWORD"),  # whoever starts the rest with it is told, not `web` alone
        ("TIDINGS_WEBPASSWORD", "TIDINGS_WEB_PASSWORD"),
        ("TIDING_REDIS_URL", "TIDINGS_REDIS_URL"),
        ("TIDNGS_HANDLERS", "TIDINGS_HANDLERS"),
        ("tiding_accounts", "TIDINGS_ACCOUNTS"),
        ("TIDING_WEB_PASSWORD", "TIDINGS_WEB_PASSWORD"),
        ("TIDINGSHANDLERS", "TIDINGS_HANDLERS"),
        ("tidings_web_password", "TIDINGS_WEB_PASSWORD"),  # read as it is written, and so is what parts read themselves
        ("Tidings_Webhook_Url", "TIDINGS_WEBHOOK_URL"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(name: str, meant: str) -> None:
    assert unknown([name, "PATH"]) == [f"{name} is no setting of Tidings: did you mean {meant}?"]


def test_what_is_like_nothing_does_nothing() -> None:
    assert unknown(["TIDINGS_COLOUR_OF_THE_SEA"]) == [
        "TIDINGS_COLOUR_OF_THE_SEA is no setting of Tidings and does nothing"
    ]


def test_settings_and_other_peoples_variables_are_not_told() -> None:
    assert unknown([*(f"TIDINGS_{name.upper()}" for name in Settings.model_fields), "tidings_home", "HOME"]) == []
    assert unknown(["TIDINGS_TEST_EXAMPLES"]) == []
    assert unknown(f"TIDINGS_WEB_{name}" for name in ("PASSWORD", "READONLY", "HOSTS", "PROXY", "SECURE")) == []
    assert (
        unknown(
            ["HANDLERS", "REDIS_URL", "TIDING_COLOUR", "TIMINGS_LOG", "READINGS_HOME", "TIDY_LOG", "BUILDINGS_DEBUG"]
        )
        == []
    )


def test_an_address_of_other_applications_is_told_without_its_password() -> None:
    said = passed_over({"CELERY_BROKER_URL": "redis://:secret@h", "CELERY_RESULT_BACKEND": ""})
    ours = "TIDINGS_BROKER_URL and TIDINGS_REDIS_URL"
    assert said == [f"CELERY_BROKER_URL is set, here or by an option of Celery's: Tidings goes by {ours} alone"]
