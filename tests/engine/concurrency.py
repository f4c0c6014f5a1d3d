"""Helpers that run calls concurrently and check the tables afterward."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant

THREADS = 16


def run_concurrently(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def read_reseller(reseller_id: str) -> Reseller:
    return Reseller.get(reseller_id, consistent_read=True)


def check_counters(reseller_id: str) -> None:
    """Check that both license counters match the tenants and the ledger."""
    row = read_reseller(reseller_id)
    entries = list(LedgerEntry.query(reseller_id, consistent_read=True))
    held = [t for t in Tenant.query(reseller_id, consistent_read=True) if t.holds_license]
    assert row.license_used == len(held) == sum(e.used_change for e in entries)
    assert row.license_count == sum(e.count_change for e in entries)
