"""Record the rows of this release: `python -m tests.integration.compatibility.record 2026-11`.

Run it once per release that adds a table, a status, or another kind of row, and commit the new
folder. Never record over an old one: those rows stand for what is in a database already.
"""

import sys
from datetime import UTC, datetime

import pytest

from app import app
from chalicelib import clock
from chalicelib.payments import client as stripe_client
from chalicelib.services.core import hashing
from chalicelib.services.domains import txt_records
from chalicelib.settings import settings
from infra.local.aws import create_tables, local_aws
from infra.local.stripe_simulator.client import InProcessHTTPClient
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.integration.compatibility.recordings import RECORDED, write
from tests.integration.compatibility.scenario import Scenario
from tests.support.api import Api
from tests.support.people import People
from tests.support.tables import stored_items

BEGINNING = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def main() -> None:
    (release,) = sys.argv[1:]
    if (RECORDED / release).exists():
        sys.exit(f"{release} is recorded already.")
    with local_aws(), pytest.MonkeyPatch.context() as monkeypatch:
        create_tables()
        frozen = TestClock()
        frozen.advance(BEGINNING - frozen.now())
        monkeypatch.setattr(clock, "now", frozen.now)
        monkeypatch.setattr(hashing, "PASSES", 1)
        monkeypatch.setattr(hashing, "MEMORY_KIB", 8)
        stripe = StripeSimulator(
            api_key=settings().stripe_secret_key,
            webhook_secrets=settings().stripe_webhook_secrets,
            clock=lambda: frozen.now().timestamp(),
            seed="recorded",
        )
        monkeypatch.setattr(stripe_client, "transport", lambda: InProcessHTTPClient(stripe))
        scenario = Scenario(People(Api(app)), stripe, frozen, monkeypatch)
        monkeypatch.setattr(txt_records, "look_up_txt", scenario.look_up)
        people = scenario.play()
        write(release, stored_items(), stripe, frozen.now(), people)


if __name__ == "__main__":
    main()
