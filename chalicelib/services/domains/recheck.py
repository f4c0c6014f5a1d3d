"""The daily look at every domain in use: is its record still there?"""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.domain.custom_domains import RECHECK_AFTER, UNDECIDED, Lookup
from chalicelib.errors import TenantryError
from chalicelib.observability import count, logger
from chalicelib.services.domains.verification import check_domain, look_up_record
from chalicelib.storage.domains import VERIFIED, Domain
from chalicelib.storage.reads import batch_get

# At most so many at once in memory; time is what really limits a run.
BATCH = 200
# To write what was found, once the time for looking is over.
SPARE_SECONDS = 30.0
# With so many domains looked up and not one answer, it is our own resolver that is down.
OUTAGE_EVIDENCE = 5
SCHEDULE = "schedule"


@dataclass
class DomainReport:
    looked_at: int = 0
    changed: int = 0
    failed: int = 0
    outage: bool = False


def check_due_domains(seconds_left: Callable[[], float] = lambda: 60.0) -> DomainReport:
    """Look at the domains whose last look is a day old, the oldest first.

    One failure doesn't stop the rest. What there is no time for comes first at the next run.
    """
    report = DomainReport()
    looked = [
        (domain, look_up_record(domain)) for domain in _due() if seconds_left() > SPARE_SECONDS
    ]
    report.looked_at = len(looked)
    report.outage = _is_outage([lookup for _, lookup in looked])
    if report.outage:
        count("DomainCheckOutage")
        logger.error("No name server answers: no domain was judged", extra=vars(report))
        return report
    for domain, lookup in looked:
        _check_safely(domain, lookup, report)
    logger.info("Domains checked", extra=vars(report))
    return report


def _due() -> list[Domain]:
    day_old = Domain.checked_at <= clock.now() - RECHECK_AFTER
    return batch_get(Domain, list(Domain.by_check.query(VERIFIED, day_old, limit=BATCH)))


def _is_outage(lookups: list[Lookup]) -> bool:
    undecided = [lookup for lookup in lookups if lookup.finding in UNDECIDED]
    return len(lookups) >= OUTAGE_EVIDENCE and len(undecided) == len(lookups)


def _check_safely(domain: Domain, lookup: Lookup, report: DomainReport) -> None:
    before = domain.status
    try:
        after = check_domain(domain, lookup, by=SCHEDULE).status
    except TenantryError:
        report.failed += 1
        logger.exception("A domain was not judged", extra={"host": domain.host})
        return
    report.changed += after != before
