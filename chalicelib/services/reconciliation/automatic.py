"""Repairs that need no person: safe ones, of a kind that the platform's settings name.

One that does not go through (somebody was faster, the pool is full) stays a finding.
"""

from collections.abc import Iterable

from chalicelib.domain.findings import Code, Finding
from chalicelib.errors import TenantryError
from chalicelib.observability import logger
from chalicelib.services.reconciliation import repairs
from chalicelib.services.reconciliation.facts import Inspection, ResellerBusy, inspect_reseller
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.services.settings import platform_settings
from chalicelib.storage.reports import Report
from chalicelib.storage.transactions import Transaction

ATTEMPTS = 3
REASON = "Safe: repaired without being asked"


def repair(
    report: Report, findings: Iterable[Finding], counted: Inspection | None
) -> dict[str, str]:
    """What was done, by the finding's id. counted: the reseller that they are about, if one.

    The count of license_used comes last: what is repaired before it may move the row.
    """
    done: dict[str, str] = {}
    for found in sorted(findings, key=lambda one: one.code == Code.USED_MISMATCH):
        if not _allowed(report, found):
            continue
        if found.code == Code.USED_MISMATCH:
            outcome = _repair_used(report, found)
        else:
            outcome = _repair(report, found, counted)
        if outcome is not None:
            done[found.id] = outcome
    return done


def _repair_used(report: Report, found: Finding) -> str | None:
    """By a fresh count, and another where the reseller moved between count and write."""
    for _ in range(ATTEMPTS):
        try:
            fresh = inspect_reseller(found.subject)
        except ResellerBusy:
            return None
        again = fresh.find(Code.USED_MISMATCH, found.subject) if fresh else None
        if again is None:
            return "It had come right by itself."
        outcome = _repair(report, again, fresh)
        if outcome is not None:
            return outcome
    return None


def _allowed(report: Report, found: Finding) -> bool:
    return (
        report.apply
        and found.safe
        and found.code in platform_settings.cached_settings().automatic_repairs
    )


def _repair(report: Report, found: Finding, inspection: Inspection | None) -> str | None:
    order = RepairRequest(
        found, found.proposed, by=report.actor, reason=REASON, ref=report.id, inspection=inspection
    )
    tx = Transaction()
    try:
        outcome = repairs.add(tx, order)
        tx.commit()
    except TenantryError as error:
        logger.warning(
            "A repair did not go through",
            extra={"finding": found.code, "subject": found.subject, "error": error.code},
        )
        return None
    logger.info("Repaired", extra={"finding": found.code, "subject": found.subject})
    return outcome
