"""Statements and ledgers for accounting: they add up, and their CSV files are safe to open."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.http.csv import Csv, escape_formula, prefers_csv
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.support.people import People, Person
from tests.support.purchases import buy_and_pay


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def statement(seller: Person, query: str = "") -> Any:
    reply = seller.api.get(f"/v1/resellers/me/statement{query}")
    assert reply.status == 200, reply.text
    return reply.json


def test_a_statement_adds_up(people: People, stripe: StripeSimulator) -> None:
    seller = people.reseller(licenses=5)
    admin = people.admin.api
    where = f"/v1/resellers/{seller.reseller_id}"
    bought = buy_and_pay(seller, stripe, 10)
    reply = admin.post(f"{where}/purchases/{bought['id']}/refunds", {"licenses": 4, "reason": "x"})
    assert reply.status in (200, 201), reply.text
    admin.post(f"{where}/license-adjustments", {"change": -2, "reason": "Unused"})
    account = get(Reseller, str(seller.reseller_id))
    assert account is not None
    table_edits.edit(account, license_count=account.license_count + 7)
    run = admin.post("/v1/reconciliations", {}).json
    (found,) = admin.get(f"/v1/reconciliations/{run['id']}/findings").json["data"]
    decision = {"action": "adopt", "reason": "=HYPERLINK"}
    admin.post(f"/v1/reconciliations/{run['id']}/findings/{found['id']}/resolution", decision)
    made = statement(seller)
    assert made["licenses"] == {
        "opening": 0,
        "allocated": 5,
        "purchased": 10,
        "refunded": 4,
        "revoked": 2,
        "synced": 7,
        "reinstated": 0,
        "disputed": 0,
        "closing": 16,
    }
    assert made["licenses"]["closing"] == seller.api.get(f"{where}/licenses").json["license_count"]
    (money,) = made["money"].values()
    assert money["gross"] == 20000
    assert money["net"] == money["gross"] - money["refunded"]
    assert made["purchases"][0]["invoice_url"]

    csv_reply = seller.api.get(
        "/v1/resellers/me/statement", headers={"Accept": "text/csv, application/json;q=0.5"}
    )
    assert csv_reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = csv_rows(csv_reply.text)
    assert [row["line"] for row in rows] == [
        "opening",
        "allocation",
        "purchase",
        "refund",
        "revocation",
        "sync",
        "closing",
    ]
    assert [row["balance"] for row in rows] == ["0", "5", "15", "11", "9", "16", "16"]
    assert rows[5]["reason"] == "'=HYPERLINK"
    assert rows[3]["licenses"] == "-4", "numbers must not be escaped"


def test_a_statement_covers_its_period(people: People, frozen: TestClock) -> None:
    frozen.current = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
    seller = people.reseller(licenses=5)
    frozen.advance(timedelta(hours=2))
    where = f"/v1/resellers/{seller.reseller_id}"
    people.admin.api.post(f"{where}/license-adjustments", {"change": 3, "reason": "More"})
    made = statement(seller, "?month=2026-10")["licenses"]
    assert (made["opening"], made["allocated"], made["closing"]) == (0, 5, 5)
    made = statement(seller, "?month=2026-11")["licenses"]
    assert (made["opening"], made["allocated"], made["closing"]) == (5, 3, 8)
    assert statement(seller)["from"] == "2026-11-01T00:00:00.000Z"
    made = statement(seller, "?from=2026-10-01&to=2026-12-01")["licenses"]
    assert (made["opening"], made["allocated"], made["closing"]) == (0, 8, 8)
    made = statement(seller, "?month=2027-01")["licenses"]
    assert (made["opening"], made["closing"]) == (8, 8)


OCTOBER = datetime(2026, 10, 10, tzinfo=UTC)


def session_of(bought: dict[str, str]) -> str:
    return bought["checkout_url"].rsplit("/", 1)[1]


def money_of(seller: Person, month: str) -> tuple[int, int, int]:
    """Return a month's gross, refunded, and disputed cents, after checking that the CSV agrees."""
    seller.sign_in_again()
    found = statement(seller, f"?month={month}")
    sums = {"gross": 0, "refunded": 0, "disputed": 0} | found["money"].get("usd", {})
    text = seller.api.get(
        f"/v1/resellers/me/statement?month={month}", headers={"Accept": "text/csv"}
    ).text
    for column, name in (("paid", "gross"), ("refunded", "refunded"), ("disputed", "disputed")):
        assert sum(int(row[column] or 0) for row in csv_rows(text)) == sums[name]
        assert sum(row[f"amount_{column}"] for row in found["purchases"]) == sums[name]
    return sums["gross"], sums["refunded"], sums["disputed"]


def test_a_late_webhook_books_money_and_licenses_in_the_same_month(
    people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    frozen.current = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
    seller = people.reseller()
    buy_and_pay(seller, stripe, 10, deliver=False)
    frozen.current = datetime(2026, 11, 1, 0, 5, tzinfo=UTC)
    run_sweep()
    assert money_of(seller, "2026-10") == (0, 0, 0)
    assert money_of(seller, "2026-11") == (20000, 0, 0)
    assert statement(seller, "?month=2026-11")["licenses"]["purchased"] == 10


def test_a_later_refund_does_not_change_closed_months(
    people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    frozen.current = OCTOBER
    seller = people.reseller()
    bought = buy_and_pay(seller, stripe, 10)
    frozen.current = datetime(2026, 12, 10, tzinfo=UTC)
    stripe.refund(session_of(bought), 5000)
    settle(read_purchase(str(seller.reseller_id), bought["id"]))
    assert money_of(seller, "2026-10") == (20000, 0, 0)
    assert money_of(seller, "2026-12") == (0, 5000, 0)
    (purchase,) = statement(seller, "?month=2026-12")["purchases"]
    assert (purchase["amount_paid"], purchase["amount_refunded"]) == (0, 5000)


def test_a_won_dispute_gives_the_money_back(
    people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    """Licenses count as purchased even if the purchase was disputed before it was credited."""
    frozen.current = OCTOBER
    seller = people.reseller()
    session = session_of(buy_and_pay(seller, stripe, 10, deliver=False))
    dispute = stripe.open_dispute(session)
    run_sweep()
    assert money_of(seller, "2026-10") == (20000, 0, 20000)
    frozen.current = datetime(2026, 11, 2, tzinfo=UTC)
    stripe.win_dispute(dispute["id"])
    run_sweep()
    assert money_of(seller, "2026-11") == (0, 0, -20000)
    assert statement(seller, "?month=2026-11")["licenses"]["purchased"] == 10


@pytest.mark.parametrize(
    "query",
    [
        "?month=2026-13",
        "?month=0000-01",
        "?month=2026-1",
        "?month=9999-12",
        "?from=never",
        "?from=2026-11-02&to=2026-11-01",
        "?month=2026-11&from=2026-11-01",
        "?from=9999-12-31&to=99999-01-01",
        "?from=2026-11-01T00:00:00%2B99:00",
    ],
)
def test_an_invalid_period_is_refused(people: People, query: str) -> None:
    reply = people.reseller().api.get(f"/v1/resellers/me/statement{query}")
    assert (reply.status, reply.code) == (422, "invalid_request")


@pytest.mark.parametrize("query", ["?from=0001-01-01", "?to=9999-12-31", "?month=9998-12"])
def test_a_very_long_period_is_accepted(people: People, query: str) -> None:
    assert statement(people.reseller(licenses=1), query)["licenses"]["closing"] in (0, 1)


def test_the_ledger_can_be_downloaded_as_csv(people: People) -> None:
    seller = people.reseller(licenses=5)
    seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"})
    reply = seller.api.get("/v1/resellers/me/ledger", headers={"Accept": "text/csv"})
    assert [row["kind"] for row in csv_rows(reply.text)] == ["tenant_created", "allocation"]
    assert reply.headers["Content-Disposition"] == 'attachment; filename="ledger-company-1.csv"'
    assert reply.headers["Vary"] == "Accept"


def test_another_resellers_statement_is_not_found(people: People) -> None:
    one, other = people.reseller(), people.reseller()
    for noun in ("statement", "ledger", "diagnosis"):
        reply = one.api.get(
            f"/v1/resellers/{other.reseller_id}/{noun}", headers={"Accept": "text/csv"}
        )
        assert reply.status == 404


@pytest.mark.parametrize(("letter", "fits"), [("a", True), ("é", False), ("界", False)])
def test_the_size_limit_counts_the_encoded_response(letter: str, fits: bool) -> None:
    """Lambda's 6 MB limit applies to JSON, which escapes a non-ASCII character to six bytes."""
    made = Csv("ledger.csv", ["reason"], ([letter * 1000] for _ in range(1000)))
    if fits:
        assert made.text().count(letter) >= 1_000_000
    else:
        with pytest.raises(InvalidRequest):
            made.text()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_spreadsheet_formulas_are_escaped(start: str) -> None:
    assert escape_formula(f"{start}1+1") == f"'{start}1+1"
    assert escape_formula(-1) == -1


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, False),
        ("*/*", False),
        ("text/csv", True),
        ("Text/CSV; charset=utf-8", True),
        ("application/json, text/csv", False),
        ("text/csv, application/json", True),
    ],
)
def test_the_accept_header_selects_csv(accept: str | None, wanted: bool) -> None:
    assert prefers_csv(accept) == wanted
