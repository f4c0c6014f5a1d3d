"""API keys for resellers and admins.

Creating a key requires a session, so a key cannot create other keys.
"""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, GetPydanticSchema, model_validator
from pydantic_core.core_schema import literal_schema

from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.scopes import KEY_SCOPES, Scope
from chalicelib.http.fields import Input, ListQuery, RowOutput, Text, Time
from chalicelib.http.requests import Call, Empty
from chalicelib.services.identity import api_keys
from chalicelib.services.identity.api_keys import NewKey, Owner
from chalicelib.storage.credentials import Credential
from chalicelib.storage.reads import Page

routes = Routes(__name__)

KEYS = "/v1/resellers/{reseller}/api-keys"
KEY = KEYS + "/{id}"
MY_KEYS = "/v1/api-keys"
MY_KEY = MY_KEYS + "/{id}"

KeyScope = Annotated[str, GetPydanticSchema(lambda *_: literal_schema([*map(str, KEY_SCOPES)]))]


def _to_utc(time: datetime) -> datetime:
    """Convert a time to UTC. Raises ValueError if the result is after the year 9999."""
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("Choose a time before the year 10000.") from None


class NewApiKey(Input):
    name: Text
    scopes: Annotated[list[KeyScope], Field(min_length=1, max_length=len(KEY_SCOPES))]
    expires_at: Annotated[AwareDatetime, Field(strict=False), AfterValidator(_to_utc)] | None = (
        Field(None, description="If omitted, the key is valid until it is revoked.")
    )


class ApiKeyOutput(RowOutput):
    id: str
    name: str
    scopes: list[str]
    expires_at: Time | None
    used_at: Time | None = Field(
        description="When the key was last used, accurate to five minutes; null if never."
    )


class NewApiKeyOutput(ApiKeyOutput):
    key: str = Field(description="The complete key. It cannot be retrieved again.")

    @model_validator(mode="before")
    @classmethod
    def _combine(cls, made: NewKey) -> dict[str, object]:
        columns = {name: getattr(made.row, name) for name in ApiKeyOutput.model_fields}
        return columns | {"key": made.key}


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
    KEYS, Audience.RESELLER, Scope.SESSION, returns=NewApiKeyOutput, created=KEY, sensitive=True
)
def create_reseller_key(call: Call[NewApiKey]) -> NewKey:
    """Create a reseller API key.

    The key gives access to this account only.
    """
    return _create(call, api_keys.owner_of_reseller_keys(call.reseller))


@routes.get(KEYS, Audience.RESELLER, Scope.SESSION, returns=ApiKeyOutput)
def list_reseller_keys(call: Call[ListQuery]) -> Page[Credential]:
    """List the reseller's API keys.

    Expired keys are included, but secrets never are.
    """
    owner = api_keys.owner_of_reseller_keys(call.reseller)
    return api_keys.list_keys(owner, call.input.page)


@routes.delete(KEY, Audience.RESELLER, Scope.SESSION)
def revoke_reseller_key(call: Call[Empty]) -> None:
    """Revoke a reseller API key.

    The key stops working immediately.
    """
    _revoke(call, api_keys.owner_of_reseller_keys(call.reseller))


@routes.post(
    MY_KEYS, Audience.ADMIN, Scope.SESSION, returns=NewApiKeyOutput, created=MY_KEY, sensitive=True
)
def create_admin_key(call: Call[NewApiKey]) -> NewKey:
    """Create an admin API key for yourself.

    The key gives access to every reseller, within its scopes.
    """
    return _create(call, Owner(call.caller.id))


@routes.get(MY_KEYS, Audience.ADMIN, Scope.SESSION, returns=ApiKeyOutput)
def list_admin_keys(call: Call[ListQuery]) -> Page[Credential]:
    """List your admin API keys.

    Expired keys are included, but secrets never are.
    """
    return api_keys.list_keys(Owner(call.caller.id), call.input.page)


@routes.delete(MY_KEY, Audience.ADMIN, Scope.SESSION)
def revoke_admin_key(call: Call[Empty]) -> None:
    """Revoke one of your admin API keys.

    The key stops working immediately.
    """
    _revoke(call, Owner(call.caller.id))
