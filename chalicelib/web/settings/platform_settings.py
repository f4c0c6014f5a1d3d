"""The admin page for the platform's settings: prices and rules."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

from chalice.app import Response
from pydantic import Field

from chalicelib.domain import pricing
from chalicelib.domain.findings import CODES, SAFE_CODES, Code
from chalicelib.domain.pricing import Tier
from chalicelib.errors import FieldError, InvalidRequest, TenantryError
from chalicelib.http.fields import Email, Input
from chalicelib.services.settings import platform_settings
from chalicelib.storage.platform_settings import PlatformSettings
from chalicelib.web.admin_shell.frame import render
from chalicelib.web.admin_shell.words import FINDING_TITLES
from chalicelib.web.shell.forms import Form
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)

SETTINGS = "/admin/settings"
PRICE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")
START = re.compile(r"[0-9]{1,7}")
TIER_FIELDS = ("tier_from", "tier_price")


class RulesForm(Input):
    restrict_inactive_resellers: bool
    deactivated_tenants_hold_license: bool
    low_license_threshold: Annotated[int, Field(ge=0, le=1_000_000)]
    support_email: Email | None = None
    automatic_repairs: list[Annotated[Code, Field(strict=False)]]


@pages.page("GET", SETTINGS, audience=Audience.ADMIN)
def show_settings(
    page: PageContext, *, previewed: Sequence[Tier] | None = None, **context: Any
) -> Response:
    """Show the settings. `previewed` contains unsaved prices to preview."""
    row = platform_settings.read_settings()
    return render(
        page,
        "admin/settings.html",
        title="Settings",
        nav=MenuEntry.ADMIN_SETTINGS,
        settings=row,
        tiers=row.price_tiers["tiers"],
        repairs=[(code.value, FINDING_TITLES[code], None) for code in Code if code in SAFE_CODES],
        tier_preview=_edge_quotes(previewed or platform_settings.tiers(row)),
        **context,
    )


def _edge_quotes(tiers: Sequence[Tier]) -> list[pricing.Quote]:
    """Quote each tier's smallest and largest order, to show where a larger order is cheaper."""
    starts = [tier.from_quantity for tier in tiers]
    quantities = {1, *starts, *(start - 1 for start in starts if start > 1)}
    return [pricing.quote(quantity, tiers) for quantity in sorted(quantities)]


@pages.page("POST", SETTINGS + "?action=prices", audience=Audience.ADMIN)
def save_prices(page: PageContext) -> Response:
    form = page.form()
    tiers: list[Tier] | None = None
    try:
        tiers = _read_tiers(form)
        if form.get("preview"):
            typed = {name: form.get_all(name) for name in TIER_FIELDS}
            return show_settings(page, previewed=tiers, form=typed, form_id="prices")
        page.on_current(
            platform_settings.read_settings,
            lambda row: platform_settings.edit_settings(row, {"price_tiers": tiers}, by=page.by),
            version=form.get("version"),
        )
    except TenantryError as error:
        return page.rerender_form(
            error,
            show_settings,
            form,
            repeated_fields=TIER_FIELDS,
            field_names={"price_tiers": ""},
            form_id="prices",
            previewed=tiers,
        )
    return page.redirect(SETTINGS, flash="Prices saved. New orders are charged by them.")


def _read_tiers(form: Form) -> list[Tier]:
    """Read the rows of the price table, skipping empty ones.

    Raises InvalidRequest. The error's field names include the row number: `tier_from-2`,
    `tier_price-2`.
    """
    tiers: list[Tier] = []
    errors: list[FieldError] = []
    previous: int | None = None
    rows = zip(form.get_all("tier_from"), form.get_all("tier_price"), strict=False)
    for number, (start, price) in enumerate(rows, 1):
        if not start and not price:
            continue
        if not START.fullmatch(start):
            errors.append(FieldError(f"tier_from-{number}", "A whole number, please."))
        elif previous is None and int(start) != 1:
            errors.append(FieldError(f"tier_from-{number}", "The first tier must start at 1."))
        elif previous is not None and int(start) <= previous:
            message = f"It must start above the tier before it, {previous:,}."
            errors.append(FieldError(f"tier_from-{number}", message))
        else:
            previous = int(start)
        if not PRICE.fullmatch(price) or not Decimal(price):
            errors.append(FieldError(f"tier_price-{number}", "A price like 17.50, please."))
        if not errors:
            tiers.append(Tier(int(start), int(Decimal(price) * 100)))
    if errors:
        raise InvalidRequest(errors)
    try:
        pricing.validate_tiers(tiers)
    except ValueError as error:
        raise InvalidRequest([FieldError("", str(error))]) from None
    return tiers


@pages.page("POST", SETTINGS + "?action=rules", audience=Audience.ADMIN)
def save_rules(page: PageContext) -> Response:
    form = page.form()
    switches = ("restrict_inactive_resellers", "deactivated_tenants_hold_license")
    try:
        rules = form.read(
            RulesForm,
            automatic_repairs=form.get_all("automatic_repairs"),
            **{name: form.get(name) == "true" for name in switches},
        )
        changes = rules.model_dump(mode="json")
        checked = set(changes.pop("automatic_repairs"))

        def save(row: PlatformSettings) -> PlatformSettings:
            # Keep repairs that only a later release knows, because the page has no checkbox for
            # them.
            repairs = sorted(checked | (set(row.automatic_repairs) - CODES))
            return platform_settings.edit_settings(
                row, {**changes, "automatic_repairs": repairs}, by=page.by
            )

        page.on_current(
            platform_settings.read_settings,
            save,
            version=form.get("version"),
        )
    except TenantryError as error:
        return page.rerender_form(
            error, show_settings, form, repeated_fields=["automatic_repairs"], form_id="rules"
        )
    return page.redirect(SETTINGS, flash="Rules saved. In effect everywhere within a minute.")
