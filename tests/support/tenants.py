"""Create and change a reseller's tenants through the API."""

from chalicelib.storage.tenants import Tenant
from tests.support.api import Reply
from tests.support.people import Person

TENANTS = "/v1/resellers/me/tenants"


def create_tenant(account: Person, name: str = "Bakery", **fields: object) -> Reply:
    return account.api.post(TENANTS, {"name": name, **fields})


def create_tenant_id(account: Person, name: str = "Bakery", **fields: object) -> str:
    reply = create_tenant(account, name, **fields)
    assert reply.status == 201, reply.text
    tenant_id: str = reply.json["id"]
    return tenant_id


def post_action(account: Person, tenant_id: str, verb: str) -> Reply:
    return account.api.post(f"{TENANTS}/{tenant_id}/{verb}")


def delete_tenant(account: Person, tenant_id: str) -> None:
    assert account.api.delete(f"{TENANTS}/{tenant_id}").status == 204


def licenses_used(account: Person) -> int:
    """Return license_used, after asserting that it agrees with the ledger and the tenants."""
    licenses = account.api.get("/v1/resellers/me/licenses").json
    entries = account.api.get("/v1/resellers/me/ledger?limit=100").json["data"]
    assert sum(e["used_change"] for e in entries) == licenses["license_used"]
    assert sum(e["count_change"] for e in entries) == licenses["license_count"]
    holding = [t for t in Tenant.query(account.reseller_id or "") if t.holds_license]
    assert len(holding) == licenses["license_used"]
    count: int = licenses["license_used"]
    return count


def tenant_names(account: Person, query: str = "") -> list[str]:
    listed = account.api.get(f"{TENANTS}?{query}").json["data"]
    return [tenant["name"] for tenant in listed]
