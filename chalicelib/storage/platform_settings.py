"""Table settings: the row of the platform's settings, and that of its super admins."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute, UnicodeSetAttribute

from chalicelib.domain.findings import SAFE
from chalicelib.storage.rows import BrandingDocument, Document, Integer, Row, Texts

PLATFORM = "platform"
SUPER_ADMINS = "super-admins"


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


class SuperAdmins(Row):
    """members: the ids of all active super admins. DynamoDB keeps no empty set, so that no
    attribute means no admin, and conditions on the set decide who may be the first or the
    last."""

    noun = "settings"

    id = UnicodeAttribute(hash_key=True)
    members = UnicodeSetAttribute(null=True)
