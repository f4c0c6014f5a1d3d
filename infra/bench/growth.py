"""`make growth`: what each operation reads and writes while everything grows, on DynamoDB Local.

For each size, tables are filled with that many resellers, and one of them with that many
tenants; then each operation is carried out once, through the API. Capacity is what DynamoDB
itself reports for the call. The last table is traffic: which partition is written to most.
"""

import argparse
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chalice.test import Client

from infra.local.aws import create_tables, local_aws, set_environment
from infra.local.demo import ADMIN_EMAIL, PASSWORD, RESELLER_EMAIL, create_demo_data
from tests.engine.dynamodb_local import dynamodb_local

SIZES = (10, 1_000, 10_000)
TRAFFIC = 60


@dataclass
class Meter:
    """What DynamoDB reported since reset()."""

    calls: int = 0
    reads: float = 0.0
    writes: float = 0.0
    items: int = 0
    partitions: Counter[str] = field(default_factory=Counter)

    def reset(self) -> None:
        self.calls, self.reads, self.writes, self.items = 0, 0.0, 0.0, 0

    def before(self, params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "INDEXES"
        for table, key in _written(params):
            self.partitions[f"{table} {key}"] += 1

    def after(self, parsed: dict[str, Any], **_: Any) -> None:
        self.calls += 1
        self.items += parsed.get("ScannedCount", 0)
        consumed = parsed.get("ConsumedCapacity", [])
        for each in consumed if isinstance(consumed, list) else [consumed]:
            self.reads += each.get("ReadCapacityUnits", 0)
            self.writes += each.get("WriteCapacityUnits", 0)
            if "WriteCapacityUnits" not in each and "ReadCapacityUnits" not in each:
                self._unsorted(each, parsed)

    def _unsorted(self, each: dict[str, Any], parsed: dict[str, Any]) -> None:
        """Some answers give one number, which is of the kind that the call is."""
        is_read = "Items" in parsed or "Item" in parsed or "Responses" in parsed
        if is_read:
            self.reads += each.get("CapacityUnits", 0)
        else:
            self.writes += each.get("CapacityUnits", 0)


def _written(params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Table and partition of each row of a write."""
    for step in params.get("TransactItems", []):
        ((_, write),) = step.items()
        row = write.get("Key") or write["Item"]
        name = next(n for n in ("reseller_id", "id", "name", "key", "month") if n in row)
        if "reseller_id" not in row or not write["TableName"].endswith(
            ("tenants", "ledger", "purchases")
        ):
            name = next(n for n in ("id", "name", "key", "month") if n in row)
        yield write["TableName"].removeprefix("tenantry-dev-"), row[name]["S"][:40]


class House:
    """The service on DynamoDB Local, with the demo's admin and reseller."""

    def __init__(self, meter: Meter) -> None:
        from app import app

        self.meter = meter
        self.filled = 0
        self._client = Client(app)
        create_demo_data()
        self.admin = self._sign_in(ADMIN_EMAIL)
        self.reseller = self._sign_in(RESELLER_EMAIL)
        self.reseller_id: str = self.call(self.reseller, "GET", "/v1/me")["reseller"]["id"]
        path = f"/v1/resellers/{self.reseller_id}/license-adjustments"
        self.call(self.admin, "POST", path, {"change": 100_000, "reason": "For the bench"})

    def call(self, token: str | None, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        raw = json.dumps(body).encode() if body is not None else b""
        answer = self._client.http.request(method, path, headers=headers, body=raw)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.body!r}")
        return json.loads(answer.body) if answer.body else None

    def _sign_in(self, email: str) -> str:
        body = {"email": email, "password": PASSWORD}
        token: str = self.call(None, "POST", "/v1/login", body)["token"]
        return token

    def fill(self, size: int) -> None:
        """Rows as the services write them, in batches: what is measured is not the filling.

        A tenant comes with its claim and its ledger entry, as reconciliation wants to find it.
        """
        from chalicelib.domain.ledger import Kind
        from chalicelib.storage.claims import Claim
        from chalicelib.storage.ledger import LedgerEntry
        from chalicelib.storage.resellers import Reseller, company_key
        from chalicelib.storage.rows import new_id
        from chalicelib.storage.tenants import Tenant, name_key, tenant_slug_claim

        now: dict[str, Any] = {"created_at": self._now(), "updated_at": self._now()}
        whose, taken = self.reseller_id, {"kind": Kind.TENANT_CREATED, "actor": "usr_none"}
        tenants, claims = Tenant.batch_write(), Claim.batch_write()
        with tenants, claims, LedgerEntry.batch_write() as ledger:
            for number in range(self.filled, self.filled + size):
                row, name, slug = new_id("tnt"), f"Tenant {number}", f"tenant-{number}"
                key = name_key(name, row)
                tenants.save(Tenant(whose, row, name=name, slug=slug, name_key=key, **now))
                claims.save(Claim(tenant_slug_claim(whose, slug), owner=row, **now))
                entry = {"at": now["created_at"], "used_change": 1, "ref": row, **taken, **now}
                ledger.save(LedgerEntry(whose, new_id("led"), **entry))
        Reseller(whose).update([Reseller.license_used.add(size)])
        self.filled += size
        with Reseller.batch_write() as batch:
            for number in range(size):
                row = new_id("rsl")
                name = f"Filler {number}"
                batch.save(
                    Reseller(
                        row,
                        user_id="usr_none",
                        company_name=name,
                        slug=f"filler-{number}",
                        company_key=company_key(name, row),
                        **now,
                    )
                )

    def _now(self) -> Any:
        from chalicelib import clock

        return clock.now()

    def operations(self) -> dict[str, Callable[[], Any]]:
        """Each prepared so that only the operation itself is measured."""
        of = "/v1/resellers/me"
        made = self.call(self.reseller, "POST", f"{of}/tenants", {"name": "Measured"})
        tenant = f"{of}/tenants/{made['id']}"
        return {
            "sign in": lambda: self._sign_in(RESELLER_EMAIL),
            "GET /v1/me": lambda: self.call(self.reseller, "GET", "/v1/me"),
            "licenses": lambda: self.call(self.reseller, "GET", f"{of}/licenses"),
            "create a tenant": lambda: self.call(
                self.reseller, "POST", f"{of}/tenants", {"name": "Another"}
            ),
            "edit a tenant": lambda: self.call(self.reseller, "PATCH", tenant, {"name": "New"}),
            "25 tenants": lambda: self.call(self.reseller, "GET", f"{of}/tenants"),
            "25 tenants by name": lambda: self.call(
                self.reseller, "GET", f"{of}/tenants?search=tenant"
            ),
            "delete a tenant": lambda: self.call(self.reseller, "DELETE", tenant),
            "25 ledger entries": lambda: self.call(self.reseller, "GET", f"{of}/ledger"),
            "25 resellers": lambda: self.call(self.admin, "GET", "/v1/resellers"),
            "inspect the reseller": self._inspect,
        }

    def _inspect(self) -> None:
        """What reconciliation does with each reseller, without repairing."""
        from chalicelib.functions.reconcile import reconcile

        reconcile({"reseller_id": self.reseller_id, "apply": False}, None)

    def traffic(self, size: int) -> None:
        """Tenants made and deleted, as an integrator would."""
        for number in range(TRAFFIC):
            body = {"name": f"Traffic {number} of {size}"}
            made = self.call(self.reseller, "POST", "/v1/resellers/me/tenants", body)
            if number % 3 == 0:
                self.call(self.reseller, "DELETE", f"/v1/resellers/me/tenants/{made['id']}")


@contextmanager
def house() -> Iterator[House]:
    set_environment({"POWERTOOLS_METRICS_DISABLED": "true"})
    logging.disable(logging.CRITICAL)
    with dynamodb_local() as url:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
        with local_aws():
            from chalicelib.storage.rows import connection

            create_tables()
            meter = Meter()
            events = connection().client.meta.events
            events.register("before-parameter-build.dynamodb", meter.before)
            events.register("after-call.dynamodb", meter.after)
            yield House(meter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES))
    with house() as measured:
        filled = 0
        for size in sorted(parser.parse_args().sizes):
            measured.fill(size - filled)
            filled = size
            operations = measured.operations()
            print(f"\n{size:,} resellers; {size:,} tenants of one of them\n")
            print(f"{'operation':28} {'calls':>5} {'read':>8} {'written':>8} {'items':>7}")
            for name, operation in operations.items():
                measured.meter.reset()
                operation()
                meter = measured.meter
                print(
                    f"{name:28} {meter.calls:5} {meter.reads:8.1f} {meter.writes:8.1f} "
                    f"{meter.items:7}",
                    flush=True,
                )
            measured.meter.partitions.clear()
            measured.traffic(size)
            print(f"\nrows written by {TRAFFIC} creates and {TRAFFIC // 3} deletes, by partition")
            for partition, rows in measured.meter.partitions.most_common(4):
                print(f"{rows:7}  {partition}")


if __name__ == "__main__":
    main()
