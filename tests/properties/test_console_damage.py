"""Reconciliation repairs arbitrary edits made in the AWS console.

Once every repair is approved, the invariants hold, another run finds nothing, and rows that were
not damaged are unchanged.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib import settings as app_settings
from chalicelib.domain.actors import Actor
from chalicelib.domain.findings import Action, Code
from chalicelib.errors import TenantryError, VersionConflict
from chalicelib.payments import client as stripe_client
from chalicelib.services.identity import users
from chalicelib.services.purchases import checkout
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.reconciliation import resolution, runs
from chalicelib.services.reconciliation.name_checks import claim_name_of, key_of
from chalicelib.services.resellers import accounts
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.claims import Claim
from chalicelib.storage.findings import OPEN, FindingRow
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.users import User
from infra.local import table_edits
from infra.local.stripe_simulator import InvalidAction, StripeSimulator
from infra.local.stripe_simulator.client import InProcessHTTPClient
from tests.support import purchase_fixtures
from tests.support.console_edits import DAMAGE, ConsoleEditor
from tests.support.fast_moto import fast_moto
from tests.support.tables import empty_tables

PARTS = 4
EXAMPLES = 12  # per part
ROUNDS = 8
BY = Actor("usr_admin")
MODELS = (User, Reseller, Tenant, Purchase, LedgerEntry, Claim)

numbers = st.integers(0, 1000)
histories = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "create",
                "delete",
                "deactivate",
                "restore",
                "adjust",
                "buy",
                "pay",
                "refund",
                "dispute",
            ]
        ),
        numbers,
    ),
    min_size=2,
    max_size=12,
)
damage_lists = st.lists(st.tuples(st.sampled_from(sorted(DAMAGE)), numbers), min_size=1, max_size=5)


class World:
    """Two accounts to damage, one that stays intact, and one that adopts orphaned tenants."""

    def __init__(self, stripe: StripeSimulator) -> None:
        self.stripe = stripe
        self.names = iter(range(1000))
        self.accounts = [self._account(licenses=4) for _ in range(2)]
        self.intact = self._account(licenses=6)
        for number in range(3):
            self.act("create", number, self.intact)
        self.act("buy", 3, self.intact)
        self.act("pay", 0, self.intact)
        self.adopter = self._account(licenses=1000)

    def _account(self, *, licenses: int) -> str:
        number = next(self.names)
        return accounts.create_reseller(
            user_id=self.user(),
            user_email=None,
            company_name=f"Company {number}",
            slug=f"company-{number}",
            license_count=licenses,
            is_active=True,
            by=BY,
        ).id

    def user(self) -> str:
        email = f"user{next(self.names)}@example.com"
        return users.create_user(
            email=email, name="Test User", password=None, is_super_admin=False, by=BY
        ).id

    def act(self, action: str, number: int, account: str | None = None) -> None:
        """Perform the action if it is currently possible. Otherwise, do nothing."""
        reseller_id = account or self.accounts[number % len(self.accounts)]
        try:
            self._act(action, number // 2, reseller_id)
        except (TenantryError, InvalidAction):
            return

    def _act(self, action: str, number: int, reseller_id: str) -> None:
        if action == "create":
            lifecycle.create_tenant(
                reseller_id,
                name=f"T{number % 4}",
                by=BY,
            )
        elif action == "adjust":
            reseller = accounts.read_reseller(reseller_id)
            accounts.adjust_licenses(reseller, number % 5 - 2 or 1, reason="x", by=BY)
        elif action == "buy":
            reseller = accounts.read_reseller(reseller_id)
            checkout.buy_licenses(reseller, number % 5 + 1, by=BY)
        elif action in ("pay", "refund", "dispute"):
            bought = list(Purchase.query(reseller_id))
            if bought:
                self._act_on_payment(action, bought[number % len(bought)])
        else:
            tenants = list(Tenant.query(reseller_id))
            if tenants:
                self._act_on_tenant(action, tenants[number % len(tenants)])

    def _act_on_payment(self, action: str, purchase: Purchase) -> None:
        session_id = str(purchase.session_id)
        if action == "pay":
            self.stripe.pay(session_id)
        elif action == "refund":
            self.stripe.refund(session_id, amount=purchase.unit_amount)
        else:
            self.stripe.open_dispute(session_id)
        settle(purchase)

    def _act_on_tenant(self, action: str, tenant: Tenant) -> None:
        if action == "delete":
            lifecycle.delete_tenant(tenant, by=BY)
        elif action == "deactivate":
            lifecycle.deactivate_tenant(tenant, by=BY)
        else:
            lifecycle.restore_tenant(tenant, by=BY)

    def approve_everything(self, choice: int) -> None:
        """Run and approve until nothing is found, because one repair can reveal another problem."""
        for _ in range(ROUNDS):
            report = runs.start_run("whole", apply=False, by=BY, seconds_left=lambda: 60.0)
            assert report.notes == []
            if not report.found:
                return
            for row in FindingRow.query(report.id, consistent_read=True):
                if row.state == OPEN:
                    self._approve(row, choice)
        raise AssertionError(
            [
                (row.code, row.what, row.actions)
                for row in FindingRow.query(report.id, consistent_read=True)
            ]
        )

    def _approve(self, row: FindingRow, choice: int) -> None:
        action, to = Action(row.proposed), None
        if row.code == Code.COUNT_UNEXPLAINED:
            action = (Action.ADOPT, Action.REVERT)[choice % 2]
        elif row.code == Code.ORPHAN_TENANT:
            action = (Action.ADOPT, Action.DELETE)[choice % 2]
            to = self.adopter
        elif row.code == Code.RESELLER_WITHOUT_USER and action == Action.ADOPT:
            to = self.user()
        elif row.code == Code.OVER_ALLOCATED or action not in row.actions:
            action = Action.IGNORE
        if action == Action.REPAIR and self._needs_a_refund(row):
            action = Action.IGNORE
        # If another repair has changed the facts, the next round reports the new facts.
        with suppress(VersionConflict):
            resolution.resolve(row, action, reason="Approved", by=BY, to=to)

    @staticmethod
    def _needs_a_refund(row: FindingRow) -> bool:
        """Return whether the purchase is correctly quarantined: it needs a refund, not a repair."""
        if row.code != Code.STUCK_PURCHASE:
            return False
        status = {row.evidence["status"], row.evidence["status_by_stripe"]}
        consistent = row.evidence["licenses_granted"] == row.evidence["credited_by_ledger"]
        return status == {"quarantined"} and consistent


def stored_items() -> dict[tuple[str, ...], dict[str, Any]]:
    return {
        (model.noun, *key_of(row)): table_edits.read_item(row)
        for model in MODELS
        for row in model.scan(consistent_read=True)
    }


def check_invariants(stripe: StripeSimulator) -> None:
    """Check the invariants by counting the stored rows."""
    for reseller in Reseller.scan(consistent_read=True):
        ledger = list(LedgerEntry.query(reseller.id, consistent_read=True))
        holders = [t for t in Tenant.query(reseller.id, consistent_read=True) if t.holds_license]
        assert reseller.license_used == len(holders) == sum(e.used_change for e in ledger)
        assert reseller.license_count == sum(e.count_change for e in ledger)
        credited: Counter[str] = Counter()
        for entry in ledger:
            credited[entry.ref or ""] += entry.count_change
        for purchase in Purchase.query(reseller.id, consistent_read=True):
            assert purchase.licenses_granted == credited[purchase.id]
            if purchase.session_id is not None:
                expected, _ = purchase_fixtures.expected_grant(
                    stripe, purchase.session_id, purchase.quantity
                )
                assert purchase.licenses_granted == expected
    assert all(Reseller.count(t.reseller_id) for t in Tenant.scan(consistent_read=True))
    check_claims()


def check_claims() -> None:
    claims = {claim.name: claim.owner for claim in Claim.scan(consistent_read=True)}
    for model in (User, Reseller, Tenant):
        for row in model.scan(consistent_read=True):
            name = claim_name_of(row)
            if name is not None:
                assert claims.pop(name) == row.id
    assert all(name.startswith("checkout:") for name in claims), claims


@pytest.fixture
def stripes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], StripeSimulator]]:
    """Return a function that replaces the client's simulator with a new one."""

    def new() -> StripeSimulator:
        sdk.simulator = StripeSimulator(api_key=app_settings.settings().stripe_secret_key)
        return sdk.simulator

    sdk = InProcessHTTPClient(StripeSimulator())
    monkeypatch.setattr(stripe_client, "transport", lambda: sdk)
    stripe_client.client_with.cache_clear()
    logging.disable(logging.CRITICAL)
    with fast_moto():
        yield new
    logging.disable(logging.NOTSET)
    stripe_client.client_with.cache_clear()


def comparable(key: Any, row: Any) -> Any:
    """Return a row without the columns that repairing another row can change.

    Repairing a purchase's ledger entry increments the purchase's version, so that two concurrent
    repairs can't both succeed.
    """
    if key[0] != "purchases" or row is None:
        return row
    return {name: value for name, value in row.items() if name not in ("version", "updated_at")}


@pytest.mark.parametrize("part", range(PARTS))
def test_approved_repairs_restore_the_invariants(
    part: int, tables: None, stripes: Callable[[], StripeSimulator]
) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(histories, damage_lists, st.integers(0, 1))
    def run(history: list[tuple[str, int]], damage: list[tuple[str, int]], choice: int) -> None:
        empty_tables()
        stripe = stripes()
        world = World(stripe)
        for step in history:
            world.act(*step)
        console = ConsoleEditor(spared=frozenset({world.intact, world.adopter}))
        before = stored_items()
        for edit in damage:
            console.damage(*edit)
        world.approve_everything(choice)
        check_invariants(stripe)
        after = stored_items()
        for key, row in before.items():
            if key not in console.touched and key[0] != "resellers" and key[1] != world.adopter:
                now = after.get(key)
                assert comparable(key, now) == comparable(key, row), f"{key} was intact and changed"
        assert after[("resellers", world.intact)] == before[("resellers", world.intact)]

    run()
