"""Repairs, adoptions, and pages work the same if all words are nonsense."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.findings import Code, Target, adopted_to
from chalicelib.domain.messages import MessageCode
from chalicelib.domain.wording import WORDS
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller
from chalicelib.web.admin_shell.wording import PAGE_WORDS
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.integration.reconciliation.admin_client import AdminClient, resolution_path
from tests.integration.reconciliation.every_finding import damage_everything
from tests.support.fast_moto import fast_moto
from tests.support.page_client import PageClient, signed_in
from tests.support.people import People

CONTROL = re.compile(r"<(?:form|input|button|select|option)\b[^>]*>")
# What differs from one rendering to the next.
RENDERED = re.compile(r'(name="(?:csrf_token|once)") value="[^"]*"|/rec_\w+| data-copy="[^"]*"')


def controls(page: PageClient, paths: Iterator[str]) -> dict[str, list[str]]:
    """Return the forms, fields, and buttons on each page."""
    shown = {path: page.get(path) for path in paths}
    assert {answer.status for answer in shown.values()} == {200}
    return {
        RENDERED.sub("", path): [
            RENDERED.sub(r"\1", control) for control in CONTROL.findall(answer.text)
        ]
        for path, answer in shown.items()
    }


def all_pages(report: dict[str, Any]) -> Iterator[str]:
    yield from (f"/admin/reconciliation/{report['id']}?kind={code}" for code in Code)
    yield from (f"/admin/resellers/{row.id}?compare=1" for row in Reseller.scan())
    yield from (f"/admin/purchases/{row.id}" for row in Purchase.scan() if row.reasons)


def replace_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, code in enumerate(MessageCode):
        if code != MessageCode.VERBATIM:
            monkeypatch.setitem(WORDS, code, f"Zq {number}")
            monkeypatch.setitem(PAGE_WORDS, code, f"Vx {number}")


@pytest.fixture(autouse=True)
def faster() -> Iterator[None]:
    with fast_moto():
        yield


def test_nothing_depends_on_the_words(
    people: People, stripe: StripeSimulator, frozen: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage_everything(people, stripe, frozen)
    page, client = signed_in(people.admin), AdminClient(people)
    with_words = controls(page, all_pages(client.run()))
    replace_words(monkeypatch)
    settle_differing_payments(client)
    report = client.run()
    assert controls(page, all_pages(report)) == with_words
    findings = client.findings(report)
    assert {finding["code"] for finding in findings} == set(Code)
    assert all(f["what"].startswith("Zq") for f in findings), "the stored words are nonsense, too"
    required = {decide(people, client, report, finding) for finding in findings}
    assert required == {None, *Target}
    decided = {f["code"] for f in client.findings(report) if f["state"] in ("repaired", "gone")}
    assert decided == set(Code)


def settle_differing_payments(client: AdminClient) -> None:
    """Write the reasons again: a purchase is quarantined, and another one was paid twice."""
    differing = [row for row in Purchase.scan() if row.reasons]
    assert len(differing) == 2
    for row in differing:
        client.api.post(f"/v1/resellers/{row.reseller_id}/purchases/{row.id}/settle")


def decide(
    people: People, client: AdminClient, report: dict[str, Any], finding: dict[str, Any]
) -> Target | None:
    """Take the proposed action, and return the target that it required, if any.

    A decision about facts that an earlier decision has changed is refused.
    """
    path, action = resolution_path(report, finding), finding["proposed"]
    body = {"action": action, "reason": "x"}
    target = adopted_to(finding["code"]) if action == "adopt" else None
    first = client.api.post(path, body)
    if first.status == 412:
        return None
    if target is None:
        assert first.status == 200, (finding, first.text)
        return None
    assert (first.status, first.json["errors"][0]["field"]) == (422, "to")
    is_user = target is Target.USER
    body["to"] = people.user().user_id if is_user else people.reseller(licenses=9).reseller_id
    assert client.api.post(path, body).status == 200
    return target
