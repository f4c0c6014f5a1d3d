"""Counters and name claims stay correct after any sequence of operations.

A state machine compares the tables with a simple model after every step.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from chalicelib import errors
from chalicelib.domain.actors import Actor
from chalicelib.services.identity import users
from chalicelib.services.purchases import checkout, settlement
from chalicelib.services.resellers import accounts as resellers
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.claims import Claim
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.properties.license_model import ModelPurchase, ModelReseller, ModelTenant
from tests.support.platform_settings import set_switches
from tests.support.tables import empty_tables

BY = Actor("usr_test")
SLUGS = st.sampled_from(["aaa", "bbb", "ccc"])
COUNTS = st.integers(0, 4)


class LicenseMachine(RuleBasedStateMachine):
    accounts = Bundle("accounts")
    clients = Bundle("clients")
    orders = Bundle("orders")

    stripe: StripeSimulator

    def __init__(self) -> None:
        super().__init__()
        empty_tables()
        set_switches()
        self.deactivated_hold_license = True
        self.user_count = 0
        self.resellers: dict[str, ModelReseller] = {}
        self.purchases: dict[tuple[str, str], ModelPurchase] = {}

    def attempt(
        self, refusal: type[errors.TenantryError] | None, act: Callable[[], Any]
    ) -> Any | None:
        """Run `act` and expect the model's refusal, if any. Return None if `act` was refused."""
        if refusal is None:
            return act()
        with pytest.raises(refusal):
            act()
        return None

    def reseller(self, account: str) -> Reseller:
        found = get(Reseller, account)
        assert found is not None
        return found

    # Accounts.

    @initialize(target=accounts, count=COUNTS)
    def create_first_reseller(self, count: int) -> Any:
        return self.create_account("aaa", count)

    @rule(target=accounts, slug=SLUGS, count=COUNTS)
    def create_account(self, slug: str, count: int) -> Any:
        self.user_count += 1
        email = f"user{self.user_count}@example.com"
        user = users.create_user(email=email, name="N", password=None, is_super_admin=False, by=BY)
        taken = any(r.slug == slug for r in self.resellers.values())
        made = self.attempt(
            errors.SlugTaken if taken else None,
            lambda: resellers.create_reseller(
                user_id=user.id,
                user_email=None,
                company_name="Company",
                slug=slug,
                license_count=count,
                is_active=True,
                by=BY,
            ),
        )
        if made is None:
            return multiple()
        self.resellers[made.id] = ModelReseller(slug, count)
        return made.id

    @rule(account=accounts, slug=SLUGS)
    def rename_account(self, account: str, slug: str) -> None:
        model = self.resellers[account]
        taken = any(r.slug == slug for r in self.resellers.values() if r is not model)
        row = self.reseller(account)
        self.attempt(
            errors.SlugTaken if taken else None,
            lambda: resellers.edit_reseller(row, {"slug": slug}, by=BY),
        )
        if not taken:
            model.slug = slug

    @rule(account=accounts, active=st.booleans())
    def set_active(self, account: str, active: bool) -> None:
        resellers.edit_reseller(self.reseller(account), {"is_active": active}, by=BY)
        self.resellers[account].active = active

    @rule(account=accounts, count=COUNTS)
    def edit_count(self, account: str, count: int) -> None:
        model = self.resellers[account]
        below = count < model.count and count < model.used
        row = self.reseller(account)
        self.attempt(
            errors.LicenseCountBelowUsed if below else None,
            lambda: resellers.edit_reseller(row, {"license_count": count}, by=BY),
        )
        if not below:
            model.count = count

    @rule(account=accounts, change=st.integers(-3, 3).filter(bool))
    def adjust(self, account: str, change: int) -> None:
        model = self.resellers[account]
        below = change < 0 and model.count + change < model.used
        row = self.reseller(account)
        self.attempt(
            errors.LicenseCountBelowUsed if below else None,
            lambda: resellers.adjust_licenses(row, change, reason="R", by=BY),
        )
        if not below:
            model.count += change

    @rule(hold=st.booleans())
    def change_deactivated_setting(self, hold: bool) -> None:
        set_switches(deactivated_tenants_hold_license=hold)
        self.deactivated_hold_license = hold

    # Tenants.

    @rule(target=clients, account=accounts, slug=SLUGS)
    def create(self, account: str, slug: str) -> Any:
        model = self.resellers[account]
        # If there is no license and the slug is taken, the transaction reports the missing license.
        refusal = model.license_refusal()
        refusal = refusal or (errors.SlugTaken if model.has_slug(slug) else None)
        made = self.attempt(
            refusal,
            lambda: lifecycle.create_tenant(
                account,
                name="Tenant",
                slug=slug,
                by=BY,
            ),
        )
        if made is None:
            return multiple()
        model.tenants[made.id] = ModelTenant(slug)
        return account, made.id

    def find_tenant(self, client: tuple[str, str]) -> tuple[ModelReseller, ModelTenant, Tenant]:
        account, tenant_id = client
        model = self.resellers[account]
        return model, model.tenants[tenant_id], lifecycle.read_tenant(account, tenant_id)

    @rule(client=clients, slug=SLUGS)
    def rename(self, client: tuple[str, str], slug: str) -> None:
        model, tenant, row = self.find_tenant(client)
        refusal: type[errors.TenantryError] | None = None
        if tenant.deleted:
            refusal = errors.NotFound
        elif slug != tenant.slug and model.has_slug(slug):
            refusal = errors.SlugTaken
        self.attempt(refusal, lambda: lifecycle.edit_tenant(row, {"slug": slug}, by=BY))
        if refusal is None:
            tenant.slug = slug

    @rule(client=clients)
    def deactivate(self, client: tuple[str, str]) -> None:
        _, tenant, row = self.find_tenant(client)
        refusal = errors.NotFound if tenant.deleted else None
        self.attempt(refusal, lambda: lifecycle.deactivate_tenant(row, by=BY))
        if refusal is None and tenant.active:
            tenant.active, tenant.holds = False, tenant.holds and self.deactivated_hold_license

    @rule(client=clients)
    def reactivate(self, client: tuple[str, str]) -> None:
        model, tenant, row = self.find_tenant(client)
        refusal: type[errors.TenantryError] | None = errors.NotFound if tenant.deleted else None
        if not tenant.deleted and not tenant.holds:
            refusal = model.license_refusal()
        self.attempt(refusal, lambda: lifecycle.reactivate_tenant(row, by=BY))
        if refusal is None:
            tenant.active = tenant.holds = True

    @rule(client=clients)
    def delete(self, client: tuple[str, str]) -> None:
        _, tenant, row = self.find_tenant(client)
        lifecycle.delete_tenant(row, by=BY)
        tenant.deleted, tenant.holds = True, False

    @rule(client=clients)
    def restore(self, client: tuple[str, str]) -> None:
        model, tenant, row = self.find_tenant(client)
        refusal: type[errors.TenantryError] | None = None
        if tenant.deleted:
            refusal = model.license_refusal()
            refusal = refusal or (errors.SlugTaken if model.has_slug(tenant.slug) else None)
        self.attempt(refusal, lambda: lifecycle.restore_tenant(row, by=BY))
        if refusal is None and tenant.deleted:
            tenant.deleted, tenant.active, tenant.holds = False, True, True

    # Money.

    @rule(target=orders, account=accounts, quantity=st.integers(1, 3))
    def buy(self, account: str, quantity: int) -> Any:
        open_orders = [order for order in self.purchases if self.is_open(order, account, quantity)]
        made = checkout.buy_licenses(self.reseller(account), quantity, by=BY)
        assert made.session_id is not None
        for earlier in open_orders:  # an open checkout that was paid is settled, not reused
            self.credit(earlier)
        order = account, made.id
        if order not in self.purchases:
            self.purchases[order] = ModelPurchase(quantity, made.session_id)
        assert not self.purchases[order].paid or not self.purchases[order].settled
        return order

    def is_open(self, order: tuple[str, str], account: str, quantity: int) -> bool:
        row = get(Purchase, *order)
        assert row is not None
        return (row.reseller_id, row.quantity, row.status) == (account, quantity, "pending")

    def credit(self, order: tuple[str, str]) -> int:
        """Credit a purchase to the model's pool. Return the number of licenses added."""
        model = self.purchases[order]
        granted = model.worth - model.settled
        self.resellers[order[0]].count += granted
        model.settled = model.worth
        return granted

    @rule(order=orders)
    def pay(self, order: tuple[str, str]) -> None:
        model = self.purchases[order]
        if not model.paid and not model.closed:
            self.stripe.pay(model.session)
            model.paid = True

    @rule(order=orders)
    def expire(self, order: tuple[str, str]) -> None:
        model = self.purchases[order]
        if not model.paid and not model.closed:
            self.stripe.expire(model.session)
            model.closed = True

    @rule(order=orders)
    def refund(self, order: tuple[str, str]) -> None:
        model = self.purchases[order]
        if model.paid and not model.refunded:
            self.stripe.refund(model.session)
            model.refunded = True

    @rule(order=orders)
    def settle(self, order: tuple[str, str]) -> None:
        row = get(Purchase, *order)
        assert row is not None
        assert settlement.settle(row).granted == self.credit(order)

    # Invariants.

    @invariant()
    def counters_match_tenants_and_ledger(self) -> None:
        for account, model in self.resellers.items():
            row = self.reseller(account)
            assert (row.license_count, row.license_used) == (model.count, model.used)
            stored = {t.id: t for t in Tenant.query(account)}
            assert stored.keys() == model.tenants.keys()
            assert sum(t.holds_license for t in stored.values()) == row.license_used >= 0
            entries = list(LedgerEntry.query(account))
            assert sum(e.count_change for e in entries) == row.license_count
            assert sum(e.used_change for e in entries) == row.license_used
            for tenant_id, tenant in model.tenants.items():
                found = stored[tenant_id]
                assert (found.slug, found.is_active, found.holds_license) == (
                    tenant.slug,
                    tenant.active,
                    tenant.holds,
                )
                assert (found.deleted_at is not None) == tenant.deleted

    @invariant()
    def each_slug_is_claimed_by_its_owner(self) -> None:
        claims = {claim.name: claim.owner for claim in Claim.scan()}
        owned = {n: o for n, o in claims.items() if n.startswith(("slug:", "tenant-slug:"))}
        expected = {f"slug:{model.slug}": account for account, model in self.resellers.items()}
        for account, model in self.resellers.items():
            for tenant_id, tenant in model.tenants.items():
                if not tenant.deleted:
                    expected[f"tenant-slug:{account}:{tenant.slug}"] = tenant_id
        assert owned == expected


def test_any_sequence_of_operations_keeps_the_invariants(
    tables: None, stripe: StripeSimulator
) -> None:
    LicenseMachine.stripe = stripe
    run_state_machine_as_test(
        LicenseMachine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
