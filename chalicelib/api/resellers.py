"""Resellers, their licenses, and their ledgers."""

from typing import Annotated

from pydantic import Field, model_validator

from chalicelib.api.branding_config import StoredBranding
from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.scopes import Scope
from chalicelib.http.csv import Csv
from chalicelib.http.fields import (
    MAX_LICENSES,
    Changes,
    Email,
    Id,
    Input,
    LicenseCount,
    ListQuery,
    Output,
    Reason,
    RowOutput,
    Search,
    Slug,
    Text,
    Time,
)
from chalicelib.http.requests import Call, Empty
from chalicelib.services.reporting import statements
from chalicelib.services.resellers import accounts
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.reads import Page
from chalicelib.storage.resellers import Reseller

routes = Routes(__name__)

RESELLERS = "/v1/resellers"
RESELLER = RESELLERS + "/{reseller}"
NEW_RESELLER = RESELLERS + "/{id}"
ADJUSTMENTS = RESELLER + "/license-adjustments"
LEDGER = RESELLER + "/ledger"
ONE_USER = "Send either user_id or user_email."


class ResellerOutput(RowOutput):
    id: str
    user_id: str
    company_name: str
    slug: str
    license_count: int
    license_used: int
    license_available: int = Field(
        description="`license_count` minus `license_used`; negative if over-allocated."
    )
    over_allocated: bool = Field(
        description="Whether more licenses are in use than owned, such as after a refund."
    )
    is_active: bool
    branding_config: StoredBranding


class Licenses(Output):
    license_count: int
    license_used: int
    license_available: int
    over_allocated: bool


class LedgerOutput(RowOutput):
    id: str
    reseller_id: str
    at: Time
    kind: str
    count_change: int = Field(description="The change in `license_count`.")
    used_change: int = Field(description="The change in `license_used`.")
    actor: str = Field(description="A user's ID, or the name of an automatic process.")
    reason: str | None
    ref: str | None = Field(
        description="The ID of the tenant, purchase, or reconciliation run behind the change."
    )


class NewReseller(Input):
    user_id: Id | None = Field(
        None, description="The user to link. Send either this or `user_email`."
    )
    user_email: Email | None = None
    company_name: Text
    slug: Slug
    license_count: LicenseCount = 0
    is_active: bool = True

    @model_validator(mode="after")
    def _check_one_user(self) -> "NewReseller":
        if (self.user_id is None) == (self.user_email is None):
            raise ValueError(ONE_USER)
        return self


class ResellerChanges(Changes):
    user_id: Id = Field("", description="The user to link. Send either this or `user_email`.")
    user_email: Email = ""
    company_name: Text = ""
    slug: Slug = ""
    license_count: LicenseCount = 0
    is_active: bool = True

    @model_validator(mode="after")
    def _check_at_most_one_user(self) -> "ResellerChanges":
        if {"user_id", "user_email"} <= self.model_fields_set:
            raise ValueError(ONE_USER)
        return self


class Adjustment(Input):
    change: Annotated[int, Field(ge=-MAX_LICENSES, le=MAX_LICENSES)] = Field(
        description="The number of licenses to add; negative to take licenses back."
    )
    reason: Reason

    @model_validator(mode="after")
    def _check_not_zero(self) -> "Adjustment":
        if self.change == 0:
            raise ValueError("The change must not be 0.")
        return self


class ResellerQuery(ListQuery):
    search: Search = Field("", description="The beginning of the company name. Case is ignored.")


class LedgerQuery(ListQuery):
    entry: Id | None = Field(None, description="Return only the entry with this ID.")


@routes.post(RESELLERS, Audience.ADMIN, Scope.ADMIN, returns=ResellerOutput, created=NEW_RESELLER)
def create_reseller(call: Call[NewReseller]) -> Reseller:
    """Create a reseller account for an existing user."""
    new = call.input
    return accounts.create_reseller(
        user_id=new.user_id,
        user_email=new.user_email,
        company_name=new.company_name,
        slug=new.slug,
        license_count=new.license_count,
        is_active=new.is_active,
        by=call.by,
        once=call.once,
    )


@routes.get(RESELLERS, Audience.ADMIN, Scope.ADMIN, returns=ResellerOutput)
def list_resellers(call: Call[ResellerQuery]) -> Page[Reseller]:
    """List resellers, ordered by company name."""
    return accounts.list_resellers(call.input.page, search=call.input.search)


@routes.get(RESELLER, Audience.RESELLER, Scope.READ, returns=ResellerOutput)
def read_reseller(call: Call[Empty]) -> Reseller:
    """Get a reseller."""
    return call.reseller


@routes.patch(RESELLER, Audience.ADMIN, Scope.ADMIN, returns=ResellerOutput)
def edit_reseller(call: Call[ResellerChanges]) -> Reseller:
    """Update a reseller.

    Omitted fields keep their values. `license_count` cannot be lower than `license_used`.
    """
    return call.on_current(
        lambda: accounts.read_reseller(call.path["reseller"]),
        lambda reseller: accounts.edit_reseller(reseller, call.changes(), by=call.by),
    )


@routes.get(RESELLER + "/licenses", Audience.RESELLER, Scope.READ, returns=Licenses)
def read_licenses(call: Call[Empty]) -> Reseller:
    """Get the numbers of total, used, and available licenses."""
    return call.reseller


@routes.post(
    ADJUSTMENTS, Audience.ADMIN, Scope.ADMIN, returns=LedgerOutput, created=LEDGER + "?entry={id}"
)
def adjust_licenses(call: Call[Adjustment]) -> LedgerEntry:
    """Add licenses, or take unused ones back.

    Returns the ledger entry.
    """
    reseller_id = call.path["reseller"]
    return call.on_current(
        lambda: accounts.read_reseller(reseller_id),
        lambda reseller: accounts.adjust_licenses(
            reseller, call.input.change, reason=call.input.reason, by=call.by, once=call.once
        ),
    )


@routes.get(LEDGER, Audience.RESELLER, Scope.READ, returns=LedgerOutput)
def list_ledger(call: Call[LedgerQuery]) -> Page[LedgerEntry] | Csv:
    """List every change to a reseller's license counts, newest first.

    With `Accept: text/csv`, returns the complete ledger as CSV.
    """
    if call.wants_csv:
        lines = statements.ledger_lines(call.reseller.id)
        return Csv(f"ledger-{call.reseller.slug}.csv", statements.LEDGER_COLUMNS, lines)
    return accounts.list_ledger(call.reseller.id, call.input.page, entry=call.input.entry)
