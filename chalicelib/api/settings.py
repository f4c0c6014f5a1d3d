"""The platform's settings, for super admins."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from chalicelib.api.branding_config import BrandingConfig, StoredBranding
from chalicelib.api.declarations import Audience, Scope
from chalicelib.api.fields import Changes, Email, Input, Output, Time
from chalicelib.api.purchases import TierOutput
from chalicelib.api.requests import Call, Empty
from chalicelib.api.routing import Routes
from chalicelib.domain.pricing import Tier
from chalicelib.services.settings import platform_settings
from chalicelib.storage.platform_settings import PlatformSettings

routes = Routes(__name__)

RepairName = Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$", max_length=50)]


class TierInput(Input):
    """From this quantity on, each license of the order costs unit_amount cents."""

    from_quantity: int = Field(alias="from")
    unit_amount: int


class SettingsChanges(Changes):
    """price_tiers replace the whole table, branding_config the whole document."""

    price_tiers: Annotated[list[TierInput], Field(max_length=100)] = Field(default_factory=list)
    restrict_inactive_resellers: bool = True
    deactivated_tenants_hold_license: bool = True
    low_license_threshold: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    support_email: Email | None = None
    automatic_repairs: Annotated[list[RepairName], Field(max_length=20)] = Field(
        default_factory=list
    )
    branding_config: BrandingConfig = Field(default_factory=BrandingConfig)


class SettingsOutput(Output):
    """updated_at: null, and version 0, until somebody changes them."""

    price_tiers: Annotated[list[TierOutput], BeforeValidator(lambda kept: _tiers(kept))]
    tiers_version: int
    restrict_inactive_resellers: bool
    deactivated_tenants_hold_license: bool
    low_license_threshold: int
    support_email: str | None
    automatic_repairs: list[str]
    branding_config: StoredBranding
    updated_at: Time | None
    version: int


def _tiers(kept: dict[str, Any]) -> list[Tier]:
    return [Tier(tier["from"], tier["unit_amount"]) for tier in kept["tiers"]]


@routes.get("/v1/settings", Audience.ADMIN, Scope.ADMIN, returns=SettingsOutput)
def read_settings(_call: Call[Empty]) -> PlatformSettings:
    """Prices and switches as they are now."""
    return platform_settings.read_settings()


@routes.patch("/v1/settings", Audience.ADMIN, Scope.ADMIN, returns=SettingsOutput)
def edit_settings(call: Call[SettingsChanges]) -> PlatformSettings:
    """Change the fields that are sent; in effect everywhere within a minute."""
    changes = call.changes()
    if "price_tiers" in changes:
        changes["price_tiers"] = [Tier(**tier) for tier in changes["price_tiers"]]
    return call.on_current(
        platform_settings.read_settings,
        lambda row: platform_settings.edit_settings(row, changes, by=call.by),
    )
