"""The platform's settings: price tiers and the switches of how licenses are kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock
from chalicelib.domain import pricing
from chalicelib.domain.branding import BUILT_IN, readable
from chalicelib.domain.pricing import Quote, Tier
from chalicelib.errors import InvalidRequest, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.settings.branding_validation import validate_branding
from chalicelib.storage.platform_settings import PLATFORM, PlatformSettings
from chalicelib.storage.reads import get
from chalicelib.storage.rows import differing
from chalicelib.storage.transactions import Transaction

CACHED_FOR = timedelta(seconds=30)  # "a change takes effect within a minute, everywhere"

UNSAVED = 0  # the version of a row that nobody has written yet

_cached: tuple[datetime, PlatformSettings] | None = None


def cached_settings() -> PlatformSettings:
    """The settings, at most CACHED_FOR old."""
    global _cached
    if _cached is None or not clock.is_recent(_cached[0], CACHED_FOR):
        _cached = (clock.now(), read_settings())
    return _cached[1]


def read_settings() -> PlatformSettings:
    """The settings as they are now; before any change the initial prices, at version 0."""
    return get(PlatformSettings, PLATFORM) or PlatformSettings(
        PLATFORM, price_tiers=_document(pricing.INITIAL_TIERS), tiers_version=1, version=UNSAVED
    )


def edit_settings(row: PlatformSettings, changes: dict[str, Any], *, by: str) -> PlatformSettings:
    """Change some columns of the row as read. Other processes follow within CACHED_FOR.

    price_tiers: a sequence of Tier. New ones count tiers_version up; the audit trail keeps
    the old ones, each purchase its own. What is so already changes nothing. Raises
    InvalidRequest, VersionConflict.
    """
    columns = dict(changes)
    if "price_tiers" in columns:
        columns["price_tiers"] = _checked(columns["price_tiers"])
        if columns["price_tiers"] != row.price_tiers:
            columns["tiers_version"] = row.tiers_version + 1
    if "branding_config" in columns:
        columns["branding_config"] = validate_branding(
            columns["branding_config"],
            inherited=BUILT_IN,
            before=readable(row.branding_config),
            within="branding_config",
        )
    columns = differing(row, columns)
    if not columns:
        return row
    tx = Transaction()
    audit.record_edit(
        tx,
        row,
        columns,
        actor=by,
        action="settings.edited",
        target=PLATFORM,
        reseller_id=None,
    )
    if row.version == UNSAVED:
        for name, value in columns.items():
            setattr(row, name, value)
        row.version = UNSAVED + 1
        tx.create(row, otherwise=VersionConflict())
    else:
        tx.change(row, **columns)
    tx.commit()
    clear_cache()
    return row


def _checked(price_tiers: Sequence[Tier]) -> dict[str, object]:
    try:
        pricing.validate_tiers(price_tiers)
    except ValueError as error:
        raise InvalidRequest.of("price_tiers", str(error)) from None
    return _document(price_tiers)


def clear_cache() -> None:
    """Let the next read see what was just changed."""
    global _cached
    _cached = None


def tiers(row: PlatformSettings) -> tuple[Tier, ...]:
    return tiers_of(row.price_tiers)


def tiers_of(document: Mapping[str, Any]) -> tuple[Tier, ...]:
    """The tiers of a `price_tiers` column, or of the copy that a purchase keeps."""
    return tuple(Tier(t["from"], t["unit_amount"]) for t in document["tiers"])


def quote(quantity: int, prices: PlatformSettings | None = None) -> Quote:
    """What `quantity` licenses cost, now or by the settings given. Raises InvalidRequest."""
    try:
        return pricing.quote(quantity, tiers(prices or cached_settings()))
    except ValueError as error:
        raise InvalidRequest.of("quantity", str(error)) from None


def _document(price_tiers: Sequence[Tier]) -> dict[str, object]:
    return {"tiers": [{"from": t.from_quantity, "unit_amount": t.unit_amount} for t in price_tiers]}
