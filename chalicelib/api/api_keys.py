"""API keys of resellers and of admins. Only people make them: no key can make another."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from chalicelib.api.declarations import Audience, Scope
from chalicelib.api.fields import Input, ListQuery, RowOutput, Text, Time
from chalicelib.api.requests import Call, Empty
from chalicelib.api.routing import Routes
from chalicelib.services.identity import api_keys
from chalicelib.services.identity.api_keys import NewKey, Owner
from chalicelib.storage.credentials import Credential
from chalicelib.storage.reads import Page

routes = Routes(__name__)

RESELLER_KEYS = "/v1/resellers/{reseller}/api-keys"
RESELLER_KEY = RESELLER_KEYS + "/{id}"
ADMIN_KEYS = "/v1/api-keys"
ADMIN_KEY = ADMIN_KEYS + "/{id}"

KeyScope = Literal["read", "tenants", "purchases", "branding", "admin"]


def _in_utc(moment: datetime) -> datetime:
    """Raises ValueError for the hours of the last day that there is, west of Greenwich."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("Choose a time before the year 10000.") from None


class NewApiKey(Input):
    """Without expires_at, it is good until it is revoked."""

    name: Text
    scopes: Annotated[list[KeyScope], Field(min_length=1, max_length=5)]
    expires_at: Annotated[AwareDatetime, Field(strict=False), AfterValidator(_in_utc)] | None = None


class ApiKeyOutput(RowOutput):
    """used_at: to five minutes; null where it was never used."""

    id: str
    name: str
    scopes: list[str]
    expires_at: Time | None
    used_at: Time | None


class NewApiKeyOutput(ApiKeyOutput):
    """key: the secret, shown this once."""

    key: str


def _create(call: Call[NewApiKey], owner: Owner) -> NewKey:
    new = call.input
    expires_at: datetime | None = new.expires_at
    return api_keys.create_key(
        owner, name=new.name, scopes=new.scopes, expires_at=expires_at, by=call.by, once=call.once
    )


def _revoke(call: Call[Empty], owner: Owner) -> None:
    call.on_current(
        lambda: api_keys.read_key(owner, call.path["id"]),
        lambda key: api_keys.revoke_key(key, by=call.by),
    )


@routes.post(
    RESELLER_KEYS,
    Audience.RESELLER,
    Scope.SESSION,
    returns=NewApiKeyOutput,
    created=RESELLER_KEY,
    sensitive=True,
)
def create_reseller_key(call: Call[NewApiKey]) -> NewKey:
    """Create a key that reaches this account alone."""
    return _create(call, api_keys.owner_of_reseller_keys(call.reseller))


@routes.get(RESELLER_KEYS, Audience.RESELLER, Scope.SESSION, returns=ApiKeyOutput)
def list_reseller_keys(call: Call[ListQuery]) -> Page[Credential]:
    """The account's keys, without their secrets."""
    owner = api_keys.owner_of_reseller_keys(call.reseller)
    return api_keys.list_keys(owner, call.input.page)


@routes.delete(RESELLER_KEY, Audience.RESELLER, Scope.SESSION)
def revoke_reseller_key(call: Call[Empty]) -> None:
    """Revoke a key: it stops at once."""
    _revoke(call, api_keys.owner_of_reseller_keys(call.reseller))


@routes.post(
    ADMIN_KEYS,
    Audience.ADMIN,
    Scope.SESSION,
    returns=NewApiKeyOutput,
    created=ADMIN_KEY,
    sensitive=True,
)
def create_admin_key(call: Call[NewApiKey]) -> NewKey:
    """Create a key of one's own that reaches every reseller, within its scopes."""
    return _create(call, Owner(call.caller.id))


@routes.get(ADMIN_KEYS, Audience.ADMIN, Scope.SESSION, returns=ApiKeyOutput)
def list_admin_keys(call: Call[ListQuery]) -> Page[Credential]:
    """One's own admin keys, without their secrets."""
    return api_keys.list_keys(Owner(call.caller.id), call.input.page)


@routes.delete(ADMIN_KEY, Audience.ADMIN, Scope.SESSION)
def revoke_admin_key(call: Call[Empty]) -> None:
    """Revoke one of one's own admin keys: it stops at once."""
    _revoke(call, Owner(call.caller.id))
