"""The admin page for the platform's settings: prices and rules."""

from collections.abc import Sequence

from chalice.app import Response

from chalicelib.api.settings import SettingsChanges, TierInput
from chalicelib.domain import pricing
from chalicelib.domain.findings import CODES, SAFE_CODES, Code
from chalicelib.domain.pricing import Tier
from chalicelib.errors import FieldError, InvalidRequest, TenantryError
from chalicelib.services.settings import platform_settings
from chalicelib.storage.platform_settings import PlatformSettings
from chalicelib.web.admin_shell.frame import render
from chalicelib.web.admin_shell.words import FINDING_TITLES
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, Form, FormFields, PageContext, Pages

pages = Pages(__name__)

SETTINGS = "/admin/settings"
PRICES = FormFields(TierInput, id="prices", cents=("unit_amount",), repeats=True)
RULES = FormFields(
    SettingsChanges,
    id="rules",
    only=(
        "restrict_inactive_resellers",
        "deactivated_tenants_hold_license",
        "low_license_threshold",
        "support_email",
        "automatic_repairs",
    ),
)


@pages.page("GET", SETTINGS, audience=Audience.ADMIN)
def show_settings(
    page: PageContext, *, previewed: Sequence[Tier] | None = None, **context: object
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
        prices_form=PRICES,
        rules_form=RULES,
        repairs=[(code.value, FINDING_TITLES[code], None) for code in Code if code in SAFE_CODES],
        tier_preview=_edge_quotes(previewed or platform_settings.tiers(row)),
        **context,
    )


def _edge_quotes(tiers: Sequence[Tier]) -> list[pricing.Quote]:
    """Quote each tier's smallest and largest order, to show where a larger order is cheaper."""
    starts = [tier.from_quantity for tier in tiers]
    quantities = {1, *starts, *(start - 1 for start in starts if start > 1)}
    return [pricing.quote(quantity, tiers) for quantity in sorted(quantities)]


@pages.form(SETTINGS + "?action=prices", audience=Audience.ADMIN, fields=PRICES)
def save_prices(page: PageContext, form: Form[TierInput]) -> Response:
    tiers: list[Tier] | None = None
    try:
        tiers = _read_tiers(form)
        if form.get("preview"):
            return show_settings(page, previewed=tiers, form=form.typed, form_id=PRICES.id)
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
            field_names={"price_tiers": ""},
            previewed=tiers,
        )
    return page.redirect(SETTINGS, flash="Prices saved. New orders are charged by them.")


def _read_tiers(form: Form[TierInput]) -> list[Tier]:
    """Read the rows of the price table, skipping empty ones.

    Raises InvalidRequest. The error's field names include the row number: `from-2`.
    """
    tiers: dict[int, Tier] = {}
    errors: list[FieldError] = []
    for number, row in enumerate(form.rows(), 1):
        if not any(row.get(name) for name in PRICES.controls):
            continue
        try:
            read = row.read()
        except InvalidRequest as error:
            errors += [FieldError(f"{e.field}-{number}", e.message) for e in error.errors]
        else:
            tiers[number] = Tier(read.from_quantity, read.unit_amount)
    if not errors:
        numbers = [*tiers, 1]
        errors = [
            FieldError("" if p.tier is None else f"{p.field}-{numbers[p.tier]}", p.message)
            for p in pricing.tier_problems([*tiers.values()])
        ]
    if errors:
        raise InvalidRequest(errors)
    return [*tiers.values()]


@pages.form(SETTINGS + "?action=rules", audience=Audience.ADMIN, fields=RULES)
def save_rules(page: PageContext, form: Form[SettingsChanges]) -> Response:
    try:
        changes = form.read().model_dump(exclude_unset=True)
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
        return page.rerender_form(error, show_settings, form)
    return page.redirect(SETTINGS, flash="Rules saved. In effect everywhere within a minute.")
