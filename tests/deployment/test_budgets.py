"""Budgets that keep the stack well below the limits of API Gateway, CloudFormation, and IAM."""

import json
from pathlib import Path

from app import app
from infra.deployment.package import TEMPLATE
from tests.deployment.sam import Template, of_type, resolved

# API Gateway's default quota is 300 resources per API.
MAX_API_RESOURCES = 280
# CloudFormation accepts templates of up to 1 MB from S3.
MAX_TEMPLATE_BYTES = 800_000
# IAM allows 10,240 characters for all inline policies of a role, not counting white space.
MAX_POLICY_CHARACTERS = 9_000


def api_resources(paths: list[str]) -> set[str]:
    """Return every path and its parent paths, since API Gateway counts each one as a resource."""
    found = {"/"}
    for path in paths:
        parts = path.strip("/").split("/")
        found |= {"/" + "/".join(parts[: depth + 1]) for depth in range(len(parts))}
    return found


def test_the_api_stays_below_the_resource_quota() -> None:
    assert len(api_resources(list(app.routes))) <= MAX_API_RESOURCES


def test_the_template_has_the_paths_that_were_counted(transformed: Template) -> None:
    (api,) = of_type(transformed, "AWS::ApiGateway::RestApi").values()
    assert api_resources(list(api["Properties"]["Body"]["paths"])) == api_resources(
        list(app.routes)
    )


def test_the_template_stays_below_the_size_limit(
    packages: dict[str, Path], transformed: Template, stage: str
) -> None:
    assert (packages[stage] / TEMPLATE).stat().st_size <= MAX_TEMPLATE_BYTES
    assert len(json.dumps(transformed, indent=2).encode()) <= MAX_TEMPLATE_BYTES


def test_the_policies_of_each_role_stay_below_the_limit(transformed: Template) -> None:
    roles = of_type(transformed, "AWS::IAM::Role")
    sizes = {
        name: sum(
            len(json.dumps(resolved(policy, transformed), separators=(",", ":")))
            for policy in role["Properties"].get("Policies", ())
        )
        for name, role in roles.items()
    }
    assert sizes
    assert {name: size for name, size in sizes.items() if size > MAX_POLICY_CHARACTERS} == {}
