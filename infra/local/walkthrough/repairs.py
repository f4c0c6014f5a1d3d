"""The guide's troubleshooting: what to check, wrong license counts, and orphaned tenants."""

from typing import Any

from infra.local.walkthrough.client import Client, print_heading
from infra.local.walkthrough.guide import Reseller, check_ledger, licenses, list_all


def run(client: Client, reseller: Reseller) -> None:
    run_diagnosis(client, reseller)
    repair_counter(client, reseller)
    repair_orphaned_tenant(client, reseller)
    check_ledger(client, reseller)


def run_diagnosis(client: Client, reseller: Reseller) -> None:
    print_heading("Troubleshooting: what to check")
    path = f"/v1/resellers/{reseller.id}/diagnosis"
    diagnosis = client.call(client.admin_token, "GET", path)
    failed = [check["check"] for check in diagnosis["checks"] if not check["passed"]]
    client.check("The diagnosis finds no failed checks", failed, [])


def repair_counter(client: Client, reseller: Reseller) -> None:
    print_heading("Troubleshooting: license count doesn't match actual usage")
    before = licenses(client, reseller)
    damage(client, kind="counter", reseller_id=reseller.id, license_used=2)
    client.check("Someone edits license_used in the console", licenses(client, reseller), "2 / 31")
    path = f"/v1/resellers/{reseller.id}/sync"
    plan = client.call(client.admin_token, "POST", path, {"apply": False})
    client.check("A dry-run sync shows the correct count", plan["after"]["license_used"], 13)
    print(f"    {plan['why']}")
    client.check("The dry run changes nothing", licenses(client, reseller), "2 / 31")
    client.call(client.admin_token, "POST", path, {"apply": True})
    client.check("Applying the sync corrects the counter", licenses(client, reseller), before)


def repair_orphaned_tenant(client: Client, reseller: Reseller) -> None:
    print_heading("Troubleshooting: orphaned tenants")
    orphan = damage(client, kind="orphan", reseller_id=reseller.id)
    finding = _find(client, orphan["id"])
    client.check(
        "Reconciliation finds a tenant without a reseller", finding.get("code"), "orphan_tenant"
    )
    print(f"    {finding['what']}\n    {finding['why']}")
    resolved = client.call(
        client.admin_token,
        "POST",
        f"/v1/reconciliations/{finding['report']}/findings/{finding['id']}/resolution",
        {"action": "delete", "reason": "Created by the walkthrough"},
    )
    client.check("An admin deletes the orphaned tenant", resolved["state"], "repaired")
    client.check("The next run no longer finds it", _find(client, orphan["id"]), {})


def damage(client: Client, **parameters: Any) -> Any:
    """Edit the tables the way someone could in the AWS console."""
    return client.call(None, "POST", "/local/damage", parameters, 200)


def _find(client: Client, subject: str) -> dict[str, Any]:
    """Run a full reconciliation that applies nothing, and return its finding about `subject`.

    The ID of the run's report is added as `report`. If there is no finding, the result is empty.
    """
    report = client.call(client.admin_token, "POST", "/v1/reconciliations", {"scope": "whole"}, 201)
    findings = list_all(client, f"/v1/reconciliations/{report['id']}/findings")
    matches = (finding for finding in findings if subject in finding["subject"])
    return next(({**finding, "report": report["id"]} for finding in matches), {})
