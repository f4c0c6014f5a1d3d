"""`make restore STAGE=… TABLE=… [ONLY=…] [OVERWRITE=yes]`: restore rows in a damaged table.

Point-in-time recovery creates a restored table next to the damaged one. This command copies missing
rows back, each on condition that it is still missing. With --overwrite, it also replaces rows that
differ, each on condition that it has not changed since the comparison. An overwritten row gets a
higher version, so that no request mistakes it for the row it has read. Newer rows are kept. It is
safe to stop the command and run it again.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra.confirm import confirmed
from infra.deployment.inventory import STAGES

RESTORED = "restored"
BATCH_SIZE = 100  # DynamoDB's limit for one batch read
PARALLEL_WRITES = 8

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A row in the restored table that is missing from the current table or differs there.

    `current` is None if the row is missing.
    """

    restored: Item
    current: Item | None

    @property
    def kind(self) -> str:
        return "missing" if self.current is None else "different"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("table", help="the table's noun, such as tenants")
    parser.add_argument("--only", default="", help="a single partition, such as a reseller's ID")
    parser.add_argument("--overwrite", action="store_true", help="also replace rows that differ")
    given = parser.parse_args()
    table = f"tenantry-{given.stage}-{given.table}"
    if given.table.endswith(RESTORED) or given.table.startswith("tenantry-"):
        parser.error("use the noun of the damaged table, such as tenants")
    question = "Restore these rows? Type the stage to confirm: "
    return restore_rows(
        table,
        given.only,
        overwrite=given.overwrite,
        confirm=lambda: confirmed(given.stage, question),
    )


def restore_rows(table: str, only: str, *, overwrite: bool, confirm: Callable[[], bool]) -> int:
    """Compare the tables, print the differences, and ask; then compare again and write.

    `only` is a hash key value, or empty for all rows. Return how many rows could not be
    restored because they changed in the meantime.
    """
    client = boto3.client("dynamodb")
    found = Counter(row.kind for row in find_differences(client, table, only))
    selected = {"missing", "different"} if overwrite else {"missing"}
    note = "" if overwrite else " (not changed without OVERWRITE=yes)"
    print(f"{table}: {found['missing']} rows missing, {found['different']} different{note}")
    if not sum(found[kind] for kind in selected):
        print("There is nothing to restore.")
        return 0
    if not confirm():
        print("Nothing was changed.")
        return 0
    key, *_ = _keys(client, table)
    rows = (row for row in find_differences(client, table, only) if row.kind in selected)
    done: Counter[bool] = Counter()
    with ThreadPoolExecutor(PARALLEL_WRITES) as pool:
        while batch := list(islice(rows, BATCH_SIZE)):
            done.update(pool.map(lambda row: _put(client, table, key, row), batch))
    print(
        f"{done[True]} rows restored, {done[False]} skipped because they changed in the meantime."
    )
    if done[False]:
        print("Run the command again for the skipped rows.")
    return done[False]


def find_differences(client: Any, table: str, only: str) -> Iterator[RowDifference]:
    """Yield the rows in the restored table that are missing or different in the damaged one."""
    keys = _keys(client, table)
    for rows in _batches(client, f"{table}-{RESTORED}", keys[0], only):
        current_rows = {_key_of(row, keys): row for row in _read(client, table, keys, rows)}
        for restored in rows:
            current = current_rows.get(_key_of(restored, keys))
            if current is None or _without_version(current) != _without_version(restored):
                yield RowDifference(restored, current)


def _without_version(row: Item) -> Item:
    """Return the row without its version, which changes when a row is restored."""
    return {name: value for name, value in row.items() if name != "version"}


def _put(client: Any, table: str, key: str, difference: RowDifference) -> bool:
    """Write the restored row. Return False if the current row has changed in the meantime."""
    row = difference.restored
    request: dict[str, Any] = {
        "ConditionExpression": "attribute_not_exists(#name)",
        "ExpressionAttributeNames": {"#name": key},
    }
    if difference.current is not None:
        version = int(difference.current.get("version", {"N": "0"})["N"])
        row = {**row, "version": {"N": str(version + 1)}}
        request = {
            "ConditionExpression": "#name = :read OR attribute_not_exists(#name)",
            "ExpressionAttributeNames": {"#name": "version"},
            "ExpressionAttributeValues": {":read": {"N": str(version)}},
        }
    try:
        client.put_item(TableName=table, Item=row, **request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def _batches(client: Any, table: str, key: str, only: str) -> Iterator[list[Item]]:
    request: dict[str, Any] = {"TableName": table, "ConsistentRead": True, "Limit": BATCH_SIZE}
    operation = "scan"
    if only:
        operation = "query"
        request |= {
            "KeyConditionExpression": "#key = :only",
            "ExpressionAttributeNames": {"#key": key},
            "ExpressionAttributeValues": {":only": {"S": only}},
        }
    for page in client.get_paginator(operation).paginate(**request):
        if page["Items"]:
            yield page["Items"]


def _read(client: Any, table: str, keys: list[str], rows: list[Item]) -> Iterator[Item]:
    row_keys = [{name: row[name] for name in keys} for row in rows]
    request = {table: {"Keys": row_keys, "ConsistentRead": True}}
    while request:
        answer = client.batch_get_item(RequestItems=request)
        yield from answer["Responses"].get(table, [])
        request = answer.get("UnprocessedKeys") or {}


def _keys(client: Any, table: str) -> list[str]:
    """Return the names of the table's key columns, the hash key first."""
    schema = client.describe_table(TableName=table)["Table"]["KeySchema"]
    return [
        key["AttributeName"] for key in sorted(schema, key=lambda key: key["KeyType"] != "HASH")
    ]


def _key_of(row: Item, keys: list[str]) -> tuple[str, ...]:
    return tuple(row[name]["S"] for name in keys)


if __name__ == "__main__":
    sys.exit(main())
