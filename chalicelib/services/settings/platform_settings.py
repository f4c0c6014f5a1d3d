"""Platform settings: price tiers, switches for license handling, and platform branding."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from chalicelib.domain import pricing
from chalicelib.domain.actors import Actor
from chalicelib.domain.branding import DEFAULT_BRANDING, valid_fields, with_unknown_fields
from chalicelib.domain.pricing import Quote, Tier
from chalicelib.errors import InvalidRequest, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.settings.branding_validation import validate_branding
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.caches import Cached
from chalicelib.storage.platform_settings import PLATFORM, PlatformSettings
from chalicelib.storage.reads import get
from chalicelib.storage.rows import Columns, changed_columns
from chalicelib.storage.transactions import Transaction

# A change must take effect everywhere within a minute.
CACHED_FOR = timedelta(seconds=30)

UNSAVED = 0  # version of the default row before the first edit


def cached_settings() -> PlatformSettings:
    """Return the settings, which can be up to CACHED_FOR old."""
    return _cached()


def read_settings() -> PlatformSettings:
    """Return the current settings, or the defaults at version UNSAVED before the first edit."""
    return get(PlatformSettings, PLATFORM) or PlatformSettings(
        PLATFORM,
        price_tiers=_tiers_document(pricing.INITIAL_TIERS),
        tiers_version=1,
        version=UNSAVED,
    )


_cached = Cached(read_settings, [PlatformSettings.noun], CACHED_FOR)


def edit_settings(row: PlatformSettings, changes: Columns, *, by: Actor) -> PlatformSettings:
    """Change some of the settings. Other processes see the change within CACHED_FOR.

    `price_tiers` is a sequence of Tier. New tiers increment `tiers_version`; the audit trail
    keeps the old tiers, and each purchase keeps the tiers it was quoted. Values that have not
    changed are ignored. Raises InvalidRequest, or VersionConflict if the row has changed
    since it was read.
    """
    columns = dict(changes)
    if "price_tiers" in columns:
        new_tiers = columns.pop("price_tiers")
        document = _validated_tiers(new_tiers)
        if tuple(new_tiers) != tiers(row):
            columns["price_tiers"] = {**row.price_tiers, **document}
            columns["tiers_version"] = row.tiers_version + 1
    if "branding_config" in columns:
        own = validate_branding(
            columns["branding_config"],
            inherited=DEFAULT_BRANDING,
            before=valid_fields(row.branding_config),
            within="branding_config",
        )
        columns["branding_config"] = with_unknown_fields(own, row.branding_config)
    columns = changed_columns(row, columns)
    if not columns:
        return row
    tx = Transaction()
    audit.record_edit(
        tx,
        row,
        columns,
        actor=by,
        action=AuditAction.SETTINGS_EDITED,
        target=PLATFORM,
        reseller_id=None,
    )
    if row.version == UNSAVED:
        unsaved = row.unchanged()
        for name, value in columns.items():
            setattr(row, name, value)
        row.version = UNSAVED + 1
        tx.put(row, condition=unsaved, otherwise=VersionConflict())
    else:
        tx.change(row, columns)
    tx.commit()
    return row


def _validated_tiers(price_tiers: Sequence[Tier]) -> dict[str, object]:
    try:
        pricing.validate_tiers(price_tiers)
    except ValueError as error:
        raise InvalidRequest.of("price_tiers", str(error)) from None
    return _tiers_document(price_tiers)


def tiers(row: PlatformSettings) -> tuple[Tier, ...]:
    return tiers_of(row.price_tiers)


def tiers_of(document: Mapping[str, Any]) -> tuple[Tier, ...]:  # Any: stored JSON
    """Return the tiers stored in a `price_tiers` column or in a purchase's copy of it."""
    return tuple(Tier(t["from"], t["unit_amount"]) for t in document["tiers"])


def quote(quantity: int, prices: PlatformSettings | None = None) -> Quote:
    """Return the price of `quantity` licenses, by default at current prices.

    Raises InvalidRequest.
    """
    try:
        return pricing.quote(quantity, tiers(prices or cached_settings()))
    except ValueError as error:
        raise InvalidRequest.of("quantity", str(error)) from None


def _tiers_document(price_tiers: Sequence[Tier]) -> dict[str, object]:
    return {"tiers": [{"from": t.from_quantity, "unit_amount": t.unit_amount} for t in price_tiers]}
