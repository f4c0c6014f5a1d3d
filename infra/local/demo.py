"""Demo data: an admin, and a reseller with a few licenses and tenants."""

from chalicelib.domain.actors import Actor
from chalicelib.services.identity import users
from chalicelib.services.identity.first_admin import create_first_admin
from chalicelib.services.resellers import accounts
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.claims import owner_of
from chalicelib.storage.users import email_claim

PASSWORD = "tenantry-demo"
ADMIN_EMAIL = "admin@example.com"
RESELLER_EMAIL = "reseller@example.com"


def create_demo_data() -> None:
    """Create the demo data, unless an external DynamoDB still has it from an earlier run."""
    if owner_of(email_claim(ADMIN_EMAIL)) is not None:
        return
    admin = create_first_admin(email=ADMIN_EMAIL, name="Ada Admin", password=PASSWORD).user
    user = users.create_user(
        email=RESELLER_EMAIL,
        name="Robin Reseller",
        password=PASSWORD,
        is_super_admin=False,
        by=Actor(admin.id),
    )
    reseller = accounts.create_reseller(
        user_id=user.id,
        user_email=None,
        company_name="Acme Corp",
        slug="acme-corp",
        license_count=5,
        is_active=True,
        by=Actor(admin.id),
    )
    for name in ("Blue Bottle Bakery", "Northwind Traders", "Fabrikam Fitness"):
        lifecycle.create_tenant(
            reseller.id,
            name=name,
            by=Actor(user.id),
        )
