"""Table settings: the platform's settings, and a row for its first super admin."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from chalicelib.domain.findings import SAFE_CODES
from chalicelib.storage.rows import BrandingDocument, Document, Integer, Row, StringList

PLATFORM = "platform"
FIRST_ADMIN = "first-admin"


class PlatformSettings(Row):
    """The settings that super admins edit.

    `price_tiers` is `{"tiers": [{"from", "unit_amount"}, …]}`; `tiers_version` counts the changes.
    A reseller gets a notice when it has `low_license_threshold` or fewer licenses available.
    `automatic_repairs` lists the codes of the findings that reconciliation can repair without
    approval, as long as the repair is safe.
    """

    noun = "settings"

    id = UnicodeAttribute(hash_key=True)
    price_tiers = Document()
    tiers_version = Integer(default=1)
    restrict_inactive_resellers = BooleanAttribute(default=True)
    deactivated_tenants_hold_license = BooleanAttribute(default=True)
    low_license_threshold = Integer(default=3)
    support_email = UnicodeAttribute(null=True)
    automatic_repairs = StringList(default=lambda: sorted(SAFE_CODES))
    branding_config = BrandingDocument(default=dict)


class FirstAdmin(Row):
    """`user_id` is the super admin most recently created while there was no other."""

    noun = "settings"

    id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
