"""Custom domains of a reseller and its tenants."""

from typing import Annotated, Any

from pydantic import StringConstraints

from chalicelib.api.fields import Id, Input, ListQuery, RowOutput, Time
from chalicelib.api.routing import Audience, Call, Empty, Routes, Scope
from chalicelib.domain.custom_domains import LookupResult, Status
from chalicelib.services.domains import registry, verification
from chalicelib.storage.domains import Domain
from chalicelib.storage.reads import Page

routes = Routes(__name__)

DOMAINS = "/v1/resellers/{reseller}/domains"
DOMAIN = DOMAINS + "/{host}"


class DomainOutput(RowOutput):
    """Prove the domain with a TXT record at record_name with the value record_value.

    status: pending until then, and gone at expires_at; verified; failing from when the record
    is missed, until grace_until; then suspended. finding, found, explanation: what the last
    look at the record met, at checked_at.
    """

    host: str
    reseller_id: str
    tenant_id: str | None
    status: Status
    record_type: str
    record_name: str
    record_value: str
    finding: LookupResult | None
    found: list[str]
    explanation: str | None
    checked_at: Time | None
    verified_at: Time | None
    expires_at: Time | None
    grace_until: Time | None


class NewDomain(Input):
    """tenant_id: whose branding the domain wears; without it, the reseller's."""

    host: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    tenant_id: Id | None = None


@routes.api(
    "POST",
    DOMAINS,
    audience=Audience.RESELLER,
    scope=Scope.BRANDING,
    input=NewDomain,
    returns=DomainOutput,
    created="/v1/resellers/{reseller_id}/domains/{host}",
)
def add_domain(call: Call[NewDomain]) -> Domain:
    """Add a domain; the answer tells which TXT record proves it. Adding it again returns it."""
    return registry.add_domain(
        call.reseller.id,
        call.input.host,
        tenant_id=call.input.tenant_id,
        by=call.by,
        once=call.once,
    )


@routes.api(
    "GET",
    DOMAINS,
    audience=Audience.RESELLER,
    scope=Scope.READ,
    input=ListQuery,
    returns=DomainOutput,
    paged=True,
)
def list_domains(call: Call[ListQuery]) -> Page[Domain]:
    """The reseller's domains by host."""
    return registry.list_domains(call.reseller.id, call.input.page)


def _read(call: Call[Any]) -> Domain:
    return registry.read_domain(call.reseller.id, call.path["host"])


@routes.api(
    "GET",
    DOMAIN,
    audience=Audience.RESELLER,
    scope=Scope.READ,
    input=Empty,
    returns=DomainOutput,
)
def read_domain(call: Call[Empty]) -> Domain:
    """One domain."""
    return _read(call)


@routes.api(
    "POST",
    DOMAIN + "/verify",
    audience=Audience.RESELLER,
    scope=Scope.BRANDING,
    input=Empty,
    returns=DomainOutput,
)
def verify_domain(call: Call[Empty]) -> Domain:
    """Look the record up now. The answer tells what was found."""
    return call.on_current(
        lambda: _read(call),
        lambda domain: verification.verify_domain(domain, by=call.by, once=call.once),
    )


@routes.api(
    "DELETE",
    DOMAIN,
    audience=Audience.RESELLER,
    scope=Scope.BRANDING,
    input=Empty,
)
def remove_domain(call: Call[Empty]) -> None:
    """Give the domain up: it is free at once for whoever proves it."""
    call.on_current(lambda: _read(call), lambda domain: registry.remove_domain(domain, by=call.by))
