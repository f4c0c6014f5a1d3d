"""`make growth`: measure what each operation reads and writes as the data grows.

Runs on DynamoDB Local. For each size, creates that many resellers, one of which has that many
tenants. Then runs each operation once through the API and shows the capacity that DynamoDB reports
for it. The last table shows the partitions with the most writes under simulated traffic.
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
from pynamodb.models import BatchWrite, Model

from infra.local.aws import create_tables, local_aws, set_environment
from infra.local.demo import ADMIN_EMAIL, PASSWORD, RESELLER_EMAIL, create_demo_data
from tests.engine.dynamodb_local import dynamodb_local

SIZES = (10, 1_000, 10_000)
TRAFFIC = 60


@dataclass
class Meter:
    """The calls and capacity that DynamoDB has reported since `reset`."""

    calls: int = 0
    reads: float = 0.0
    writes: float = 0.0
    items: int = 0
    partitions: Counter[str] = field(default_factory=Counter)

    def reset(self) -> None:
        self.calls, self.reads, self.writes, self.items = 0, 0.0, 0.0, 0

    def before_call(self, params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "INDEXES"
        for table, key in _written_partitions(params):
            self.partitions[f"{table} {key}"] += 1

    def after_call(self, parsed: dict[str, Any], **_: Any) -> None:
        self.calls += 1
        self.items += parsed.get("ScannedCount", 0)
        consumed = parsed.get("ConsumedCapacity", [])
        for each in consumed if isinstance(consumed, list) else [consumed]:
            self.reads += each.get("ReadCapacityUnits", 0)
            self.writes += each.get("WriteCapacityUnits", 0)
            if "WriteCapacityUnits" not in each and "ReadCapacityUnits" not in each:
                self._add_total(each, parsed)

    def _add_total(self, each: dict[str, Any], parsed: dict[str, Any]) -> None:
        """Add a total that is not split into reads and writes, by the kind of call."""
        is_read = "Items" in parsed or "Item" in parsed or "Responses" in parsed
        if is_read:
            self.reads += each.get("CapacityUnits", 0)
        else:
            self.writes += each.get("CapacityUnits", 0)


def _written_partitions(params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the table and partition of each row that a transaction writes."""
    for step in params.get("TransactItems", []):
        ((_, write),) = step.items()
        row = write.get("Key") or write["Item"]
        name = next(n for n in ("reseller_id", "id", "name", "key", "month") if n in row)
        if "reseller_id" not in row or not write["TableName"].endswith(
            ("tenants", "ledger", "purchases")
        ):
            name = next(n for n in ("id", "name", "key", "month") if n in row)
        yield write["TableName"].removeprefix("tenantry-dev-"), row[name]["S"][:40]


class BenchService:
    """The service on DynamoDB Local, with the demo admin and reseller."""

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
        self.call(self.admin, "POST", path, {"change": 100_000, "reason": "For the benchmark"})

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
        """Write the same rows as the services, but in batches, because this isn't measured.

        Each tenant has its claim and its ledger entry, so that reconciliation finds no problems.
        """
        from chalicelib.domain.ledger import Kind
        from chalicelib.storage.claims import Claim
        from chalicelib.storage.ledger import LedgerEntry
        from chalicelib.storage.resellers import Reseller, company_key
        from chalicelib.storage.rows import new_id
        from chalicelib.storage.tenants import Tenant, name_key, tenant_slug_claim

        now: dict[str, Any] = {"created_at": self._now(), "updated_at": self._now()}
        reseller_id, entry_columns = (
            self.reseller_id,
            {"kind": Kind.TENANT_CREATED, "actor": "usr_none"},
        )
        tenants, claims = BatchWrite(Tenant), BatchWrite(Claim)
        with tenants, claims, BatchWrite(LedgerEntry) as ledger:
            for number in range(self.filled, self.filled + size):
                row, name, slug = new_id("tnt"), f"Tenant {number}", f"tenant-{number}"
                key = name_key(name, row)
                tenants.save(Tenant(reseller_id, row, name=name, slug=slug, name_key=key, **now))
                claims.save(Claim(tenant_slug_claim(reseller_id, slug), owner=row, **now))
                entry = {
                    "at": now["created_at"],
                    "used_change": 1,
                    "ref": row,
                    **entry_columns,
                    **now,
                }
                ledger.save(LedgerEntry(reseller_id, new_id("led"), **entry))
        Model.update(Reseller(reseller_id), [Reseller.license_used.add(size)])
        self.filled += size
        with BatchWrite(Reseller) as batch:
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
        """Prepare what the operations need, so that only the operations themselves are measured."""
        me = "/v1/resellers/me"
        created = self.call(self.reseller, "POST", f"{me}/tenants", {"name": "Measured"})
        tenant = f"{me}/tenants/{created['id']}"
        return {
            "sign in": lambda: self._sign_in(RESELLER_EMAIL),
            "GET /v1/me": lambda: self.call(self.reseller, "GET", "/v1/me"),
            "licenses": lambda: self.call(self.reseller, "GET", f"{me}/licenses"),
            "create a tenant": lambda: self.call(
                self.reseller, "POST", f"{me}/tenants", {"name": "Another"}
            ),
            "edit a tenant": lambda: self.call(self.reseller, "PATCH", tenant, {"name": "New"}),
            "25 tenants": lambda: self.call(self.reseller, "GET", f"{me}/tenants"),
            "25 tenants by name": lambda: self.call(
                self.reseller, "GET", f"{me}/tenants?search=tenant"
            ),
            "delete a tenant": lambda: self.call(self.reseller, "DELETE", tenant),
            "25 ledger entries": lambda: self.call(self.reseller, "GET", f"{me}/ledger"),
            "25 resellers": lambda: self.call(self.admin, "GET", "/v1/resellers"),
            "inspect the reseller": self._inspect,
        }

    def _inspect(self) -> None:
        """Reconcile the reseller without repairs."""
        from chalicelib.functions.reconcile import reconcile

        reconcile({"reseller_id": self.reseller_id, "apply": False}, None)

    def traffic(self, size: int) -> None:
        """Create and delete tenants through the API."""
        for number in range(TRAFFIC):
            body = {"name": f"Traffic {number} of {size}"}
            created = self.call(self.reseller, "POST", "/v1/resellers/me/tenants", body)
            if number % 3 == 0:
                self.call(self.reseller, "DELETE", f"/v1/resellers/me/tenants/{created['id']}")


@contextmanager
def bench_service() -> Iterator[BenchService]:
    set_environment({"POWERTOOLS_METRICS_DISABLED": "true"})
    logging.disable(logging.CRITICAL)
    with dynamodb_local() as url:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
        with local_aws():
            from chalicelib.storage.connection import connection

            create_tables()
            meter = Meter()
            events = connection().client.meta.events
            events.register("before-parameter-build.dynamodb", meter.before_call)
            events.register("after-call.dynamodb", meter.after_call)
            yield BenchService(meter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES))
    with bench_service() as service:
        filled = 0
        for size in sorted(parser.parse_args().sizes):
            service.fill(size - filled)
            filled = size
            operations = service.operations()
            print(f"\n{size:,} resellers, {size:,} tenants of one reseller\n")
            print(f"{'operation':28} {'calls':>5} {'read':>8} {'written':>8} {'items':>7}")
            for name, operation in operations.items():
                service.meter.reset()
                operation()
                meter = service.meter
                print(
                    f"{name:28} {meter.calls:5} {meter.reads:8.1f} {meter.writes:8.1f} "
                    f"{meter.items:7}",
                    flush=True,
                )
            service.meter.partitions.clear()
            service.traffic(size)
            print(f"\nRows written by {TRAFFIC} creates and {TRAFFIC // 3} deletes, by partition")
            for partition, rows in service.meter.partitions.most_common(4):
                print(f"{rows:7}  {partition}")


if __name__ == "__main__":
    main()
