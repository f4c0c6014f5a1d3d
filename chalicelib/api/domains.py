"""Custom domains for resellers and their tenants."""

from typing import Annotated

from pydantic import Field, StringConstraints

from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.custom_domains import LookupResult, Status
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import ANY_STORED, AS_TEXT, Id, Input, ListQuery, RowOutput, Time
from chalicelib.http.requests import Call, Empty, I
from chalicelib.services.domains import registry, verification
from chalicelib.storage.domains import Domain
from chalicelib.storage.reads import Page

routes = Routes(__name__)

DOMAINS = "/v1/resellers/{reseller}/domains"
DOMAIN = DOMAINS + "/{host}"


class DomainOutput(RowOutput):
    """A custom domain.

    To verify it, add a TXT record named `record_name` with the value `record_value`.

    The domain is `pending` until it is verified. If it is still pending at `expires_at`, it is
    removed. If a `verified` domain's record disappears, the domain is `failing` until
    `grace_until`, and then `suspended`.
    """

    host: str
    reseller_id: str
    tenant_id: str | None = Field(description="The tenant whose branding the domain shows.")
    status: Annotated[Status, ANY_STORED, AS_TEXT]
    record_type: str
    record_name: str
    record_value: str
    finding: Annotated[LookupResult, ANY_STORED, AS_TEXT] | None = Field(
        description="The result of the last DNS lookup."
    )
    found: list[str] = Field(description="The values the lookup found instead of `record_value`.")
    explanation: str | None = Field(description="What the result means, and what to do about it.")
    checked_at: Time | None = Field(description="The time of the last DNS lookup.")
    verified_at: Time | None = Field(description="The last time the record was found.")
    expires_at: Time | None
    grace_until: Time | None


class NewDomain(Input):
    host: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    tenant_id: Id | None = Field(
        None, description="The tenant whose branding to show. Defaults to the reseller's branding."
    )


@routes.post(DOMAINS, Audience.RESELLER, Scope.BRANDING, returns=DomainOutput, created=DOMAIN)
def add_domain(call: Call[NewDomain]) -> Domain:
    """Add a custom domain.

    The response contains the TXT record to add for verification. Adding a domain again returns the
    existing one and assigns it to `tenant_id`.
    """
    return registry.add_domain(
        call.reseller.id,
        call.input.host,
        tenant_id=call.input.tenant_id,
        by=call.by,
        once=call.once,
    )


@routes.get(DOMAINS, Audience.RESELLER, Scope.READ, returns=DomainOutput)
def list_domains(call: Call[ListQuery]) -> Page[Domain]:
    """List a reseller's custom domains, ordered by host."""
    return registry.list_domains(call.reseller.id, call.input.page)


def _read_domain(call: Call[I]) -> Domain:
    return registry.read_domain(call.reseller.id, call.path["host"])


@routes.get(DOMAIN, Audience.RESELLER, Scope.READ, returns=DomainOutput)
def read_domain(call: Call[Empty]) -> Domain:
    """Get a custom domain."""
    return _read_domain(call)


@routes.post(DOMAIN + "/verify", Audience.RESELLER, Scope.BRANDING, returns=DomainOutput)
def verify_domain(call: Call[Empty]) -> Domain:
    """Verify a custom domain.

    Looks up the domain's TXT record now. `finding` and `explanation` report the result.
    """
    return call.on_current(
        lambda: _read_domain(call),
        lambda domain: verification.verify_domain(domain, by=call.by, once=call.once),
    )


@routes.delete(DOMAIN, Audience.RESELLER, Scope.BRANDING)
def remove_domain(call: Call[Empty]) -> None:
    """Remove a custom domain.

    The host is immediately available to any account that verifies it.
    """
    call.on_current(
        lambda: _read_domain(call), lambda domain: registry.remove_domain(domain, by=call.by)
    )
