"""A client for the reconciliation API, signed in as an admin."""

from typing import Any

from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from tests.support.people import People, Person


class AdminClient:
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
        findings: list[dict[str, Any]] = reply.json["data"]
        return findings

    def finding(self, report: dict[str, Any], code: str) -> dict[str, Any]:
        """Return the report's only finding with the given code."""
        (finding,) = (f for f in self.findings(report) if f["code"] == code)
        return finding

    def find_only(self, code: str) -> tuple[dict[str, Any], str]:
        """Check that a dry run reports only one finding, with this code.

        Return the finding and the path for its decision.
        """
        report = self.run()
        findings = self.findings(report)
        assert len(findings) == 1, (report, findings)
        (finding,) = findings
        assert finding["code"] == code, finding
        return finding, resolution_path(report, finding)

    def decide(self, path: str, action: str, **body: Any) -> dict[str, Any]:
        reply = self.api.post(path, {"action": action, "reason": "As agreed.", **body})
        assert reply.status == 200, reply.text
        decided: dict[str, Any] = reply.json
        return decided

    def assert_clean(self) -> None:
        report = self.run()
        assert report["found"] == {}, self.findings(report)


def resolution_path(report: dict[str, Any], finding: dict[str, Any]) -> str:
    return f"/v1/reconciliations/{report['id']}/findings/{finding['id']}/resolution"


def reseller_of(seller: Person) -> Reseller:
    row = get(Reseller, str(seller.reseller_id))
    assert row is not None
    return row


def tenants_of(seller: Person) -> list[Tenant]:
    return list(Tenant.query(str(seller.reseller_id), consistent_read=True))
