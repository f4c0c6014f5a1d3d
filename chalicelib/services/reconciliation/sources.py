"""The phases of a run: what each goes through, a piece at a time, and where it can go on.

A position tells the last thing that was looked at; None is the beginning.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from chalicelib.services.reconciliation import names
from chalicelib.services.reconciliation.accounts import resellers
from chalicelib.services.reconciliation.pieces import Looked, Piece, Position, rows_in_pieces
from chalicelib.services.reconciliation.unknown_sessions import sessions
from chalicelib.storage.claims import Claim
from chalicelib.storage.reads import by_keys
from chalicelib.storage.reports import Report, Scope
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.users import User


def tenants(report: Report, position: Position) -> Iterator[Piece]:
    """Their names, and whether their reseller is there."""
    columns = ["reseller_id", "id", "name", "slug", "is_active", "deleted_at", "version"]
    for rows, after in rows_in_pieces(Tenant, position, columns, partition=report.reseller_id):
        yield Piece(after, f"Tenants {rows[0].id} to {rows[-1].id}", partial(_tenants, rows))


def _tenants(rows: Sequence[Tenant]) -> Looked:
    keys = [Reseller(id) for id in dict.fromkeys(tenant.reseller_id for tenant in rows)]
    known = {reseller.id for reseller in by_keys(Reseller, keys, columns=["id"])}
    orphans = [names.orphan_tenant(tenant) for tenant in rows if tenant.reseller_id not in known]
    others = [tenant for tenant in rows if tenant.reseller_id in known]
    return Looked([*orphans, *names.tenant_findings(others)])


def users(_report: Report, position: Position) -> Iterator[Piece]:
    columns = ["id", "email", "reseller_id", "version"]
    for rows, after in rows_in_pieces(User, position, columns):
        yield Piece(after, f"Users {rows[0].id} to {rows[-1].id}", partial(_users, rows))


def _users(rows: Sequence[User]) -> Looked:
    return Looked(list(names.user_findings(rows)))


def claims(_report: Report, position: Position) -> Iterator[Piece]:
    for rows, after in rows_in_pieces(Claim, position):
        what = f"Names {rows[0].name} to {rows[-1].name}"
        yield Piece(after, what, partial(_claims, rows))


def _claims(rows: Sequence[Claim]) -> Looked:
    return Looked(list(names.orphan_claims(rows)))


Phase = Callable[[Report, Position], Iterator[Piece]]

PHASES: dict[str, Phase] = {
    "resellers": resellers,
    "tenants": tenants,
    "users": users,
    "claims": claims,
    "sessions": sessions,
}

OF_SCOPE: dict[str, list[str]] = {
    Scope.PARTIAL: ["resellers"],
    Scope.RESELLER: ["resellers", "tenants"],
    Scope.WHOLE: list(PHASES),
}
