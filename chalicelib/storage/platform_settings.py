"""Table settings: one row, the platform's."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from chalicelib.storage.rows import Document, Integer, Row

PLATFORM = "platform"


class PlatformSettings(Row):
    """price_tiers: {"tiers": [{"from", "unit_amount"}, …]}; tiers_version counts its changes."""

    noun = "settings"

    id = UnicodeAttribute(hash_key=True)
    price_tiers = Document()
    tiers_version = Integer(default_for_new=1)
    restrict_inactive_resellers = BooleanAttribute(default_for_new=True)
    deactivated_tenants_hold_license = BooleanAttribute(default_for_new=True)
