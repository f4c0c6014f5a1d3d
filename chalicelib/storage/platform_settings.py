"""Table settings: one row, the platform's."""

from pynamodb.attributes import BooleanAttribute, ListAttribute, UnicodeAttribute

from chalicelib.domain.findings import SAFE
from chalicelib.storage.rows import BrandingDocument, Document, Integer, Row

PLATFORM = "platform"


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
    branding_config = BrandingDocument(default=dict)
    automatic_repairs = ListAttribute(of=UnicodeAttribute, default=lambda: sorted(SAFE))
