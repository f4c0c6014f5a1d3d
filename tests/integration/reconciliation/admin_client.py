"""The admin's side of reconciliation, over HTTP."""

from typing import Any

from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from tests.support.people import People, Person


class ReconciliationClient:
    """The admin's side of it."""

    def __init__(self, people: People) -> None:
        self.api = people.admin.api

    def run(self, *, apply: bool = False, **body: Any) -> dict[str, Any]:
        reply = self.api.post("/v1/reconciliations", {"apply": apply, **body})
        assert reply.status == 201, reply.text
        report: dict[str, Any] = reply.json
        assert report["status"] == "finished"
        return report

    def findings(self, report: dict[str, Any]) -> list[dict[str, Any]]:
        reply = self.api.get(f"/v1/reconciliations/{report['id']}/findings?limit=100")
        assert reply.status == 200, reply.text
        found: list[dict[str, Any]] = reply.json["data"]
        return found

    def only(self, code: str) -> tuple[dict[str, Any], str]:
        """A dry run finds this and nothing else: the finding, and where to decide it."""
        report = self.run()
        found_all = self.findings(report)
        assert len(found_all) == 1, (report, found_all)
        (found,) = found_all
        assert found["code"] == code, found
        return found, f"/v1/reconciliations/{report['id']}/findings/{found['id']}/resolution"

    def decide(self, where: str, action: str, **body: Any) -> dict[str, Any]:
        reply = self.api.post(where, {"action": action, "reason": "As agreed.", **body})
        assert reply.status == 200, reply.text
        decided: dict[str, Any] = reply.json
        return decided

    def assert_clean(self) -> None:
        report = self.run()
        assert report["found"] == {}, self.findings(report)


def reseller_of(seller: Person) -> Reseller:
    row = get(Reseller, str(seller.reseller_id))
    assert row is not None
    return row


def tenants_of(seller: Person) -> list[Tenant]:
    return list(Tenant.query(str(seller.reseller_id), consistent_read=True))
