"""The audit trail: all of it for admins, its own for a reseller."""

from typing import Annotated

from pydantic import StringConstraints

from chalicelib.api.declarations import Audience, Scope
from chalicelib.api.fields import Document, ListQuery, Output, Time
from chalicelib.api.requests import Call
from chalicelib.api.routing import Routes
from chalicelib.services.core import audit
from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.reads import Page

routes = Routes(__name__)


class AuditOutput(Output):
    """actor: a user's id, or the name of what acted. before, after: the columns that changed.

    source_ip and credential_id are shown to admins, and to a reseller of its own people.
    """

    id: str
    at: Time
    actor: str
    credential_id: str | None
    source_ip: str | None
    action: str
    target: str
    reseller_id: str | None
    before: Document | None
    after: Document | None
    reason: str | None


class AuditQuery(ListQuery):
    """month: such as 2026-11; this month unless it is sent."""

    month: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")] | None = None


@routes.get("/v1/audit", Audience.ADMIN, Scope.ADMIN, returns=AuditOutput)
def list_audit(call: Call[AuditQuery]) -> Page[AuditEntry]:
    """Every change of one month, newest first. License moves are in the ledgers."""
    return audit.list_month(call.input.month, call.input.page)


@routes.get("/v1/resellers/{reseller}/audit", Audience.RESELLER, Scope.READ, returns=AuditOutput)
def list_reseller_audit(call: Call[ListQuery]) -> Page[AuditEntry]:
    """Every change of this account and its tenants, newest first."""
    return audit.list_for_reseller(call.reseller, call.input.page)
