"""The blueprints for all pages, which app.py registers."""

from chalicelib.web.audit import trail
from chalicelib.web.branding import pages as branding
from chalicelib.web.branding import platform_branding
from chalicelib.web.docs import pages as docs
from chalicelib.web.domains import pages as domains
from chalicelib.web.identity import account, admin_users, password_link, reseller_settings
from chalicelib.web.purchases import (
    admin_purchase,
    admin_purchases,
    licenses,
    reseller_purchase,
)
from chalicelib.web.reconciliation import report, runs
from chalicelib.web.refunds import admin_refund
from chalicelib.web.reporting import (
    admin_overview,
    admin_statement,
    reseller_overview,
    reseller_statement,
)
from chalicelib.web.resellers import admin_reseller, admin_resellers
from chalicelib.web.settings import platform_settings
from chalicelib.web.shell import assets
from chalicelib.web.tenants import admin_tenant, admin_tenants, reseller_tenant, reseller_tenants

PAGES = (
    account.pages,
    password_link.pages,
    docs.pages,
    admin_overview.pages,
    admin_users.pages,
    admin_resellers.pages,
    admin_reseller.pages,
    admin_tenants.pages,
    admin_tenant.pages,
    admin_statement.pages,
    admin_purchases.pages,
    admin_purchase.pages,
    admin_refund.pages,
    runs.pages,
    report.pages,
    platform_settings.pages,
    platform_branding.pages,
    trail.pages,
    assets.assets,
    assets.pages,
    reseller_overview.pages,
    licenses.pages,
    reseller_purchase.pages,
    reseller_tenants.pages,
    reseller_tenant.pages,
    reseller_settings.pages,
    reseller_statement.pages,
    branding.pages,
    domains.pages,
)
