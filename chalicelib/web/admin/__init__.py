"""The super admin's pages: one file per page, all of them below /admin."""

from chalicelib.web.admin import (
    purchase,
    purchases,
    reseller,
    resellers,
    tenants,
    users,
)

PAGES = (
    users.pages,
    resellers.pages,
    reseller.pages,
    tenants.pages,
    purchases.pages,
    purchase.pages,
)
