"""That the watch over the logs (tests/integration/conftest.py) sees what it should."""

import pytest

from chalicelib.observability import logger
from tests.support.leaks import LeakDetector
from tests.support.mail import mails_to
from tests.support.people import PASSWORD, People


def test_every_kind_of_secret_is_watched_for(people: People, leaks: LeakDetector) -> None:
    someone = people.reseller()
    key = someone.api.post("/v1/resellers/me/api-keys", {"name": "K", "scopes": ["read"]})
    someone.api.post("/v1/password/reset-request", {"email": someone.email})
    link = mails_to(someone.email)[-1]["text"].partition("token=")[2].split()[0]
    keyed = {"email": someone.email, "password": PASSWORD}
    derived = someone.api.post("/v1/login", keyed, key="once").json["token"]
    for token in (someone.api.token, key.json["key"], link, derived):
        assert str(token).partition(".")[2] in leaks.secrets
    assert PASSWORD in leaks.secrets
    assert len(leaks.lines) > 5


@pytest.mark.parametrize("secret", ["a-secret-of-this-test", "with “quotes” and ünïcode"])
def test_a_leak_would_be_found(leaks: LeakDetector, secret: str) -> None:
    leaks.secrets.add(secret)
    logger.info("Something", extra={"document": {"nested": [f"Bearer {secret}"]}})
    assert leaks.found() == {secret}
    leaks.lines.clear()
    logger.error("Unexpected", exc_info=ValueError(secret))
    assert leaks.found() == {secret}
    leaks.lines.clear()
