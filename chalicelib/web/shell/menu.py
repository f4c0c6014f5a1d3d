"""The menu's entries. Each page names the one to highlight."""

from enum import StrEnum


class MenuEntry(StrEnum):
    """An entry of the menu in templates/components/nav.html."""

    ADMIN_OVERVIEW = "admin/overview"
    ADMIN_RESELLERS = "admin/resellers"
    ADMIN_USERS = "admin/users"
    ADMIN_PURCHASES = "admin/purchases"
    ADMIN_RECONCILIATION = "admin/reconciliation"
    ADMIN_AUDIT = "admin/audit"
    ADMIN_SETTINGS = "admin/settings"
    RESELLER_OVERVIEW = "reseller/overview"
    RESELLER_LICENSES = "reseller/licenses"
    RESELLER_TENANTS = "reseller/tenants"
    RESELLER_BRANDING = "reseller/branding"
    RESELLER_SETTINGS = "reseller/settings"
    ACCOUNT = "account"
