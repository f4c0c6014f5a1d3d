"""Add and verify custom domains through the API."""

from typing import Any

from tests.support.api import Reply
from tests.support.dns_server import Zone
from tests.support.people import Person

DOMAINS = "/v1/resellers/me/domains"
HOST = "app.acme.example"


def add_domain(person: Person, host: str = HOST, **fields: Any) -> dict[str, Any]:
    reply = person.api.post(DOMAINS, {"host": host, **fields})
    assert reply.status == 201, reply.text
    added: dict[str, Any] = reply.json
    return added


def verify_domain(person: Person, host: str = HOST) -> Reply:
    return person.api.post(f"{DOMAINS}/{host}/verify")


def add_verified_domain(
    zone: Zone, person: Person, host: str = HOST, **fields: Any
) -> dict[str, Any]:
    added = add_domain(person, host, **fields)
    zone.txt[added["record_name"]] = [added["record_value"]]
    verified: dict[str, Any] = verify_domain(person, host).json
    assert verified["status"] == "verified"
    return verified
