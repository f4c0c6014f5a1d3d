"""A valid example request for every declared route, generated from the route.

A new route needs an entry in this module only if it requires a new field (FIELD_FACTORIES) or a
precondition (PRECONDITIONS).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from chalicelib.api.declarations import Audience, Route
from chalicelib.services.identity import passwords
from chalicelib.services.identity.users import read_user
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.api import Api, Reply
from tests.support.people import PASSWORD, People, Person

_numbers = count(1)

# For each required field, a function that returns a new example value.
FIELD_FACTORIES: dict[str, Callable[["World"], Any]] = {
    "email": lambda world: f"new{next(_numbers)}@example.com",
    "name": lambda world: f"New {next(_numbers)}",
    "company_name": lambda world: f"Company {next(_numbers)}",
    "slug": lambda world: f"slug-{next(_numbers)}",
    "change": lambda world: 3,
    "quantity": lambda world: next(_numbers),
    "reason": lambda world: "Because",
    "password": lambda world: PASSWORD,
    "host": lambda world: f"login{next(_numbers)}.example.com",
    "scopes": lambda world: ["read"],
    "current_password": lambda world: PASSWORD,
    "new_password": lambda world: "a fine new passphrase",
    "token": lambda world: world.password_link(),
    "licenses": lambda world: 1,
    "apply": lambda world: False,
    "action": lambda world: "ignore",
}


@dataclass
class World:
    """An admin and a reseller with licenses. The methods create resources and return their IDs."""

    people: People
    stripe: StripeSimulator
    reseller: Person

    def tenant(self, *, deleted: bool = False) -> str:
        path = "/v1/resellers/me/tenants"
        tenant_id: str = self.reseller.api.post(path, {"name": "Bakery"}).json["id"]
        if deleted:
            assert self.reseller.api.delete(f"{path}/{tenant_id}").status == 204
        return tenant_id

    def purchase(
        self, *, paid: bool = False, paid_wrong_amount: bool = False, paid_unnoticed: bool = False
    ) -> str:
        path = "/v1/resellers/me/purchases"
        quantity = next(_numbers)
        made = self.reseller.api.post(path, {"quantity": quantity}).json
        purchase_id: str = made["id"]
        if paid_wrong_amount:
            row = Purchase(str(self.reseller.reseller_id), purchase_id)
            table_edits.edit(row, total=made["total"] + 100)
        if paid or paid_wrong_amount or paid_unnoticed:
            self.stripe.pay(made["checkout_url"].rsplit("/", 1)[1])
        if paid or paid_wrong_amount:
            self.people.admin.api.post(
                f"/v1/resellers/{self.reseller.reseller_id}/purchases/{purchase_id}/settle"
            )
        return purchase_id

    def domain(self, tenant_id: str | None = None) -> str:
        host = f"app{next(_numbers)}.acme.example"
        body = {"host": host} | ({"tenant_id": tenant_id} if tenant_id else {})
        added = self.reseller.api.post("/v1/resellers/me/domains", body)
        assert added.status == 201, added.text
        return host

    def reconciliation(self) -> str:
        """Create a run with one finding: a license_count that the ledger does not explain."""
        table_edits.edit(
            Reseller(str(self.reseller.reseller_id)), license_count=1000 + next(_numbers)
        )
        self._run = self.people.admin.api.post("/v1/reconciliations", {}).json["id"]
        return str(self._run)

    def finding(self) -> str:
        """Return the ID of the finding from the most recent `reconciliation`."""
        listed = self.people.admin.api.get(f"/v1/reconciliations/{self._run}/findings").json
        finding_id: str = listed["data"][0]["id"]
        return finding_id

    def session(self) -> str:
        """Start another session for the reseller."""
        login = {"email": self.reseller.email, "password": PASSWORD}
        token: str = self.reseller.api.post("/v1/login", login).json["token"]
        return token.partition(".")[0]

    def key(self) -> str:
        return self._new_key(self.reseller.api, "/v1/resellers/me/api-keys")

    def admin_key(self) -> str:
        return self._new_key(self.people.admin.api, "/v1/api-keys")

    def _new_key(self, api: Api, path: str) -> str:
        made = api.post(path, {"name": "ERP", "scopes": ["read"]})
        assert made.status == 201, made.text
        key_id: str = made.json["id"]
        return key_id

    def password_link(self) -> str:
        """Create a password link for the reseller and return its token."""
        tx = Transaction()
        user = read_user(self.reseller.user_id)
        address = passwords.add_link(tx, user, passwords.RESET_LINK_LIFETIME)
        tx.commit()
        return address.partition("token=")[2]


# How to create the resource that an {id} in a path refers to, by the preceding path segment.
ID_FACTORIES: dict[str, Callable[[World], str]] = {
    "users": lambda world: world.reseller.user_id,
    "resellers": lambda world: str(world.reseller.reseller_id),
    "tenants": lambda world: world.tenant(),
    "purchases": lambda world: world.purchase(),
    "domains": lambda world: world.domain(),
    "sessions": lambda world: world.session(),
    "api-keys": lambda world: world.key(),
    "reconciliations": lambda world: world.reconciliation(),
    "reconciliation": lambda world: world.reconciliation(),
    "findings": lambda world: world.finding(),
}
# How to create the resource for an action that needs it in a certain state, by the path's last
# segment.
PRECONDITIONS: dict[str, Callable[[World], str]] = {
    "restore": lambda world: world.tenant(deleted=True),
    "accept": lambda world: world.purchase(paid_wrong_amount=True),
    "refunds": lambda world: world.purchase(paid=True),
    "refund-quote": lambda world: world.purchase(paid=True),
}


@dataclass(frozen=True)
class Example:
    """A valid request. `caller` is a reseller if the route's audience allows one."""

    route: Route
    path: str
    body: Any
    caller: Api

    def send(self, **options: Any) -> Reply:
        return self.caller.call(self.route.method, self.path, self.body, **options)


def example(world: World, route: Route) -> Example:
    return Example(route, path(world, route), body(world, route), caller(world, route))


def caller(world: World, route: Route) -> Api:
    match route.audience:
        case Audience.PUBLIC:
            return world.reseller.api.as_(None)
        case Audience.ADMIN:
            return world.people.admin.api
        case _:
            return world.reseller.api


def page_path(world: World, template: str) -> str:
    """Fill in a page's path with IDs of the reseller's resources."""
    path, _, query = template.partition("?")
    parts = path.split("/")
    filled = "/".join(
        ID_FACTORIES[parts[place - 1]](world) if part.startswith("{") else part
        for place, part in enumerate(parts)
    )
    # An action's parameters are a session's ID or a domain's host.
    query = query.replace("{id}", world.session()) if "{id}" in query else query
    query = query.replace("{host}", world.domain()) if "{host}" in query else query
    return filled + (f"?{query}" if query else "")


def path(world: World, route: Route) -> str:
    parts = route.path.split("/")
    for place, part in enumerate(parts):
        if part == "{reseller}":
            parts[place] = str(world.reseller.reseller_id)
        elif part.startswith("{"):
            last = parts[-1]
            noun = parts[place - 1]
            make = PRECONDITIONS.get(last) or ID_FACTORIES[noun]
            if route.audience is Audience.ADMIN and noun == "api-keys":
                make = World.admin_key
            parts[place] = make(world)
    return "/".join(parts) + query(route)


def query(route: Route) -> str:
    """Return the query string with a GET route's required parameters."""
    if route.method != "GET":
        return ""
    required = {"quantity": "3", "licenses": "1"}.items()
    fields = route.input.model_fields
    sent = [f"{k}={v}" for k, v in required if k in fields and fields[k].is_required()]
    return "?" + "&".join(sent) if sent else ""


def body(world: World, route: Route) -> Any:
    if route.method not in ("POST", "PATCH", "PUT"):
        return None
    if route.path == "/v1/login":
        return {"email": world.reseller.email, "password": PASSWORD}
    if route.path == "/v1/resellers" and route.method == "POST":
        user = world.people.user()
        return {"user_id": user.user_id, "company_name": "A", "slug": f"slug-{next(_numbers)}"}
    required = [name for name, info in route.input.model_fields.items() if info.is_required()]
    return {name: FIELD_FACTORIES[name](world) for name in required}
