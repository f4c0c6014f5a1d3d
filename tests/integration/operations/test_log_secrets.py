"""The leak detector (tests/integration/conftest.py) notices secrets in the logs."""

import pytest

from chalicelib.observability import logger
from tests.support.leaks import LeakDetector
from tests.support.mail import mails_to
from tests.support.people import PASSWORD, People


def test_the_detector_knows_every_kind_of_secret(people: People, leaks: LeakDetector) -> None:
    reseller = people.reseller()
    key = reseller.api.post("/v1/resellers/me/api-keys", {"name": "K", "scopes": ["read"]})
    reseller.api.post("/v1/password/reset-request", {"email": reseller.email})
    link = mails_to(reseller.email)[-1]["text"].partition("token=")[2].split()[0]
    credentials = {"email": reseller.email, "password": PASSWORD}
    session_token = reseller.api.post("/v1/login", credentials, key="once").json["token"]
    for token in (reseller.api.token, key.json["key"], link, session_token):
        assert str(token).partition(".")[2] in leaks.secrets
    assert PASSWORD in leaks.secrets
    assert len(leaks.lines) > 5


@pytest.mark.parametrize("secret", ["a-secret-of-this-test", "with “quotes” and ünïcode"])
def test_the_detector_finds_a_leak(leaks: LeakDetector, secret: str) -> None:
    leaks.secrets.add(secret)
    logger.info("Something", extra={"document": {"nested": [f"Bearer {secret}"]}})
    assert leaks.found() == {secret}
    leaks.lines.clear()
    logger.error("Unexpected", exc_info=ValueError(secret))
    assert leaks.found() == {secret}
    leaks.lines.clear()
