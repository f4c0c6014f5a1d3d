"""The Chalice app: registers all API routes, pages, and Lambda functions, and does nothing else."""

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
from chalicelib.web.registry import PAGES

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
FUNCTIONS = (
    check_domains.blueprint,
    create_first_admin.blueprint,
    reconcile.blueprint,
    send_mail.blueprint,
    stripe_webhook.blueprint,
    sweep_purchases.blueprint,
    take_figures.blueprint,
)

for blueprint in (*API, *PAGES, *FUNCTIONS):
    app.register_blueprint(blueprint)
