"""The audit trail: all of it for admins, its own for a reseller."""

from typing import Annotated

from pydantic import StringConstraints

from chalicelib.api.fields import Document, ListQuery, Output, Time
from chalicelib.api.routing import Audience, Call, Routes, Scope
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


@routes.api(
    "GET",
    "/v1/audit",
    audience=Audience.ADMIN,
    scope=Scope.ADMIN,
    input=AuditQuery,
    returns=AuditOutput,
    paged=True,
)
def list_audit(call: Call[AuditQuery]) -> Page[AuditEntry]:
    """Every change of one month, newest first. License moves are in the ledgers."""
    return audit.list_month(call.input.month, call.input.page)


@routes.api(
    "GET",
    "/v1/resellers/{reseller}/audit",
    audience=Audience.RESELLER,
    scope=Scope.READ,
    input=ListQuery,
    returns=AuditOutput,
    paged=True,
)
def list_reseller_audit(call: Call[ListQuery]) -> Page[AuditEntry]:
    """Every change of this account and its tenants, newest first."""
    return audit.list_for_reseller(call.reseller, call.input.page)
