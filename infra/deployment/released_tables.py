"""The last release's table definitions, and what a deployed stack cannot change in one step.

`python -m infra.deployment.released_tables` records the current definitions. Run it once a release
has been deployed everywhere, and commit the file with the release.

CloudFormation creates or deletes at most one global secondary index of a table in one update, and
replaces a table (losing its rows) if its name or key changes. DynamoDB accepts a new TTL attribute
only after the old one has been switched off, in an update of its own.
"""

import json
from pathlib import Path
from typing import Any

from infra.deployment.inventory import ROOT
from infra.local.aws import table_resources

RECORD = Path(__file__).with_name("released_tables.json")

Tables = dict[str, dict[str, Any]]


def main() -> None:
    """Record the current definitions as those of the last release."""
    RECORD.write_text(json.dumps(current_tables(), indent=2, sort_keys=True) + "\n")
    print(f"Recorded in {RECORD.relative_to(ROOT)}.")


def released_tables() -> Tables:
    """Return the recorded definitions by table name."""
    tables: Tables = json.loads(RECORD.read_text())
    return tables


def current_tables() -> Tables:
    """Return what infra/resources.yaml defines, by logical ID."""
    return {
        logical_id: {
            "name": definition["TableName"],
            "key": _key(definition),
            "ttl": _ttl(definition),
            "local_indexes": definition.get("LocalSecondaryIndexes", []),
            "indexes": {
                index["IndexName"]: {"key": _key(index, definition), **index["Projection"]}
                for index in definition.get("GlobalSecondaryIndexes", ())
            },
        }
        for logical_id, resource in table_resources().items()
        for definition in (resource["Properties"],)
    }


def _ttl(definition: dict[str, Any]) -> str | None:
    """Return the TTL attribute, or None if rows do not expire."""
    specification = definition.get("TimeToLiveSpecification", {})
    return specification.get("AttributeName") if specification.get("Enabled") else None


def _key(owner: dict[str, Any], definition: dict[str, Any] | None = None) -> list[str]:
    """Return the key columns of a table or index with their types, hash key first."""
    attributes = (definition or owner)["AttributeDefinitions"]
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in attributes}
    return [f"{k['AttributeName']} {types[k['AttributeName']]}" for k in owner["KeySchema"]]


def undeployable_changes(released: Tables, current: Tables) -> list[str]:
    """Return a sentence for each change that a deployed stack cannot take in one update.

    New tables are always possible.
    """
    problems = []
    for name, before in released.items():
        after = current.get(name)
        if after is None:
            problems.append(f"{name}: the table is gone or has another logical ID.")
            continue
        if after["name"] != before["name"]:
            problems.append(f"{name}: the name changed, so the table would be replaced.")
        if after["key"] != before["key"]:
            problems.append(f"{name}: the key changed, so the table would be replaced.")
        if after["local_indexes"] != before["local_indexes"]:
            problems.append(f"{name}: local indexes changed, so the table would be replaced.")
        if after["ttl"] != before["ttl"] and before["ttl"] is not None:
            problems.append(f"{name}: the TTL attribute changed.")
        moved = _index_changes(before["indexes"], after["indexes"])
        if len(moved) > 1:
            problems.append(f"{name}: more than one index change: {', '.join(moved)}.")
    return problems


def _index_changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """A changed index counts twice: it is deleted, then created."""
    return [
        *(f"{name} created" for name in sorted(after) if before.get(name) != after[name]),
        *(f"{name} deleted" for name in sorted(before) if after.get(name) != before[name]),
    ]


if __name__ == "__main__":
    main()
