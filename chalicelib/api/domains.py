"""Custom domains of a reseller and its tenants."""

from typing import Annotated, Any

from pydantic import StringConstraints

from chalicelib.api.declarations import Audience, Scope
from chalicelib.api.fields import Id, Input, ListQuery, RowOutput, Time
from chalicelib.api.requests import Call, Empty
from chalicelib.api.routing import Routes
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


@routes.post(DOMAINS, Audience.RESELLER, Scope.BRANDING, returns=DomainOutput, created=DOMAIN)
def add_domain(call: Call[NewDomain]) -> Domain:
    """Add a domain; the answer tells which TXT record proves it. Adding it again returns it."""
    return registry.add_domain(
        call.reseller.id,
        call.input.host,
        tenant_id=call.input.tenant_id,
        by=call.by,
        once=call.once,
    )


@routes.get(DOMAINS, Audience.RESELLER, Scope.READ, returns=DomainOutput)
def list_domains(call: Call[ListQuery]) -> Page[Domain]:
    """The reseller's domains by host."""
    return registry.list_domains(call.reseller.id, call.input.page)


def _read(call: Call[Any]) -> Domain:
    return registry.read_domain(call.reseller.id, call.path["host"])


@routes.get(DOMAIN, Audience.RESELLER, Scope.READ, returns=DomainOutput)
def read_domain(call: Call[Empty]) -> Domain:
    """One domain."""
    return _read(call)


@routes.post(DOMAIN + "/verify", Audience.RESELLER, Scope.BRANDING, returns=DomainOutput)
def verify_domain(call: Call[Empty]) -> Domain:
    """Look the record up now. The answer tells what was found."""
    return call.on_current(
        lambda: _read(call),
        lambda domain: verification.verify_domain(domain, by=call.by, once=call.once),
    )


@routes.delete(DOMAIN, Audience.RESELLER, Scope.BRANDING)
def remove_domain(call: Call[Empty]) -> None:
    """Give the domain up: it is free at once for whoever proves it."""
    call.on_current(lambda: _read(call), lambda domain: registry.remove_domain(domain, by=call.by))
