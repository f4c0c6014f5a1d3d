"""The platform's settings, for super admins."""

from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from chalicelib.api.branding_config import BrandingConfig, StoredBranding
from chalicelib.api.declarations import Audience
from chalicelib.api.purchases import TierOutput
from chalicelib.api.routing import Routes
from chalicelib.domain.pricing import LARGEST_TOTAL, MAX_QUANTITY, MAX_TIERS, Tier
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import Changes, Email, Input, Output, Time
from chalicelib.http.requests import Call, Empty
from chalicelib.services.settings import platform_settings
from chalicelib.storage.platform_settings import PlatformSettings

routes = Routes(__name__)

SETTINGS = "/v1/settings"

RepairName = Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$", max_length=50)]


class TierInput(Input):
    """In an order of `from` or more licenses, each license costs `unit_amount` cents."""

    from_quantity: int = Field(
        alias="from", json_schema_extra={"minimum": 1, "maximum": MAX_QUANTITY}
    )
    unit_amount: int = Field(json_schema_extra={"minimum": 1, "maximum": LARGEST_TOTAL})


class SettingsChanges(Changes):
    price_tiers: list[TierInput] = Field(
        default_factory=list,
        description="Replaces all tiers.",
        json_schema_extra={"minItems": 1, "maxItems": MAX_TIERS},
    )
    restrict_inactive_resellers: bool = Field(
        True, description="Whether the users of inactive resellers are locked out."
    )
    deactivated_tenants_hold_license: bool = Field(
        True, description="Whether a tenant keeps its license when it is deactivated."
    )
    low_license_threshold: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        0, description="Notify a reseller when it has this many or fewer licenses available."
    )
    support_email: Email | None = None
    automatic_repairs: Annotated[list[RepairName], Field(max_length=20)] = Field(
        default_factory=list, description="The codes of the findings to repair without approval."
    )
    branding_config: BrandingConfig = Field(
        default_factory=BrandingConfig, description="Replaces the whole document."
    )


class SettingsOutput(Output):
    price_tiers: Annotated[list[TierOutput], BeforeValidator(platform_settings.tiers_of)]
    tiers_version: int = Field(description="Changes whenever the prices change.")
    restrict_inactive_resellers: bool
    deactivated_tenants_hold_license: bool
    low_license_threshold: int
    support_email: str | None
    automatic_repairs: list[str]
    branding_config: StoredBranding
    updated_at: Time | None = Field(description="Null if the settings have never been changed.")
    version: int = Field(description="0 if the settings have never been changed.")


@routes.get(SETTINGS, Audience.ADMIN, Scope.ADMIN, returns=SettingsOutput)
def read_settings(_call: Call[Empty]) -> PlatformSettings:
    """Get the platform's settings."""
    return platform_settings.read_settings()


@routes.patch(SETTINGS, Audience.ADMIN, Scope.ADMIN, returns=SettingsOutput)
def edit_settings(call: Call[SettingsChanges]) -> PlatformSettings:
    """Update the platform's settings.

    Omitted fields keep their values. Changes take effect everywhere within a minute.
    """
    changes = call.changes()
    if "price_tiers" in changes:
        changes["price_tiers"] = [Tier(**tier) for tier in changes["price_tiers"]]
    return call.on_current(
        platform_settings.read_settings,
        lambda row: platform_settings.edit_settings(row, changes, by=call.by),
    )
