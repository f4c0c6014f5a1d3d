"""Table settings: the row of the platform's settings, and that of its first super admin."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from chalicelib.domain.findings import SAFE
from chalicelib.storage.rows import BrandingDocument, Document, Integer, Row, Texts

PLATFORM = "platform"
FIRST_ADMIN = "first-admin"


class PlatformSettings(Row):
    """price_tiers: {"tiers": [{"from", "unit_amount"}, …]}; tiers_version counts its changes.

    low_license_threshold: with this many licenses available or fewer, a reseller is told so.
    automatic_repairs: the findings, by code, that reconciliation mends without being asked,
    where they are safe.
    """

    noun = "settings"

    id = UnicodeAttribute(hash_key=True)
    price_tiers = Document()
    tiers_version = Integer(default_for_new=1)
    restrict_inactive_resellers = BooleanAttribute(default=True)
    deactivated_tenants_hold_license = BooleanAttribute(default=True)
    low_license_threshold = Integer(default=3)
    support_email = UnicodeAttribute(null=True)
    automatic_repairs = Texts(default=lambda: sorted(SAFE))
    branding_config = BrandingDocument(default=dict)


class FirstAdmin(Row):
    """user_id: the super admin who was made while there was none, the last time that was so."""

    noun = "settings"

    id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
