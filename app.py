"""The map: which blueprints and functions Tenantry is made of. Nothing else happens here."""

from chalice.app import Chalice

from chalicelib.api import audit, health, purchases, resellers, session, settings, tenants, users
from chalicelib.functions import stripe_webhook, sweep_purchases

app = Chalice(app_name="tenantry")

API = (
    session.routes,
    users.routes,
    resellers.routes,
    tenants.routes,
    purchases.routes,
    audit.routes,
    settings.routes,
    health.routes,
)
FUNCTIONS = (stripe_webhook.blueprint, sweep_purchases.blueprint)

for blueprint in (*API, *FUNCTIONS):
    app.register_blueprint(blueprint)
