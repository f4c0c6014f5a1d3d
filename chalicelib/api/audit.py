"""The audit trail. Admins see all of it; resellers see only their own part."""

from pydantic import Field

from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import Document, ListQuery, Month, Output, Time
from chalicelib.http.requests import Call
from chalicelib.services.core import audit
from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.reads import Page

routes = Routes(__name__)


class AuditOutput(Output):
    """One change.

    In a reseller's own list, `credential_id` and `source_ip` are null unless the reseller's own
    user made the change.
    """

    id: str
    at: Time
    actor: str = Field(description="A user's ID, or the name of an automatic process.")
    credential_id: str | None = Field(description="The API key that made the change, if any.")
    source_ip: str | None
    action: str = Field(description="What happened, such as `tenant.deactivated`.")
    target: str = Field(description="The ID of the resource that changed.")
    reseller_id: str | None
    before: Document | None = Field(description="The changed fields with their old values.")
    after: Document | None = Field(description="The changed fields with their new values.")
    reason: str | None


class AuditQuery(ListQuery):
    month: Month | None = Field(
        None, description="A month in UTC, such as `2026-11`. Defaults to the current month."
    )


@routes.get("/v1/audit", Audience.ADMIN, Scope.ADMIN, returns=AuditOutput)
def list_audit(call: Call[AuditQuery]) -> Page[AuditEntry]:
    """List the changes from one month, newest first.

    Changes to license counts are in the ledgers instead.
    """
    return audit.list_month(call.input.month, call.input.page)


@routes.get("/v1/resellers/{reseller}/audit", Audience.RESELLER, Scope.READ, returns=AuditOutput)
def list_reseller_audit(call: Call[ListQuery]) -> Page[AuditEntry]:
    """List the changes to a reseller account and its tenants, newest first."""
    return audit.list_for_reseller(call.reseller, call.input.page)
