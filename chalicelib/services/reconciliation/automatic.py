"""Automatic repairs of safe findings whose codes are enabled in the platform settings.

If a repair fails, for example because of a race or a full pool, the finding stays open.
"""

from collections.abc import Callable, Iterable
from functools import partial

from chalicelib.domain.actors import Actor
from chalicelib.domain.findings import Code, Finding
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.errors import TenantryError
from chalicelib.observability import logger
from chalicelib.services.reconciliation import repairs
from chalicelib.services.reconciliation.facts import Inspection, inspect_once
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.services.settings import platform_settings
from chalicelib.storage import retries
from chalicelib.storage.reports import Report
from chalicelib.storage.transactions import Transaction

REASON = "Automatic repair"


def repair(
    report: Report, findings: Iterable[Finding], inspection: Inspection | None
) -> dict[str, Sentences]:
    """Make the allowed repairs and return their outcomes by finding ID.

    `inspection` is the snapshot of the reseller that the findings are about, if any. license_used
    is repaired last, because the other repairs can change the reseller's row.
    """
    outcomes: dict[str, Sentences] = {}
    for finding in sorted(findings, key=lambda one: one.code == Code.USED_MISMATCH):
        if not _is_allowed(report, finding):
            continue
        if finding.code == Code.USED_MISMATCH:
            outcome = _repair_used(report, finding)
        else:
            outcome = _outcome(finding, partial(_commit_repair, report, finding, inspection))
        if outcome is not None:
            outcomes[finding.id] = outcome
    return outcomes


def _repair_used(report: Report, finding: Finding) -> Sentences | None:
    """Repair license_used from a fresh snapshot. Retry if the reseller changes before the write."""

    def repair_once() -> Sentences:
        fresh = inspect_once(finding.subject)
        current = fresh.find(Code.USED_MISMATCH, finding.subject) if fresh else None
        if current is None:
            return say(MessageCode.ALREADY_RESOLVED)
        return _commit_repair(report, current, fresh)

    return _outcome(finding, lambda: retries.retry(repair_once))


def _is_allowed(report: Report, finding: Finding) -> bool:
    return (
        report.apply
        and finding.safe
        and finding.code in platform_settings.cached_settings().automatic_repairs
    )


def _commit_repair(report: Report, finding: Finding, inspection: Inspection | None) -> Sentences:
    """Make the repair and return its outcome. Raises anything that the repair raises."""
    request = RepairRequest(
        finding,
        finding.proposed,
        by=Actor(report.actor),
        reason=REASON,
        ref=report.id,
        inspection=inspection,
    )
    tx = Transaction()
    outcome = repairs.add_repair(tx, request)
    tx.commit()
    logger.info("Repaired", extra={"finding": finding.code, "subject": finding.subject})
    return outcome


def _outcome(finding: Finding, repair: Callable[[], Sentences]) -> Sentences | None:
    """Call `repair` and return its outcome, or None if it failed, which leaves the finding open."""
    try:
        return repair()
    except TenantryError as error:
        logger.warning(
            "Automatic repair failed",
            extra={"finding": finding.code, "subject": finding.subject, "error": error.code},
        )
        return None
