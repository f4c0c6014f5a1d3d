"""The map: which blueprints and functions Tenantry is made of. Nothing else happens here."""

from chalice.app import Chalice

from chalicelib.api import (
    api_keys,
    audit,
    branding,
    domains,
    health,
    openapi,
    password,
    purchases,
    reconciliations,
    resellers,
    session,
    settings,
    statements,
    tenants,
    users,
)
from chalicelib.functions import (
    check_domains,
    create_first_admin,
    reconcile,
    send_mail,
    stripe_webhook,
    sweep_purchases,
    take_figures,
)
from chalicelib.web import (
    account,
    admin,
    assets,
    brand_pages,
    docs,
    domain_pages,
    password_link,
    reseller,
)

app = Chalice(app_name="tenantry")

API = (
    session.routes,
    password.routes,
    api_keys.routes,
    users.routes,
    resellers.routes,
    tenants.routes,
    branding.routes,
    domains.routes,
    purchases.routes,
    reconciliations.routes,
    statements.routes,
    audit.routes,
    settings.routes,
    health.routes,
    openapi.routes,
)
WEB = (
    account.pages,
    password_link.pages,
    docs.pages,
    *admin.PAGES,
    assets.assets,
    assets.pages,
    *reseller.PAGES,
    brand_pages.pages,
    domain_pages.pages,
)
FUNCTIONS = (
    check_domains.blueprint,
    create_first_admin.blueprint,
    reconcile.blueprint,
    send_mail.blueprint,
    stripe_webhook.blueprint,
    sweep_purchases.blueprint,
    take_figures.blueprint,
)

for blueprint in (*API, *WEB, *FUNCTIONS):
    app.register_blueprint(blueprint)
