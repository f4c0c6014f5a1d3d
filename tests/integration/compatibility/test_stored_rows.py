"""Rows of this release, of the next one, and of an older one are read and written without harm.

Functions are updated one by one, and a release can be rolled back, so code meets rows that a
newer release has written. CONTRIBUTING.md has the rule.
"""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from chalicelib.api.declarations import ROUTES, Audience
from chalicelib.services.domains import recheck
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.reconciliation import scheduled
from chalicelib.services.reporting.dashboard_stats import refresh_dashboard_stats
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.purchases import Purchase
from chalicelib.web.shell.routing import PAGES
from tests.integration.compatibility.addresses import addresses, required_query
from tests.integration.compatibility.conftest import Installation
from tests.support.mail import send_due_mail
from tests.support.page_client import PageClient, signed_in
from tests.support.tables import stored_items

GETS = [route for route in ROUTES if route.method == "GET"]
FINDING = "/v1/reconciliations/{id}/findings/{finding}"
PAGE_GETS = [page for page in PAGES if page.method == "GET"]


def check(installation: Installation, before: dict[str, Any]) -> None:
    """Nothing failed, nothing unknown was dropped, and no license moved for what is unknown."""
    assert installation.errors.messages == []
    assert installation.lost_fields() == []
    assert installation.overwritten_values() == []
    if installation.variant != "older_release":  # whose counters are missing
        assert installation.pools() == before


def test_every_route_reads_the_rows(installation: Installation) -> None:
    statuses: Statuses = {}
    for route in GETS:
        by_admin = route.audience is Audience.ADMIN or "{reseller}" in route.path
        person = installation.people["admin" if by_admin else "acme"]
        for address in addresses(route.path, installation.rows, None):
            reply = person.api.get(address + required_query(route.input.model_fields))
            statuses.setdefault(route.path, {})[address] = reply.status
    assert installation.errors.messages == []
    assert failures(statuses) == []


def test_every_page_shows_the_rows(installation: Installation) -> None:
    statuses: Statuses = {}
    visitors: dict[str, PageClient] = {
        name: signed_in(installation.people[name]) for name in ("admin", "acme")
    }
    for page in PAGE_GETS:
        name = "admin" if page.audience is Audience.ADMIN else "acme"
        own = installation.people[name].reseller_id
        for address in addresses(page.path, installation.rows, own):
            statuses.setdefault(page.path, {})[address] = visitors[name].get(address).status
    assert installation.errors.messages == []
    assert failures(statuses) == []


@pytest.mark.parametrize("variant", ["unknown_values"], indirect=True)
def test_pages_show_unknown_values_as_text(installation: Installation) -> None:
    page, rows = signed_in(installation.people["admin"]), installation.rows
    free = next(row for row in rows["purchases"] if row["quantity"] == {"N": "10"})
    reseller = f"/admin/resellers/{installation.people['acme'].reseller_id}"
    reports = [row["reconciliation_id"]["S"] for row in rows["findings"]]
    assert "On hold" in page.get("/admin/purchases").words
    assert "Awaiting approval" in page.get(f"/admin/purchases/{free['id']['S']}").words
    assert "Transferring" in page.get(f"{reseller}/branding").words
    assert "Transfer" in page.get(f"{reseller}/statement?from=2026-11-01&to=2026-11-30").words
    assert "Webhook created" in page.get("/admin/audit").words
    shown = page.get(f"/admin/reconciliation/{max(reports)}").words
    assert "Webhook missing" in shown


@pytest.mark.parametrize("variant", ["recorded"], indirect=True)
def test_findings_without_messages_are_shown_with_their_stored_words(
    installation: Installation,
) -> None:
    """Releases before the column `messages` stored only words."""
    page = signed_in(installation.people["admin"])
    findings = installation.rows["findings"]
    older = [
        f for f in findings if "messages" not in f and f["reconciliation_id"]["S"] != "ignored"
    ]
    for row in older:
        path = f"/admin/reconciliation/{row['reconciliation_id']['S']}?kind={row['code']['S']}"
        shown = unescape(page.get(path).words)
        for column in ("what", "why", "outcome"):
            assert row.get(column, {"S": ""})["S"] in shown
        if row["state"]["S"] == "open":
            assert all(f"{action['S']}." in shown for action in row["actions"]["M"].values())


Statuses = dict[str, dict[str, int]]
"""The status of the response to each address, by the template of its path."""


def failures(statuses: Statuses) -> list[tuple[str, int]]:
    """Return the addresses that failed, and the templates of which none was found or allowed."""
    return [
        *(
            (address, status)
            for of_one in statuses.values()
            for address, status in of_one.items()
            if status >= 500
        ),
        *(
            (path, min(of_one.values()))
            for path, of_one in statuses.items()
            if set(of_one.values()) <= {401, 403, 404}
        ),
    ]


def test_settling_keeps_what_it_does_not_know(installation: Installation) -> None:
    before = installation.pools()
    for row in Purchase.scan():
        settle(row)
    check(installation, before)


def test_the_sweep_keeps_what_it_does_not_know(installation: Installation) -> None:
    before = installation.pools()
    if installation.variant in ("recorded", "next_release"):  # the open refund of 5 licenses
        owned, used = before[str(installation.people["acme"].reseller_id)]
        before[str(installation.people["acme"].reseller_id)] = owned - 5, used
    for _ in range(2):  # the first one resumes after the recorded position in the index
        report = run_sweep()
        assert (report.failed, report.unknown_sessions) == (0, 0)
    check(installation, before)


@pytest.mark.parametrize("scope", ["partial", "whole"])
def test_repairs_keep_what_they_do_not_know(installation: Installation, scope: str) -> None:
    before = installation.pools()
    event = {"scope": scope, "apply": True, "by": "schedule"}
    report = scheduled.handle_event(event, lambda: 600.0)
    assert report["notes"] == []
    check(installation, before)


def test_mail_is_sent_if_its_template_exists(installation: Installation) -> None:
    """Mail whose template only a later release has stays due, and is retried for a day."""
    before = installation.pools()
    due = sum("due" in row for row in stored_items()["outbox"])
    report = send_due_mail()
    if installation.variant == "unknown_values":
        assert (report.sent, report.failed, report.given_up) == (0, due, 0)
        assert sum("due" in row for row in stored_items()["outbox"]) == due
        assert all("UnknownTemplate" in line for line in installation.errors.messages)
        installation.errors.messages.clear()
    else:
        assert (report.sent, report.failed, report.given_up) == (due, 0, 0)
    check(installation, before)


def test_rechecking_domains_keeps_unknown_statuses(installation: Installation) -> None:
    before = installation.pools()
    installation.clock.advance(timedelta(days=2))
    report = recheck.check_due_domains()
    assert (report.checked, report.failed) == (2, 0)
    check(installation, before)


def test_refreshed_statistics_keep_unknown_fields(installation: Installation) -> None:
    before = installation.pools()
    refresh_dashboard_stats()
    check(installation, before)


def test_findings_of_an_unknown_kind_can_only_be_ignored(installation: Installation) -> None:
    api = installation.people["admin"].api
    repaired, ignored = set(), set()
    for address in addresses(FINDING, installation.rows, None):
        body = {"action": "repair", "reason": "Because"}
        repaired.add(api.post(f"{address}/resolution", body).status)
        body = {"action": "ignore", "reason": "Because"}
        ignored.add(api.post(f"{address}/resolution", body).status)
    assert ignored == {200}
    if installation.variant == "unknown_values":
        assert repaired <= {200, 422}, "200 is the answer for a finding that was decided before"
        assert 422 in repaired
    else:
        assert max(repaired) < 500
    assert installation.errors.messages == []
    assert installation.lost_fields() == []
    assert installation.overwritten_values() == []


EDITS: list[tuple[str, str, str, Any]] = [
    ("admin", "PATCH", "/v1/users/{id}", {"name": "Edited"}),
    ("admin", "PATCH", "/v1/resellers/{reseller}", {"company_name": "Edited"}),
    ("admin", "PATCH", "/v1/resellers/{reseller}", {"license_count": 150}),
    ("admin", "PATCH", "/v1/settings", {"low_license_threshold": 4}),
    ("admin", "PATCH", "/v1/settings", {"branding_config": {"product_name": "Edited"}}),
    ("admin", "PUT", "/v1/resellers/{reseller}/branding", {"product_name": "Edited"}),
    ("acme", "PATCH", "/v1/resellers/me/tenants/{id}", {"name": "Edited"}),
    ("acme", "PUT", "/v1/resellers/me/tenants/{id}/branding", {"primary_color": "#112233"}),
    ("acme", "POST", "/v1/resellers/me/tenants/{id}/deactivate", None),
    ("acme", "POST", "/v1/resellers/me/tenants/{id}/reactivate", None),
    ("acme", "POST", "/v1/resellers/me/domains/{host}/verify", None),
    ("acme", "POST", "/v1/resellers/me/purchases", {"quantity": 4}),
    ("admin", "POST", "/v1/resellers/{reseller}/purchases/{id}/settle", None),
    (
        "admin",
        "POST",
        "/v1/resellers/{reseller}/purchases/{id}/accept",
        {"reason": "Close enough"},
    ),
    (
        "admin",
        "POST",
        "/v1/resellers/{reseller}/purchases/{id}/refunds",
        {"licenses": 1, "reason": "Because"},
    ),
    ("admin", "POST", "/v1/resellers/{reseller}/sync", {"apply": True}),
    ("admin", "POST", "/v1/users/{id}/sign-out", None),
]
# Deleting a tenant frees its name, and restoring it claims the name again, with a new row.
DELETIONS: list[tuple[str, str, str, Any]] = [
    ("acme", "DELETE", "/v1/resellers/me/tenants/{id}", None),
    ("acme", "POST", "/v1/resellers/me/tenants/{id}/restore", {}),
]


def send_all(installation: Installation, edits: list[tuple[str, str, str, Any]]) -> None:
    statuses: Statuses = {}
    for who, method, path, body in edits:
        person = installation.people[who]
        own = person.reseller_id if who == "acme" else None
        for address in addresses(path, installation.rows, own):
            reply = person.api.call(method, address, body)
            statuses.setdefault(f"{method} {path}", {})[address] = reply.status
    assert installation.errors.messages == []
    assert failures(statuses) == []
    assert installation.overwritten_values() == []
    if installation.variant == "recorded":
        refused = [path for path, of_one in statuses.items() if min(of_one.values()) >= 400]
        assert refused == [], "each edit is possible for some row"


def test_edits_keep_what_they_do_not_know(installation: Installation) -> None:
    send_all(installation, EDITS)
    assert installation.lost_fields() == []


def test_deleting_and_restoring_a_tenant_keeps_unknown_columns(installation: Installation) -> None:
    send_all(installation, DELETIONS)
    assert [path for path in installation.lost_fields() if path[0] != "claims"] == []


def test_a_retry_resumes_an_unfinished_request(installation: Installation) -> None:
    """The Idempotency-Key of a purchase whose checkout could not be opened."""
    reply = installation.people["acme"].api.post(
        "/v1/resellers/me/purchases", {"quantity": 4}, key="purchase"
    )
    assert reply.status < 500, reply.text
    check(installation, installation.pools())


def test_the_rules_page_keeps_unknown_repairs(installation: Installation) -> None:
    """It keeps the names of repairs that it has no checkbox for."""
    page = signed_in(installation.people["admin"])
    shown = page.submit(page.get("/admin/settings"), "?action=rules", low_license_threshold="4")
    assert shown.status == 303, shown.words
    (row,) = [row for row in stored_items()["settings"] if row["id"] == {"S": "platform"}]
    if installation.variant == "unknown_values":
        assert {"S": "webhook_missing"} in row["automatic_repairs"]["L"]
    check(installation, installation.pools())
