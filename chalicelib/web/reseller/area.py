"""Which pages the reseller's area is made of."""

from chalicelib.web.reseller import licenses, overview, purchase, tenant, tenants

RESELLER_PAGES = (
    overview.pages,
    licenses.pages,
    purchase.pages,
    tenants.pages,
    tenant.pages,
)
