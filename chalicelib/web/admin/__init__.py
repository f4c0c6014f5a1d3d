"""The super admin's pages: one file per page, all of them below /admin."""

from chalicelib.web.admin import (
    audit,
    branding,
    overview,
    purchase,
    purchases,
    reconciliation,
    report,
    reseller,
    resellers,
    settings,
    statement,
    tenant,
    tenants,
    users,
)

PAGES = (
    overview.pages,
    users.pages,
    resellers.pages,
    reseller.pages,
    tenants.pages,
    tenant.pages,
    statement.pages,
    purchases.pages,
    purchase.pages,
    reconciliation.pages,
    report.pages,
    settings.pages,
    branding.pages,
    audit.pages,
)
