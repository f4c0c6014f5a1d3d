"""Daily recheck that every domain in use still has its TXT record."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.domain.actors import SCHEDULE
from chalicelib.domain.custom_domains import INCONCLUSIVE, RECHECK_AFTER, TxtLookup
from chalicelib.errors import TenantryError
from chalicelib.observability import Metric, count, logger
from chalicelib.services.domains.verification import check_domain, look_up_record
from chalicelib.storage.domains import Domain, domains_last_checked_by

# Limits memory use. In practice, a run reaches its time limit first.
BATCH = 200
# Time reserved for writing the results.
SPARE_SECONDS = 30.0
# If at least this many lookups were made and none was conclusive, our own resolver is considered
# down.
MIN_OUTAGE_LOOKUPS = 5


@dataclass
class DomainReport:
    checked: int = 0
    changed: int = 0
    failed: int = 0
    outage: bool = False


def check_due_domains(seconds_left: Callable[[], float] = lambda: 60.0) -> DomainReport:
    """Recheck the domains that were last checked at least a day ago, oldest first.

    If one domain fails, the rest are still checked. Domains left over when time runs out come first
    in the next run. If DNS seems to be down, nothing is written.
    """
    report = DomainReport()
    lookups = [
        (domain, look_up_record(domain))
        for domain in domains_last_checked_by(clock.now() - RECHECK_AFTER, BATCH)
        if seconds_left() > SPARE_SECONDS
    ]
    report.checked = len(lookups)
    report.outage = _is_outage([lookup for _, lookup in lookups])
    if report.outage:
        count(Metric.DOMAIN_CHECK_OUTAGE)
        logger.error(
            "DNS outage: no lookup was conclusive, so no domain was updated", extra=vars(report)
        )
        return report
    for domain, lookup in lookups:
        _check_safely(domain, lookup, report)
    logger.info("Domains checked", extra=vars(report))
    return report


def _is_outage(lookups: list[TxtLookup]) -> bool:
    inconclusive = [lookup for lookup in lookups if lookup.result in INCONCLUSIVE]
    return len(lookups) >= MIN_OUTAGE_LOOKUPS and len(inconclusive) == len(lookups)


def _check_safely(domain: Domain, lookup: TxtLookup, report: DomainReport) -> None:
    before = domain.status
    try:
        after = check_domain(domain, lookup, by=SCHEDULE).status
    except TenantryError:
        report.failed += 1
        logger.exception("Domain could not be updated", extra={"host": domain.host})
        return
    report.changed += after != before
