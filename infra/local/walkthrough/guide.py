"""The guide's chapters: becoming a reseller, licenses, tenants, troubleshooting."""

from dataclasses import dataclass
from typing import Any

from infra.local.walkthrough.client import Service, chapter

PASSWORD = "walk-this-way-2026"


@dataclass(frozen=True, slots=True)
class Reseller:
    id: str
    token: str


def walk(service: Service) -> Reseller:
    reseller = become_a_reseller(service)
    purchase_licenses(service, reseller)
    create_tenants(service, reseller)
    manage_tenants(service, reseller)
    allocate_licenses(service, reseller)
    deactivate_the_reseller(service, reseller)
    read_the_ledger(service, reseller)
    return reseller


def become_a_reseller(service: Service) -> Reseller:
    chapter("Becoming a reseller")
    email = f"walker-{service.run}@example.com"
    user = service.call(
        service.admin,
        "POST",
        "/v1/users",
        {"email": email, "name": "Walker", "password": PASSWORD},
        201,
    )
    service.step("a super admin creates a user", user["email"], email)
    account = service.call(
        service.admin,
        "POST",
        "/v1/resellers",
        {
            "user_email": email,
            "company_name": f"Walker & Sons {service.run}",
            "slug": f"walker-{service.run}",
            "license_count": 0,
            "is_active": True,
        },
        201,
    )
    service.step("and a reseller account, linked to it, of 0 licenses", licenses(account), "0 / 0")
    token = service.sign_in(email, PASSWORD)
    me = service.call(token, "GET", "/v1/me")
    service.step("the reseller signs in", me["reseller"]["id"], account["id"])
    service.call(token, "GET", "/v1/users", expected=403)
    service.step("and cannot access the admin's routes", "forbidden", "forbidden")
    refused = service.call(token, "POST", "/v1/resellers/me/tenants", {"name": "Too early"}, 409)
    service.step("without licenses, no tenant", refused["code"], "licenses_exhausted")
    return Reseller(account["id"], token)


def purchase_licenses(service: Service, reseller: Reseller) -> None:
    chapter("Purchasing licenses")
    for quantity, unit_amount in ((9, 2500), (10, 2000), (50, 1750), (100, 1500)):
        quote = service.call(None, "GET", f"/v1/pricing/quote?quantity={quantity}")
        service.step(f"{quantity} licenses cost, each", quote["unit_amount"], unit_amount)
    nine = service.call(None, "GET", "/v1/pricing/quote?quantity=9")
    offer = nine["better_offer"]
    service.step(
        "9 cost 22500: 10 would cost less", (offer["quantity"], offer["total"]), (10, 20000)
    )
    purchase = service.call(
        reseller.token, "POST", "/v1/resellers/me/purchases", {"quantity": 12}, 201
    )
    service.step("the reseller orders 12, at 2000 each", purchase["total"], 24000)
    service.pay_at_hosted_page(purchase["checkout_url"])
    path = f"/v1/resellers/me/purchases/{purchase['id']}"
    service.eventually(
        "pays at Stripe's page, and the purchase is",
        lambda: service.call(reseller.token, "GET", path)["status"],
        "paid",
    )
    service.step("licenses are added to the account", pool(service, reseller), "0 / 12")


def create_tenants(service: Service, reseller: Reseller) -> None:
    chapter("Creating tenant accounts")
    for number in range(1, 13):
        created(service, reseller, f"Client {number}")
    service.step("each of 12 tenants uses one license", pool(service, reseller), "12 / 12")
    refused = service.call(
        reseller.token, "POST", "/v1/resellers/me/tenants", {"name": "One too many"}, 409
    )
    service.step("the thirteenth is refused", refused["code"], "licenses_exhausted")


def manage_tenants(service: Service, reseller: Reseller) -> None:
    chapter("Managing tenants")
    tenant = tenants(service, reseller)[0]
    path = f"/v1/resellers/me/tenants/{tenant['id']}"
    service.call(reseller.token, "DELETE", path, expected=204)
    service.step("a tenant is deleted, its license is free", pool(service, reseller), "11 / 12")
    created(service, reseller, "Client 13")
    service.step("and another is created on it", pool(service, reseller), "12 / 12")
    refused = service.call(reseller.token, "POST", f"{path}/restore", None, 409)
    service.step("the deleted one finds no license now", refused["code"], "licenses_exhausted")

    tenant = tenants(service, reseller)[0]
    path = f"/v1/resellers/me/tenants/{tenant['id']}"
    inactive = service.call(reseller.token, "POST", f"{path}/deactivate")
    service.step("a tenant is deactivated", inactive["is_active"], False)
    service.step("and keeps its license", pool(service, reseller), "12 / 12")
    active = service.call(reseller.token, "POST", f"{path}/reactivate")
    service.step("so reactivating always works", active["is_active"], True)


def allocate_licenses(service: Service, reseller: Reseller) -> None:
    chapter("Allocating licenses as an admin")
    path = f"/v1/resellers/{reseller.id}"
    change = {"change": 5, "reason": "Walkthrough"}
    service.call(service.admin, "POST", f"{path}/license-adjustments", change, 201)
    service.step("an admin allocates 5", pool(service, reseller), "12 / 17")
    edited = service.call(service.admin, "PATCH", path, {"license_count": 18})
    service.step("or edits the total to 18", licenses(edited), "12 / 18")
    refused = service.call(service.admin, "PATCH", path, {"license_count": 11}, 409)
    service.step("never below what is in use", refused["code"], "license_count_below_used")


def deactivate_the_reseller(service: Service, reseller: Reseller) -> None:
    chapter("A deactivated reseller")
    path = f"/v1/resellers/{reseller.id}"
    service.call(service.admin, "PATCH", path, {"is_active": False})
    refused = service.call(service.admin, "POST", f"{path}/tenants", {"name": "No"}, 409)
    service.step("creates no tenants", refused["code"], "reseller_inactive")
    active = {tenant["is_active"] for tenant in tenants(service, reseller)}
    service.step("its tenants stay active", active, {True})
    service.call(reseller.token, "GET", "/v1/me", expected=401)
    service.step("it cannot work in a running session", "unauthenticated", "unauthenticated")
    service.call(service.admin, "PATCH", path, {"is_active": True})
    created(service, reseller, "Client 14")
    service.step("reactivated, it creates again", pool(service, reseller), "13 / 18")


def read_the_ledger(service: Service, reseller: Reseller) -> None:
    chapter("The ledger")
    count, used = ledger_sums(service, reseller)
    service.step("its sums equal the counters", f"{used} / {count}", pool(service, reseller))


def created(service: Service, reseller: Reseller, name: str) -> None:
    service.call(reseller.token, "POST", "/v1/resellers/me/tenants", {"name": name}, 201)


def tenants(service: Service, reseller: Reseller) -> list[dict[str, Any]]:
    return every(service, f"/v1/resellers/{reseller.id}/tenants")


def ledger_sums(service: Service, reseller: Reseller) -> tuple[int, int]:
    entries = every(service, f"/v1/resellers/{reseller.id}/ledger")
    return sum(e["count_change"] for e in entries), sum(e["used_change"] for e in entries)


def every(service: Service, path: str) -> list[dict[str, Any]]:
    """All pages of a list, as the admin reads it."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = service.call(service.admin, "GET", f"{path}?limit=10{cursor}")
        rows += page["data"]
        if page["next_cursor"] is None:
            return rows
        cursor = f"&cursor={page['next_cursor']}"


def pool(service: Service, reseller: Reseller) -> str:
    path = f"/v1/resellers/{reseller.id}/licenses"
    return licenses(service.call(service.admin, "GET", path))


def licenses(row: dict[str, Any]) -> str:
    """used / total, as the Resellers table shows it."""
    return f"{row['license_used']} / {row['license_count']}"
