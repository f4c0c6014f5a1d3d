"""The map: which blueprints and functions Tenantry is made of. Nothing else happens here."""

from chalice.app import Chalice

from chalicelib.api import (
    audit,
    branding,
    domains,
    health,
    openapi,
    purchases,
    resellers,
    session,
    settings,
    tenants,
    users,
)
from chalicelib.functions import (
    check_domains,
    send_mail,
    stripe_webhook,
    sweep_purchases,
    take_figures,
)
from chalicelib.web import (
    account,
    admin,
    assets,
)
from chalicelib.web.reseller.area import RESELLER_PAGES

app = Chalice(app_name="tenantry")

API = (
    session.routes,
    users.routes,
    resellers.routes,
    tenants.routes,
    branding.routes,
    domains.routes,
    purchases.routes,
    audit.routes,
    settings.routes,
    health.routes,
    openapi.routes,
)
WEB = (
    account.pages,
    *admin.PAGES,
    assets.assets,
    *RESELLER_PAGES,
)
FUNCTIONS = (
    check_domains.blueprint,
    send_mail.blueprint,
    stripe_webhook.blueprint,
    sweep_purchases.blueprint,
    take_figures.blueprint,
)

for blueprint in (*API, *WEB, *FUNCTIONS):
    app.register_blueprint(blueprint)
