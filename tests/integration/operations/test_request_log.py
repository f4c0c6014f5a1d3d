"""Every request logs one line, which support can find by the request ID in the response."""

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
    """Return the request lines logged since the last call, in the format that Lambda logs."""
    written = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)

    def lines_since_last_call() -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in written.getvalue().splitlines()]
        written.seek(0)
        written.truncate()
        return [line for line in entries if line["message"] == "Request"]

    return lines_since_last_call


@pytest.fixture
def seller(people: People, lines: Lines) -> Person:
    seller = people.reseller(licenses=1)
    assert seller.api.token
    lines()
    return seller


def test_the_line_has_the_caller_the_route_and_the_status(seller: Person, lines: Lines) -> None:
    reply = seller.api.post("/v1/resellers/me/tenants", {"name": "Secret Project"})
    (line,) = lines()
    assert line["correlation_id"] == reply.headers["X-Request-Id"]
    assert (line["method"], line["route"]) == ("POST", "/v1/resellers/{reseller}/tenants")
    assert (line["caller"], line["status"]) == (seller.user_id, 201)
    assert line["milliseconds"] > 0
    assert line["cold_start"] in (True, False)
    assert "Secret Project" not in json.dumps(line)


def test_the_line_has_the_ids_of_the_reseller_and_the_row(
    seller: Person, people: People, lines: Lines
) -> None:
    """The reseller's ID shows which reseller an admin acted for.

    Only valid IDs are logged, because a path could contain a secret.
    """
    tenant = seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"}).json["id"]
    lines()
    people.admin.api.get(f"/v1/resellers/{seller.reseller_id}/tenants/{tenant}")
    people.admin.api.get(f"/v1/resellers/{seller.reseller_id}/tenants/sk_live_pasted")
    valid, invalid = [line for line in lines() if "tenants" in line["route"]]
    assert (valid["reseller"], valid["id"]) == (seller.reseller_id, tenant)
    assert invalid["reseller"] == seller.reseller_id
    assert "sk_live_pasted" not in json.dumps(invalid)
    client = signed_in(people.admin)
    lines()
    client.get(f"/admin/resellers/{seller.reseller_id}/tenants/{tenant}")
    (page,) = lines()
    assert (page["reseller"], page["id"]) == (seller.reseller_id, tenant)


def test_the_line_has_the_cause_of_a_503(
    seller: Person, lines: Lines, aws_faults: AwsFaults
) -> None:
    """The log line has the table and the error code. The response has neither."""
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


def test_the_line_has_the_code_of_a_refusal(seller: Person, people: People, lines: Lines) -> None:
    seller.api.get("/v1/users")
    seller.api.as_(None).get("/v1/me")
    seller.api.get("/v1/resellers/me/tenants/tnt_none")
    refusals = [(line["refused"], line["status"], line.get("caller")) for line in lines()]
    assert refusals == [
        ("forbidden", 403, seller.user_id),
        ("unauthenticated", 401, None),
        ("not_found", 404, seller.user_id),
    ]


def test_page_requests_are_logged_by_route(seller: Person, lines: Lines) -> None:
    """The log line has the route's pattern instead of the path, which could contain a secret."""
    client = signed_in(seller)
    tenant = seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"}).json
    lines()
    client.get(f"/reseller/tenants/{tenant['id']}")
    PageClient(app).get("/password?token=lnk_secret.secret")
    page, link = lines()
    assert (page["method"], page["route"]) == ("GET", "/reseller/tenants/{id}")
    assert (page["caller"], page["status"]) == (seller.user_id, 200)
    assert (link["route"], link.get("caller")) == ("/password", None)
    assert "lnk_secret" not in json.dumps(link)
