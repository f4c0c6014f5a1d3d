"""The admin pages' labels for the API's codes and column names."""

from chalicelib.domain.findings import Code

# Headings for groups of findings.
FINDING_TITLES: dict[str, str] = {
    Code.USED_MISMATCH: "Used licenses that don't match the tenants",
    Code.COUNT_UNEXPLAINED: "Total licenses that the ledger can't explain",
    Code.OVER_ALLOCATED: "More licenses in use than owned",
    Code.TENANT_HOLDS_WRONGLY: "Tenants marked wrongly as holding a license",
    Code.PURCHASE_UNCREDITED: "Purchases whose licenses were not added",
    Code.PURCHASE_OVERCREDITED: "Purchases whose licenses were not taken back",
    Code.STUCK_PURCHASE: "Purchases that are behind what Stripe says",
    Code.SESSION_WITHOUT_PURCHASE: "Checkouts at Stripe that no purchase knows",
    Code.ORPHAN_TENANT: "Tenants whose reseller is gone",
    Code.ORPHAN_CLAIM: "Names that are held by nobody",
    Code.MISSING_CLAIM: "Names that nothing keeps from being taken twice",
    Code.RESELLER_WITHOUT_USER: "Resellers whose user is linked one way only",
    Code.USER_LINK_WRONG: "Users linked to a reseller that is not theirs",
}

# Labels for columns. Any other column is labeled with its own name, without underscores.
FIELD_LABELS = {
    "license_count": "Total Licenses",
    "license_used": "Used",
    "is_active": "Is Active",
    "is_super_admin": "Super admin",
    "user_id": "User",
    "reseller_id": "Reseller",
    "tenant_id": "Tenant",
    "email": "E-mail",
    "contact_email": "Contact e-mail",
    "support_email": "Support e-mail",
    "company_name": "Company Name",
    "price_tiers": "License prices",
    "tiers_version": "Version of the prices",
    "branding_config": "Branding",
    "expires_at": "Expires",
    "holds_license": "Holds a license",
    "restrict_inactive_resellers": "Inactive resellers can't sign in",
    "deactivated_tenants_hold_license": "Deactivated tenants keep their license",
    "low_license_threshold": "Low when this many are left",
    "automatic_repairs": "Repaired without asking",
    "logo_url": "Logo",
    "logo_dark_url": "Logo on dark",
    "favicon_url": "Favicon",
    # Facts recorded with findings.
    "row": "About",
    "name": "Name",
    "claimed_rightly": "Claimed rightly",
    "tenants_holding": "Tenants holding a license",
    "ledger_used": "Used, by the ledger",
    "explained": "Explained by the ledger",
    "credited_by_ledger": "Credited by the ledger",
    "worth_by_stripe": "Worth, by Stripe",
    "status_by_stripe": "Status, by Stripe",
    "already_in_license_count": "Already in Total Licenses",
    "paid_elsewhere": "Paid on other checkouts",
    "session_id": "Session at Stripe",
    "purchase_id": "Purchase",
    "quantity": "Licenses",
}


def finding_title(code: str) -> str:
    return FINDING_TITLES.get(code) or field_label(code)


def field_label(column: str) -> str:
    return FIELD_LABELS.get(column, column.replace("_", " ").capitalize())


def action_label(name: str) -> str:
    """`reseller.edited` → Reseller edited."""
    words = name.replace("_", " ").replace(".", " ").capitalize()
    return words.replace("Api key", "API key")
