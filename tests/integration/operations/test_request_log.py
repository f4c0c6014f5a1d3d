"""Every request leaves one line, by which the person who was given its id can be helped."""

import json
import re
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from app import app
from chalicelib.observability import logger
from tests.support.aws_faults import AwsFaults, error_response, transaction_canceled
from tests.support.page_client import PageClient, signed_in
from tests.support.people import People, Person

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """The lines of requests since the last look, as Lambda would be given them."""
    written = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)

    def since() -> list[dict[str, Any]]:
        told = [json.loads(line) for line in written.getvalue().splitlines()]
        written.seek(0)
        written.truncate()
        return [line for line in told if line["message"] == "Request"]

    return since


@pytest.fixture
def seller(people: People, lines: Lines) -> Person:
    seller = people.reseller(licenses=1)
    assert seller.api.token
    lines()
    return seller


def test_who_asked_for_what_and_what_came_of_it(seller: Person, lines: Lines) -> None:
    reply = seller.api.post("/v1/resellers/me/tenants", {"name": "Secret Project"})
    (line,) = lines()
    assert line["correlation_id"] == reply.headers["X-Request-Id"]
    assert (line["method"], line["route"]) == ("POST", "/v1/resellers/{reseller}/tenants")
    assert (line["caller"], line["status"]) == (seller.user_id, 201)
    assert line["milliseconds"] > 0
    assert line["cold_start"] in (True, False)
    assert "Secret Project" not in json.dumps(line)


def test_whose_row_it_was(seller: Person, people: People, lines: Lines) -> None:
    """An admin acts on everybody's. Only ids are told: a secret may stand in an address."""
    tenant = seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"}).json["id"]
    lines()
    people.admin.api.get(f"/v1/resellers/{seller.reseller_id}/tenants/{tenant}")
    people.admin.api.get(f"/v1/resellers/{seller.reseller_id}/tenants/sk_live_pasted")
    found, none = [line for line in lines() if "tenants" in line["route"]]
    assert (found["reseller"], found["id"]) == (seller.reseller_id, tenant)
    assert none["reseller"] == seller.reseller_id
    assert "sk_live_pasted" not in json.dumps(none)
    client = signed_in(people.admin)
    lines()
    client.get(f"/admin/resellers/{seller.reseller_id}/tenants/{tenant}")
    (page,) = lines()
    assert (page["reseller"], page["id"]) == (seller.reseller_id, tenant)


def test_what_was_behind_a_503(seller: Person, lines: Lines, aws_faults: AwsFaults) -> None:
    """Which row or table, and how it refused; the caller is told neither."""
    aws_faults.before(transaction_canceled("None", "TransactionConflict"), times=10_000)
    reply = seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"})
    aws_faults.clear()
    line = lines()[-1]
    assert (reply.status, line["refused"]) == (503, "busy")
    assert re.fullmatch(r"TransactionConflict on \w+", line["because"])
    assert "Conflict" not in json.dumps(reply.json)
    for code in ("ThrottlingException", "RequestLimitExceeded"):
        aws_faults.before(error_response(code, operation="Query"), operation="Query", times=10_000)
        seller.api.get("/v1/resellers/me/ledger")
        aws_faults.clear()
        (line,) = lines()
        assert code in line["because"]
        assert "ledger" in line["because"]


def test_why_it_was_refused(seller: Person, people: People, lines: Lines) -> None:
    seller.api.get("/v1/users")
    seller.api.as_(None).get("/v1/me")
    seller.api.get("/v1/resellers/me/tenants/tnt_none")
    told = [(line["refused"], line["status"], line.get("caller")) for line in lines()]
    assert told == [
        ("forbidden", 403, seller.user_id),
        ("unauthenticated", 401, None),
        ("not_found", 404, seller.user_id),
    ]


def test_a_page_is_a_request_too(seller: Person, lines: Lines) -> None:
    """By its pattern: what stands in an address may be a secret."""
    client = signed_in(seller)
    made = seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"}).json
    lines()
    client.get(f"/reseller/tenants/{made['id']}")
    PageClient(app).get("/password?token=lnk_secret.secret")
    page, link = lines()
    assert (page["method"], page["route"]) == ("GET", "/reseller/tenants/{id}")
    assert (page["caller"], page["status"]) == (seller.user_id, 200)
    assert (link["route"], link.get("caller")) == ("/password", None)
    assert "lnk_secret" not in json.dumps(link)
