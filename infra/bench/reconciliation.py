"""Measure what reconciliation reads, per reseller and per thousand tenants.

    python -m infra.bench.reconciliation [resellers] [tenants per reseller]

The read units are those that the database reports (ReturnConsumedCapacity). DynamoDB Local reports
what AWS would bill, but moto does not. For reliable numbers, set AWS_ENDPOINT_URL_DYNAMODB to the
URL of a DynamoDB Local.
"""

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pynamodb.models import Model

from infra.local.aws import create_tables, local_aws, set_environment

READS = ("GetItem", "BatchGetItem", "Query", "Scan")
PRICE_PER_MILLION = 0.125  # US dollars, on demand, us-east-1


@contextmanager
def measure_reads() -> Iterator[Counter[str]]:
    """Count the read calls and the capacity units they consume, while the context is open."""
    from chalicelib.storage.connection import connection

    total: Counter[str] = Counter()

    def request_capacity(params: dict[str, Any], **_more: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def add_consumed(parsed: dict[str, Any], model: Any, **_more: Any) -> None:
        used = parsed.get("ConsumedCapacity") or []
        for one in used if isinstance(used, list) else [used]:
            total["units"] += one["CapacityUnits"]
        total[model.name] += 1

    events = connection().client.meta.events
    for name in READS:
        events.register(f"provide-client-params.dynamodb.{name}", request_capacity)
        events.register(f"after-call.dynamodb.{name}", add_consumed)
    try:
        yield total
    finally:
        for name in READS:
            events.unregister(f"provide-client-params.dynamodb.{name}", request_capacity)
            events.unregister(f"after-call.dynamodb.{name}", add_consumed)


def fill(resellers: int, tenants: int) -> None:
    from chalicelib import clock
    from chalicelib.storage.claims import Claim
    from chalicelib.storage.ledger import LedgerEntry
    from chalicelib.storage.resellers import Reseller, company_key, slug_claim
    from chalicelib.storage.rows import new_id
    from chalicelib.storage.tenants import Tenant, name_key, tenant_slug_claim
    from chalicelib.storage.users import User, email_claim

    now: dict[str, Any] = {"created_at": clock.now(), "updated_at": clock.now()}
    rows: list[Any] = []
    for number in range(resellers):
        reseller, user, email = new_id("rsl"), new_id("usr"), f"user{number}@example.com"
        rows += [
            User(user, email=email, name="Somebody", reseller_id=reseller, **now),
            Claim(email_claim(email), owner=user, **now),
            Reseller(
                reseller,
                user_id=user,
                company_name=f"Company {number}",
                slug=f"company-{number}",
                company_key=company_key(f"Company {number}", reseller),
                license_count=tenants,
                license_used=tenants,
                **now,
            ),
            Claim(slug_claim(f"company-{number}"), owner=reseller, **now),
            _entry(LedgerEntry, reseller, "allocation", now, count_change=tenants),
        ]
        for position in range(tenants):
            tenant = new_id("tnt")
            name = f"Tenant number {position}"
            slug = f"tenant-number-{position}"
            rows += [
                Tenant(
                    reseller, tenant, name=name, slug=slug, name_key=name_key(name, tenant), **now
                ),
                Claim(tenant_slug_claim(reseller, slug), owner=tenant, **now),
                _entry(LedgerEntry, reseller, "tenant_created", now, used_change=1, ref=tenant),
            ]
    for row in rows:
        Model.save(row)


def _entry(model: Any, reseller: str, kind: str, now: dict[str, Any], **columns: Any) -> Any:
    from chalicelib.storage.rows import new_id

    at = now["created_at"]
    return model(reseller, new_id("led"), at=at, kind=kind, actor="bench", **columns, **now)


def main() -> int:
    resellers, tenants = (int(text) for text in (*sys.argv[1:3], "20", "200")[:2])
    set_environment({"POWERTOOLS_METRICS_NAMESPACE": "Tenantry"})
    logging.disable(logging.CRITICAL)
    with local_aws():
        create_tables()
        fill(resellers, tenants)
        from chalicelib.domain.actors import Actor
        from chalicelib.services.reconciliation import runs

        print(f"{resellers} resellers with {tenants} tenants each")
        for scope in ("partial", "whole"):
            started = time.perf_counter()
            with measure_reads() as total:
                report = runs.start_run(
                    scope, apply=False, by=Actor("bench"), seconds_left=lambda: 1e9
                )
            seconds = time.perf_counter() - started
            calls = sum(total[name] for name in READS)
            units = total["units"]
            per_thousand = units * 1000 / (resellers * tenants)
            dollars = per_thousand / 1e6 * PRICE_PER_MILLION
            print(
                f"  {scope:8} {calls / resellers:7.1f} reads and {units / resellers:8.1f} units "
                f"per reseller, {per_thousand:7.0f} units (${dollars:.6f}) "
                f"per thousand tenants; {seconds:.1f} s, {sum(report.found.values())} findings"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
