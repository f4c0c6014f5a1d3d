"""An installation whose tables hold the recorded rows, or rows of another release."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app import app
from chalicelib import clock
from chalicelib.observability import logger
from chalicelib.payments import client as stripe_client
from chalicelib.services.domains import txt_records
from chalicelib.settings import settings
from infra.local.stripe_simulator.client import InProcessHTTPClient
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.integration.compatibility import recordings
from tests.integration.compatibility.recordings import Item, Tables
from tests.integration.compatibility.scenario import MISSING
from tests.integration.compatibility.variants import VARIANTS, lost, overwritten
from tests.support.api import Api
from tests.support.fast_moto import fast_moto
from tests.support.people import Person
from tests.support.tables import copy_rows, key_columns, load_rows, put_items, stored_items


@dataclass
class Installation:
    """`rows` are the rows as they were loaded, by table and key."""

    release: str
    variant: str
    people: dict[str, Person]
    stripe: StripeSimulator
    clock: TestClock
    rows: Tables
    errors: "ErrorLog"

    def pools(self) -> dict[str, tuple[int, int]]:
        """Return each reseller's license_count and license_used, as they are stored."""
        return {
            row["id"]["S"]: (_number(row, "license_count"), _number(row, "license_used"))
            for row in stored_items()["resellers"]
        }

    def lost_fields(self) -> list[tuple[str, ...]]:
        """Return the unknown columns and fields that a write dropped."""
        now = {noun: _by_key(noun, items) for noun, items in stored_items().items()}
        return sorted(
            {
                tuple(path)
                for noun, items in self.rows.items()
                for key, before in _by_key(noun, items).items()
                if key in now[noun]
                for path in lost(before, now[noun][key], (noun,))
            }
        )

    def overwritten_values(self) -> list[tuple[str, ...]]:
        """Return the unknown values that were replaced without checking the facts again."""
        if self.variant != "unknown_values":
            return []
        now = {noun: _by_key(noun, items) for noun, items in stored_items().items()}
        return sorted(
            {
                path
                for noun, items in self.rows.items()
                for key, before in _by_key(noun, items).items()
                if key in now[noun]
                for path in overwritten(before, now[noun][key], (noun,))
                if not _is_checked_again(path, before)
            }
        )


def _is_checked_again(path: tuple[str, ...], row: Item) -> bool:
    """Return whether the facts behind a column are read again whenever it is written.

    Stripe has the facts of a purchase with a session, the name servers those of a finding, and
    the reseller's row those of its license supply.
    """
    if path == ("purchases", "status"):
        return "session_id" in row
    return path in {("domains", "finding"), ("resellers", "supply_told")}


def _number(item: Item, column: str) -> int:
    return int(item.get(column, {"N": "0"})["N"])


def _by_key(noun: str, items: list[Item]) -> dict[tuple[str, ...], Item]:
    names = key_columns(noun)
    return {tuple(item[name]["S"] for name in names): item for item in items}


class ErrorLog(logging.Handler):
    """Collects what is logged as an error: on AWS each of them raises an alarm."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        exception = record.exc_info[1] if record.exc_info else None
        self.messages.append(f"{record.getMessage()}: {exception!r}")


@pytest.fixture(params=recordings.RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


_loaded: dict[tuple[str, str], Any] = {}


@pytest.fixture
def installation(
    release: str,
    variant: str,
    tables: None,
    frozen: TestClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Installation]:
    recorded_at, known = recordings.read_scene(release)
    frozen.advance(recorded_at - frozen.now())
    if (release, variant) not in _loaded:
        put_items(VARIANTS[variant](recordings.read_tables(release)))
        _loaded[release, variant] = copy_rows()
    load_rows(_loaded[release, variant])
    monkeypatch.setattr(txt_records, "look_up_txt", lambda _name, _expected: MISSING)
    stripe = StripeSimulator(
        api_key=settings().stripe_secret_key,
        webhook_secrets=settings().stripe_webhook_secrets,
        clock=lambda: clock.now().timestamp(),
        seed=variant,
    )
    recordings.restore_stripe(release, stripe)
    monkeypatch.setattr(stripe_client, "transport", lambda: InProcessHTTPClient(stripe))
    stripe_client.client_with.cache_clear()
    people = {name: Person(Api(app), **columns) for name, columns in known.items()}
    errors = ErrorLog()
    logger.addHandler(errors)
    with fast_moto():
        yield Installation(release, variant, people, stripe, frozen, stored_items(), errors)
    logger._logger.removeHandler(errors)
    stripe_client.client_with.cache_clear()
