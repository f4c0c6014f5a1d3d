"""The guide's troubleshooting: counts that do not match, orphaned tenants, what to check."""

from typing import Any

from infra.local.walkthrough.client import Service, chapter
from infra.local.walkthrough.guide import Reseller, every, ledger_sums, pool


def walk(service: Service, reseller: Reseller) -> None:
    why_not(service, reseller)
    counter_that_does_not_match(service, reseller)
    orphaned_tenant(service, reseller)
    count, used = ledger_sums(service, reseller)
    counters = pool(service, reseller)
    service.step("the ledger equals the counters", f"{used} / {count}", counters)


def why_not(service: Service, reseller: Reseller) -> None:
    chapter("Troubleshooting: what to check")
    diagnosis = service.call(service.admin, "GET", f"/v1/resellers/{reseller.id}/diagnosis")
    failed = [c["check"] for c in diagnosis["checks"] if not c["passed"]]
    service.step("the diagnosis finds nothing in the reseller's way", failed, [])


def counter_that_does_not_match(service: Service, reseller: Reseller) -> None:
    chapter("Troubleshooting: license count doesn't match actual usage")
    before = pool(service, reseller)
    damage(service, kind="counter", reseller_id=reseller.id, license_used=2)
    service.step("somebody edits license_used in the console", pool(service, reseller), "2 / 31")
    path = f"/v1/resellers/{reseller.id}/sync"
    found = service.call(service.admin, "POST", path, {"apply": False})
    service.step("a dry sync says what it would be", found["after"]["license_used"], 13)
    print(f"    {found['why']}")
    service.step("and changes nothing", pool(service, reseller), "2 / 31")
    service.call(service.admin, "POST", path, {"apply": True})
    service.step("applied, it is what it was", pool(service, reseller), before)


def orphaned_tenant(service: Service, reseller: Reseller) -> None:
    chapter("Troubleshooting: orphaned tenants")
    orphan = damage(service, kind="orphan", reseller_id=reseller.id)
    finding = _find(service, orphan["id"])
    service.step("a tenant of no reseller is found", finding.get("code"), "orphan_tenant")
    print(f"    {finding['what']}\n    {finding['why']}")
    decided = service.call(
        service.admin,
        "POST",
        f"/v1/reconciliations/{finding['report']}/findings/{finding['id']}/resolution",
        {"action": "delete", "reason": "Made by the walkthrough"},
    )
    service.step("an admin decides to delete it", decided["state"], "repaired")
    service.step("the next run finds none", _find(service, orphan["id"]), {})


def damage(service: Service, **what: Any) -> Any:
    """Edit the tables as a person at the AWS console could."""
    return service.call(None, "POST", "/local/damage", what, 200)


def _find(service: Service, subject: str) -> dict[str, Any]:
    """What a run over everything, applying nothing, finds about it; empty where nothing."""
    run = service.call(service.admin, "POST", "/v1/reconciliations", {"scope": "whole"}, 201)
    findings = every(service, f"/v1/reconciliations/{run['id']}/findings")
    found = (f for f in findings if subject in f["subject"])
    return next(({**finding, "report": run["id"]} for finding in found), {})
