"""The phases of a run. Each phase yields batches and can resume after any of them.

A position identifies the last batch that was checked. None is the start of the phase.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from chalicelib.domain.messages import MessageCode, say
from chalicelib.services.identity import api_keys
from chalicelib.services.reconciliation import name_checks
from chalicelib.services.reconciliation.batches import Batch, BatchResult, Position, row_batches
from chalicelib.services.reconciliation.reseller_checks import resellers
from chalicelib.services.reconciliation.unknown_sessions import sessions
from chalicelib.storage.claims import Claim
from chalicelib.storage.credentials import Credential
from chalicelib.storage.reads import batch_get
from chalicelib.storage.reports import Report, Scope
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.users import User


def tenants(report: Report, position: Position) -> Iterator[Batch]:
    """Check the tenants' names and whether their resellers exist."""
    columns = ["reseller_id", "id", "name", "slug", "is_active", "deleted_at", "version"]
    for rows, after in row_batches(Tenant, position, columns, partition=report.reseller_id):
        skipped = say(MessageCode.SKIPPED_TENANTS, first=rows[0].id, last=rows[-1].id)
        yield Batch(after, skipped, partial(_check_tenants, rows))


def _check_tenants(rows: Sequence[Tenant]) -> BatchResult:
    keys = [Reseller(id) for id in dict.fromkeys(tenant.reseller_id for tenant in rows)]
    known = {reseller.id for reseller in batch_get(Reseller, keys, columns=["id"])}
    orphans = [
        name_checks.orphan_tenant_finding(tenant)
        for tenant in rows
        if tenant.reseller_id not in known
    ]
    others = [tenant for tenant in rows if tenant.reseller_id in known]
    return BatchResult([*orphans, *name_checks.tenant_findings(others)])


def users(_report: Report, position: Position) -> Iterator[Batch]:
    """Check the users' names and their links to resellers."""
    columns = ["id", "email", "reseller_id", "version"]
    for rows, after in row_batches(User, position, columns):
        skipped = say(MessageCode.SKIPPED_USERS, first=rows[0].id, last=rows[-1].id)
        yield Batch(after, skipped, partial(_check_users, rows))


def _check_users(rows: Sequence[User]) -> BatchResult:
    return BatchResult(list(name_checks.user_findings(rows)))


def claims(_report: Report, position: Position) -> Iterator[Batch]:
    """Check that the owner of each claim has the name."""
    for rows, after in row_batches(Claim, position):
        skipped = say(MessageCode.SKIPPED_NAMES, first=rows[0].name, last=rows[-1].name)
        yield Batch(after, skipped, partial(_check_claims, rows))


def _check_claims(rows: Sequence[Claim]) -> BatchResult:
    return BatchResult(list(name_checks.orphan_claim_findings(rows)))


def keys(report: Report, position: Position) -> Iterator[Batch]:
    """Delete the API keys that were voided with their user, unless this is a dry run."""
    if not report.apply:
        return
    for rows, after in row_batches(Credential, position, ["id", "owner", "created_at"]):
        skipped = say(MessageCode.SKIPPED_KEYS, first=rows[0].id, last=rows[-1].id)
        yield Batch(after, skipped, partial(_delete_void_keys, rows))


def _delete_void_keys(rows: Sequence[Credential]) -> BatchResult:
    api_keys.delete_void_keys(rows)
    return BatchResult()


Phase = Callable[[Report, Position], Iterator[Batch]]

PHASES: dict[str, Phase] = {
    "resellers": resellers,
    "tenants": tenants,
    "users": users,
    "claims": claims,
    "keys": keys,
    "sessions": sessions,
}

PHASES_BY_SCOPE: dict[str, list[str]] = {
    Scope.PARTIAL: ["resellers"],
    Scope.RESELLER: ["resellers", "tenants"],
    Scope.WHOLE: list(PHASES),
}
