"""The reseller's pages: one file per page, all of them below /reseller."""

from chalicelib.web.reseller import (
    licenses,
    overview,
    purchase,
    settings,
    statement,
    tenant,
    tenants,
)

PAGES = (
    overview.pages,
    licenses.pages,
    purchase.pages,
    tenants.pages,
    tenant.pages,
    settings.pages,
    statement.pages,
)
