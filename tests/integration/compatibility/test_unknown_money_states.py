"""A refund state of a later release moves no money and no license.

An unknown status of a purchase is derived from Stripe again. Without a session, it stays.
"""

from typing import Any

import pytest

from chalicelib.domain.actors import Actor
from chalicelib.domain.purchases import Status
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.reconciliation import runs
from chalicelib.services.refunds.refund_requests import resume_refund
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.purchases import UNSETTLED, RefundState
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.people import People
from tests.support.purchases import Sale

UNKNOWN_STATE = "awaiting_approval"


@pytest.fixture
def sale(people: People, stripe: StripeSimulator) -> Sale:
    return Sale(people, stripe, quantity=10)


def edit_refund(sale: Sale, **fields: Any) -> None:
    row = sale.row()
    ((id, entry),) = row.refunds.items()
    table_edits.edit(row, refunds={id: {**entry, **fields}})


@pytest.mark.parametrize("granted", [9, 10])
def test_a_free_refund_leaves_the_licenses_as_they_are(sale: Sale, granted: int) -> None:
    """One of 10 licenses was given back for no money, or is about to be: 9 cost more than 10."""
    assert sale.refund(1).status == 201
    assert sale.licenses() == 9
    if granted == 10:  # as before the refund took effect
        edit_refund(sale, state=RefundState.REFUSED)
        settle(sale.row())
    edit_refund(sale, state=UNKNOWN_STATE)
    settled = settle(sale.row())
    assert (settled.granted, sale.licenses()) == (0, granted)


def test_a_refund_is_neither_resumed_nor_closed(sale: Sale, stripe: StripeSimulator) -> None:
    stripe.faults.fail(next=3, method="POST", path="/v1/refunds")
    assert sale.refund(5).status == 502
    edit_refund(sale, state=UNKNOWN_STATE)
    resume_refund(sale.row())
    run_sweep()
    assert [r.state for r in sale.row().refund_list] == [UNKNOWN_STATE]
    assert sale.row().unsettled == UNSETTLED, "the later release still finds it"
    assert (stripe.all("refund"), sale.licenses()) == ([], 10)


def test_another_refund_waits_until_the_first_is_understood(sale: Sale) -> None:
    assert sale.refund(1).status == 201
    edit_refund(sale, state=UNKNOWN_STATE)
    refused = sale.refund(2)
    assert refused.status == 422
    assert UNKNOWN_STATE in refused.text


def test_a_purchase_without_a_session_keeps_its_status(sale: Sale) -> None:
    """Stripe can't tell what it is, so it stays where the later release looks for it."""
    table_edits.edit(sale.row(), status="on_hold", session_id=None, unsettled=UNSETTLED)
    settled = settle(sale.row())
    assert (settled.granted, settled.purchase.status) == (0, "on_hold")
    assert settled.purchase.unsettled == UNSETTLED
    assert sale.refund(1).status == 422


def test_a_purchase_with_a_session_takes_the_status_that_stripe_gives_it(sale: Sale) -> None:
    table_edits.edit(sale.row(), status="on_hold")
    settled = settle(sale.row())
    assert (settled.granted, settled.purchase.status) == (0, Status.PAID)


def test_a_paid_purchase_without_its_grant_is_not_credited_twice(
    sale: Sale, caplog: pytest.LogCaptureFixture
) -> None:
    """Someone removed `licenses_granted` in the console. It would read as 0."""
    table_edits.edit(sale.row(), licenses_granted=None)
    settled = settle(sale.row())
    run_sweep()
    assert (settled.granted, settled.changed, sale.licenses()) == (0, False, 10)
    assert "lacks licenses_granted" in caplog.text
    report = runs.start_run("whole", apply=True, by=Actor("schedule"), seconds_left=lambda: 60.0)
    assert sale.licenses() == 10
    findings = f"/v1/reconciliations/{report.id}/findings"
    (found,) = sale.admin.api.get(findings).json["data"]
    decision = {"action": "repair", "reason": "Removed by mistake"}
    repaired = sale.admin.api.post(f"{findings}/{found['id']}/resolution", decision)
    assert repaired.status == 200
    assert (sale.row().licenses_granted, sale.licenses()) == (10, 10)
    assert settle(sale.row()).granted == 0
