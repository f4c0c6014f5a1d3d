"""Drives the service until every table holds every kind of row that it can write.

record.py writes the result into the repository. Later releases read those rows, so they stay as
they were recorded, even if this scenario changes.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.actors import SCHEDULE
from chalicelib.domain.custom_domains import LookupResult, TxtLookup
from chalicelib.payments.webhooks import parse_event
from chalicelib.services.domains.recheck import check_due_domains
from chalicelib.services.mail import outbox
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.reconciliation import runs
from chalicelib.services.reporting.dashboard_stats import refresh_dashboard_stats
from chalicelib.services.stripe_sync.events import handle_event
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reports import Report, Scope
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.support.api import Reply
from tests.support.mail import send_due_mail
from tests.support.people import People, Person

MISSING = TxtLookup(LookupResult.OTHER_VALUE, ("something else",))


@dataclass
class Scenario:
    """`published` holds the hosts whose TXT record is in place."""

    people: People
    stripe: StripeSimulator
    clock: TestClock
    monkeypatch: pytest.MonkeyPatch
    published: set[str] = field(default_factory=set)

    def play(self) -> dict[str, Person]:
        self.acme = self.people.reseller(licenses=6)
        self.globex = self.people.reseller(licenses=2)
        self.idle = self.people.reseller(licenses=5)
        self.damaged = self.people.reseller(licenses=3)
        self._admin("PATCH", f"/v1/resellers/{self.idle.reseller_id}", {"is_active": False})
        self._domains()
        refresh_dashboard_stats()
        self._pass_time(days=1)
        self._people_and_settings()
        self._tenants()
        self._mail()
        self._finished_purchases()
        self._refunds()
        self._reconciliations()
        send_due_mail()
        self._unfinished_work()
        return {
            "admin": self.people.admin,
            "acme": self.acme,
            "globex": self.globex,
            "idle": self.idle,
            "damaged": self.damaged,
        }

    def look_up(self, name: str, _expected: str) -> TxtLookup:
        found = name.partition(".")[2] in self.published
        return TxtLookup(LookupResult.PRESENT) if found else MISSING

    def _domains(self) -> None:
        hosts = ("verified.acme.example", "failing.acme.example", "suspended.acme.example")
        self.published |= set(hosts)
        for host in hosts:
            self._acme("POST", "/domains", {"host": host})
            self._acme("POST", f"/domains/{host}/verify")
        self.published.remove("suspended.acme.example")
        for _ in range(9):
            self._pass_time(days=1)
            check_due_domains()
        self.published.remove("failing.acme.example")
        self._pass_time(days=1)
        check_due_domains()
        self._acme("POST", "/domains", {"host": "pending.acme.example"})
        self._acme("POST", "/domains/pending.acme.example/verify")

    def _people_and_settings(self) -> None:
        self._admin(
            "PATCH",
            "/v1/settings",
            {
                "low_license_threshold": 2,
                "support_email": "support@example.com",
                "branding_config": {"product_name": "Seats", "primary_color": "#224466"},
                "price_tiers": [
                    {"from": 1, "unit_amount": 2600},
                    {"from": 10, "unit_amount": 2000},
                ],
            },
        )
        new = {"email": "second@example.com", "name": "Second", "password": "a fine passphrase"}
        self._admin("POST", "/v1/users", new | {"is_super_admin": True})
        left = self._admin("POST", "/v1/users", new | {"email": "left@example.com"})
        self._admin("PATCH", f"/v1/users/{left.json['id']}", {"is_active": False})
        self._admin("POST", "/v1/users", {"email": "invited@example.com", "name": "Invited"})
        self._admin("POST", "/v1/api-keys", {"name": "Console", "scopes": ["read", "admin"]})
        self._acme("POST", "/api-keys", {"name": "ERP", "scopes": ["read", "tenants"]})
        adjustments = f"/v1/resellers/{self.acme.reseller_id}/license-adjustments"
        self._admin("POST", adjustments, {"change": -1, "reason": "Too many"})
        wrong = {"email": self.acme.email, "password": "not this one"}
        assert self.people.admin.api.post("/v1/login", wrong).status == 401

    def _tenants(self) -> None:
        self._acme(
            "PUT", "/branding", {"product_name": "Acme", "support_url": "https://acme.example"}
        )
        branded = {"name": "Blue Bottle", "branding_config": {"primary_color": "#aa0000"}}
        bodies = (branded, {"name": "Closed"}, {"name": "Gone"}, {"name": "Back"})
        ids = [
            self._acme("POST", "/tenants", body, key=f"tenant-{number}").json["id"]
            for number, body in enumerate(bodies)
        ]
        self._acme("POST", "/domains", {"host": "pending.acme.example", "tenant_id": ids[0]})
        self._acme("POST", f"/tenants/{ids[1]}/deactivate")
        self._acme("DELETE", f"/tenants/{ids[2]}")
        self._acme("DELETE", f"/tenants/{ids[3]}")
        self._acme("POST", f"/tenants/{ids[3]}/restore")
        self._admin("PATCH", "/v1/settings", {"deactivated_tenants_hold_license": False})
        released = self._acme("POST", "/tenants", {"name": "Released"}).json["id"]
        self._acme("POST", f"/tenants/{released}/deactivate")
        for name in ("One", "Two"):
            self.globex.api.post("/v1/resellers/me/tenants", {"name": name})
        self.damaged.api.post("/v1/resellers/me/tenants", {"name": "Marked wrongly"})

    def _mail(self) -> None:
        self._ask_for_reset()
        send_due_mail()
        self._ask_for_reset()
        with self.monkeypatch.context() as patch:
            patch.setattr(outbox, "_send_with_ses", _fail)
            send_due_mail()
            self._pass_time(days=2)
            send_due_mail()

    def _ask_for_reset(self) -> None:
        self.acme.api.as_(None).post("/v1/password/reset-request", {"email": self.acme.email})

    def _finished_purchases(self) -> None:
        self.paid = self._buy(12)
        self.stripe.pay(self.paid["session"])
        for event in self.stripe.events():
            parsed = parse_event(event)
            assert parsed is not None
            handle_event(parsed)
        declined = self._buy(6)
        self.stripe.pay_later(declined["session"])
        self.stripe.bank_declines(declined["session"])
        self._settle(declined)
        expired = self._buy(7)
        self.stripe.expire(expired["session"])
        self._settle(expired)
        self._quarantine(8)
        accepted = self._quarantine(9)
        self._admin("POST", f"{accepted['path']}/accept", {"reason": "Close enough"})
        disputed = self._pay(13)
        self.stripe.open_dispute(disputed["session"])
        self._settle(disputed)
        won = self._pay(14)
        dispute = self.stripe.open_dispute(won["session"])
        self._settle(won)
        self.stripe.win_dispute(dispute["id"])
        self._settle(won)

    def _refunds(self) -> None:
        self._refund(self._pay(11), 4)
        self._refund(self._pay(15), 15)
        self._refund(self._pay(10), 1)  # for no money: 9 cost more than 10 did
        failed = self._pay(20)
        self._refund(failed, 5)
        self.stripe.refund_fails(self.stripe.all("refund")[0]["id"])
        self._settle(failed)
        given_up = self._pay(21)
        self._refund(given_up, 5, status=502)
        self.stripe.refund(given_up["session"], 100)
        run_sweep()

    def _reconciliations(self) -> None:
        table_edits.edit(Reseller(str(self.idle.reseller_id)), license_count=9)
        table_edits.edit(Reseller(str(self.globex.reseller_id)), license_used=1)
        tenant = next(iter(Tenant.query(str(self.damaged.reseller_id))))
        table_edits.edit(tenant, holds_license=False)
        table_edits.duplicate(tenant, reseller_id="rsl_01JD0000000000000000000000")
        dry_run = self._admin("POST", "/v1/reconciliations", {}, key="dry-run").json["id"]
        path = f"/v1/reconciliations/{dry_run}/findings"
        found = {row["code"]: row["id"] for row in self._admin("GET", path).json["data"]}
        ignore = {"action": "ignore", "reason": "On purpose"}
        self._admin("POST", f"{path}/{found['count_unexplained']}/resolution", ignore)
        table_edits.edit(Reseller(str(self.globex.reseller_id)), license_used=2)
        repair = {"action": "repair", "reason": "Please"}
        self._admin("POST", f"{path}/{found['used_mismatch']}/resolution", repair)
        table_edits.edit(Reseller(str(self.globex.reseller_id)), license_used=0)
        self._admin("POST", "/v1/reconciliations", {"apply": True})
        self._admin("POST", "/v1/reconciliations", {"scope": "partial"})
        one = {"reseller_id": self.acme.reseller_id}
        self._admin("POST", "/v1/reconciliations", one)

    def _unfinished_work(self) -> None:
        """Everything that a function is in the middle of when it is replaced."""
        self._pass_time(days=1)
        refresh_dashboard_stats()
        self._buy(3)
        processing = self._buy(5)
        self.stripe.pay_later(processing["session"])
        self._settle(processing)
        run_sweep()
        self._refund(self._pay(22), 5, status=502, key="refund")
        self.stripe.faults.fail(next=3, method="POST", path="/v1/checkout/sessions")
        self._acme("POST", "/purchases", {"quantity": 4}, status=502, key="purchase")
        run_sweep(seconds=0)
        report = self._begin_run()
        while report.cursor["phase"] != "claims":
            runs.resume_run(lambda: 0.0, [report])
        self._begin_run()
        self._ask_for_reset()

    def _begin_run(self) -> Report:
        return runs.start_run(Scope.WHOLE, apply=True, by=SCHEDULE, seconds_left=lambda: 0.0)

    def _buy(self, quantity: int) -> dict[str, Any]:
        bought: dict[str, Any] = self._acme("POST", "/purchases", {"quantity": quantity}).json
        path = f"/v1/resellers/{bought['reseller_id']}/purchases/{bought['id']}"
        return bought | {"session": bought["checkout_url"].rpartition("/")[2], "path": path}

    def _pay(self, quantity: int) -> dict[str, Any]:
        bought = self._buy(quantity)
        self.stripe.pay(bought["session"])
        self._settle(bought)
        return bought

    def _quarantine(self, quantity: int) -> dict[str, Any]:
        """Paid, but not as quoted."""
        bought = self._buy(quantity)
        row = Purchase(bought["reseller_id"], bought["id"])
        table_edits.edit(row, total=bought["total"] + 100)
        self.stripe.pay(bought["session"])
        self._settle(bought)
        return bought

    def _settle(self, bought: dict[str, Any]) -> None:
        settle(read_purchase(bought["reseller_id"], bought["id"]))

    def _refund(
        self, bought: dict[str, Any], licenses: int, *, status: int = 201, key: str | None = None
    ) -> None:
        if status == 502:
            self.stripe.faults.fail(next=3, method="POST", path="/v1/refunds")
        body = {"licenses": licenses, "reason": "Too many"}
        self._admin("POST", f"{bought['path']}/refunds", body, status=status, key=key)

    def _pass_time(self, *, days: int) -> None:
        """Everyone has to sign in again: a session ends after an hour of idling."""
        self.clock.advance(timedelta(days=days, minutes=1))
        for person in (self.people.admin, self.acme, self.globex, self.damaged):
            person.sign_in_again()

    def _acme(self, method: str, path: str, body: Any = None, **options: Any) -> Reply:
        return _call(self.acme, method, f"/v1/resellers/me{path}", body, **options)

    def _admin(self, method: str, path: str, body: Any = None, **options: Any) -> Reply:
        return _call(self.people.admin, method, path, body, **options)


def _call(
    person: Person,
    method: str,
    path: str,
    body: Any,
    *,
    key: str | None = None,
    status: int | None = None,
) -> Reply:
    reply = person.api.call(method, path, body, key=key)
    assert reply.status == status if status else reply.status < 300, reply.text
    return reply


def _fail(_message: object) -> None:
    raise ConnectionError("the mail server is down")
