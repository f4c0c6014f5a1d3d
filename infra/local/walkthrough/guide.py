"""The guide's chapters on becoming a reseller, licenses, tenants, and deactivation."""

from dataclasses import dataclass
from typing import Any

from infra.local.walkthrough.client import Client, print_heading

PASSWORD = "walk-this-way-2026"


@dataclass(frozen=True, slots=True)
class Reseller:
    """The reseller that this run creates, and its session token."""

    id: str
    token: str


def run(client: Client) -> Reseller:
    """Go through these chapters with a new reseller. Return that reseller."""
    reseller = become_a_reseller(client)
    purchase_licenses(client, reseller)
    create_tenants(client, reseller)
    manage_tenants(client, reseller)
    allocate_licenses(client, reseller)
    deactivate_reseller(client, reseller)
    print_heading("The ledger")
    check_ledger(client, reseller)
    return reseller


def become_a_reseller(client: Client) -> Reseller:
    print_heading("Becoming a reseller")
    email = f"walker-{client.run_id}@example.com"
    user = client.call(
        client.admin_token,
        "POST",
        "/v1/users",
        {"email": email, "name": "Walker", "password": PASSWORD},
        201,
    )
    client.check("A super admin creates a user", user["email"], email)
    account = client.call(
        client.admin_token,
        "POST",
        "/v1/resellers",
        {
            "user_email": email,
            "company_name": f"Walker & Sons {client.run_id}",
            "slug": f"walker-{client.run_id}",
            "license_count": 0,
            "is_active": True,
        },
        201,
    )
    client.check(
        "The admin creates a reseller account for that user", used_of_total(account), "0 / 0"
    )
    token = client.sign_in(email, PASSWORD)
    me = client.call(token, "GET", "/v1/me")
    client.check("The reseller signs in", me["reseller"]["id"], account["id"])
    refused = client.call(token, "GET", "/v1/users", expected=403)
    client.check("The reseller has no access to admin routes", refused["code"], "forbidden")
    refused = client.call(token, "POST", "/v1/resellers/me/tenants", {"name": "Too early"}, 409)
    client.check(
        "It cannot create a tenant without a license", refused["code"], "licenses_exhausted"
    )
    return Reseller(account["id"], token)


def purchase_licenses(client: Client, reseller: Reseller) -> None:
    print_heading("Purchasing licenses")
    for quantity, unit_amount in ((9, 2500), (10, 2000), (50, 1750), (100, 1500)):
        quote = client.call(None, "GET", f"/v1/pricing/quote?quantity={quantity}")
        client.check(f"Cents per license when buying {quantity}", quote["unit_amount"], unit_amount)
    nine = client.call(None, "GET", "/v1/pricing/quote?quantity=9")
    offer = nine["better_offer"]
    client.check(
        "For 9 licenses (22500 cents), the quote offers 10 for less",
        (offer["quantity"], offer["total"]),
        (10, 20000),
    )
    purchase = client.call(
        reseller.token, "POST", "/v1/resellers/me/purchases", {"quantity": 12}, 201
    )
    client.check("The reseller orders 12 licenses at 2000 cents each", purchase["total"], 24000)
    client.pay_at_hosted_page(purchase["checkout_url"])
    path = f"/v1/resellers/me/purchases/{purchase['id']}"
    client.check_eventually(
        "The reseller pays on Stripe's page, and the purchase becomes",
        lambda: client.call(reseller.token, "GET", path)["status"],
        "paid",
    )
    client.check("The licenses are added to the account", licenses(client, reseller), "0 / 12")


def create_tenants(client: Client, reseller: Reseller) -> None:
    print_heading("Creating tenant accounts")
    for number in range(1, 13):
        create_tenant(client, reseller, f"Client {number}")
    client.check("Each of 12 tenants uses one license", licenses(client, reseller), "12 / 12")
    refused = client.call(
        reseller.token, "POST", "/v1/resellers/me/tenants", {"name": "One too many"}, 409
    )
    client.check("A 13th tenant is refused", refused["code"], "licenses_exhausted")


def manage_tenants(client: Client, reseller: Reseller) -> None:
    print_heading("Managing tenants")
    tenant = list_tenants(client, reseller)[0]
    path = f"/v1/resellers/me/tenants/{tenant['id']}"
    client.call(reseller.token, "DELETE", path, expected=204)
    client.check("Deleting a tenant frees its license", licenses(client, reseller), "11 / 12")
    create_tenant(client, reseller, "Client 13")
    client.check("A new tenant can use that license", licenses(client, reseller), "12 / 12")
    refused = client.call(reseller.token, "POST", f"{path}/restore", None, 409)
    client.check(
        "No license is left to restore the deleted tenant",
        refused["code"],
        "licenses_exhausted",
    )

    tenant = list_tenants(client, reseller)[0]
    path = f"/v1/resellers/me/tenants/{tenant['id']}"
    inactive = client.call(reseller.token, "POST", f"{path}/deactivate")
    client.check("After a tenant is deactivated, is_active is", inactive["is_active"], False)
    client.check("The inactive tenant keeps its license", licenses(client, reseller), "12 / 12")
    active = client.call(reseller.token, "POST", f"{path}/reactivate")
    client.check("After it is reactivated, is_active is", active["is_active"], True)


def allocate_licenses(client: Client, reseller: Reseller) -> None:
    print_heading("Allocating licenses as an admin")
    path = f"/v1/resellers/{reseller.id}"
    change = {"change": 5, "reason": "Walkthrough"}
    client.call(client.admin_token, "POST", f"{path}/license-adjustments", change, 201)
    client.check("An admin allocates 5 licenses", licenses(client, reseller), "12 / 17")
    edited = client.call(client.admin_token, "PATCH", path, {"license_count": 18})
    client.check("An admin sets the total to 18", used_of_total(edited), "12 / 18")
    refused = client.call(client.admin_token, "PATCH", path, {"license_count": 11}, 409)
    client.check(
        "A total below the number of used licenses is refused",
        refused["code"],
        "license_count_below_used",
    )


def deactivate_reseller(client: Client, reseller: Reseller) -> None:
    print_heading("Deactivated reseller")
    path = f"/v1/resellers/{reseller.id}"
    client.call(client.admin_token, "PATCH", path, {"is_active": False})
    refused = client.call(client.admin_token, "POST", f"{path}/tenants", {"name": "No"}, 409)
    client.check(
        "No tenant can be created for the deactivated reseller",
        refused["code"],
        "reseller_inactive",
    )
    active = {tenant["is_active"] for tenant in list_tenants(client, reseller)}
    client.check("Its tenants stay active", active, {True})
    refused = client.call(reseller.token, "GET", "/v1/me", expected=401)
    client.check("Its session no longer works", refused["code"], "unauthenticated")
    client.call(client.admin_token, "PATCH", path, {"is_active": True})
    create_tenant(client, reseller, "Client 14")
    client.check(
        "After reactivation, it can create a tenant again", licenses(client, reseller), "13 / 18"
    )


def check_ledger(client: Client, reseller: Reseller) -> None:
    entries = list_all(client, f"/v1/resellers/{reseller.id}/ledger")
    used = sum(entry["used_change"] for entry in entries)
    total = sum(entry["count_change"] for entry in entries)
    client.check(
        "The ledger adds up to the counters", f"{used} / {total}", licenses(client, reseller)
    )


def create_tenant(client: Client, reseller: Reseller, name: str) -> None:
    client.call(reseller.token, "POST", "/v1/resellers/me/tenants", {"name": name}, 201)


def list_tenants(client: Client, reseller: Reseller) -> list[dict[str, Any]]:
    return list_all(client, f"/v1/resellers/{reseller.id}/tenants")


def list_all(client: Client, path: str) -> list[dict[str, Any]]:
    """Return the rows from every page of a list, read as the admin."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client.call(client.admin_token, "GET", f"{path}?limit=10{cursor}")
        rows += page["data"]
        if page["next_cursor"] is None:
            return rows
        cursor = f"&cursor={page['next_cursor']}"


def licenses(client: Client, reseller: Reseller) -> str:
    """Return the reseller's licenses now, as "used / total"."""
    path = f"/v1/resellers/{reseller.id}/licenses"
    return used_of_total(client.call(client.admin_token, "GET", path))


def used_of_total(counters: dict[str, Any]) -> str:
    return f"{counters['license_used']} / {counters['license_count']}"
