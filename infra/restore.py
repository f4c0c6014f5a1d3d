"""`make restore STAGE=… TABLE=… [ONLY=…] [OVERWRITE=yes]`: put rows back from the table that
point-in-time recovery made beside the one that was damaged.

Rows that are gone come back, each on the condition that it is gone still. With --overwrite
rows that differ are written over, each on the condition that nobody has changed it since it was
compared; its version goes on counting, so that no request takes it for the row that it has read.
Rows that were made since the restored second stay. So it may be stopped, and run again.
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
# What DynamoDB reads of one table at once, and how many rows are written at a time.
BATCH = 100
AT_ONCE = 8

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lost:
    """A row as it was. now: as it is, where it is there and differs."""

    was: Item
    now: Item | None

    @property
    def kind(self) -> str:
        return "gone" if self.now is None else "different"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("table", help="its noun, such as tenants")
    parser.add_argument("--only", default="", help="one partition: a reseller's id, say")
    parser.add_argument("--overwrite", action="store_true", help="rows that differ, too")
    given = parser.parse_args()
    table = f"tenantry-{given.stage}-{given.table}"
    if given.table.endswith(RESTORED) or given.table.startswith("tenantry-"):
        parser.error("name the damaged table by its noun, such as tenants")
    question = "Put them back? Type the stage to say yes: "
    return restore_rows(
        table,
        given.only,
        overwrite=given.overwrite,
        confirm=lambda: confirmed(given.stage, question),
    )


def restore_rows(table: str, only: str, *, overwrite: bool, confirm: Callable[[], bool]) -> int:
    """How many rows could not be put back, since they had changed meanwhile.

    only: the value of the hash key, or empty for all. Compares first, tells, asks, then
    compares again and writes.
    """
    client = boto3.client("dynamodb")
    found = Counter(lost.kind for lost in compare(client, table, only))
    wanted = {"gone", "different"} if overwrite else {"gone"}
    left = "" if overwrite else " (stay as they are)"
    print(f"{table}: {found['gone']} rows gone, {found['different']} different{left}")
    if not sum(found[kind] for kind in wanted):
        print("There is nothing to put back.")
        return 0
    if not confirm():
        print("Nothing was changed.")
        return 0
    key, *_ = _keys(client, table)
    lost = (each for each in compare(client, table, only) if each.kind in wanted)
    done: Counter[bool] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while some := list(islice(lost, BATCH)):
            done.update(pool.map(lambda each: _put(client, table, key, each), some))
    print(f"{done[True]} rows put back, {done[False]} changed meanwhile: run it again for those.")
    return done[False]


def compare(client: Any, table: str, only: str) -> Iterator[Lost]:
    """The rows of the restored table that the damaged one lacks, or has otherwise."""
    keys = _keys(client, table)
    for rows in _batches(client, f"{table}-{RESTORED}", keys[0], only):
        there = {_key_of(row, keys): row for row in _read(client, table, keys, rows)}
        for was in rows:
            now = there.get(_key_of(was, keys))
            if now is None or _told(now) != _told(was):
                yield Lost(was, now)


def _told(row: Item) -> Item:
    """What a row says, but for how often it was written: put back, it says the same again."""
    return {name: value for name, value in row.items() if name != "version"}


def _put(client: Any, table: str, key: str, lost: Lost) -> bool:
    """False where somebody was faster."""
    row = lost.was
    request: dict[str, Any] = {
        "ConditionExpression": "attribute_not_exists(#name)",
        "ExpressionAttributeNames": {"#name": key},
    }
    if lost.now is not None:
        version = int(lost.now.get("version", {"N": "0"})["N"])
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
    request: dict[str, Any] = {"TableName": table, "ConsistentRead": True, "Limit": BATCH}
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
    wanted = [{name: row[name] for name in keys} for row in rows]
    request = {table: {"Keys": wanted, "ConsistentRead": True}}
    while request:
        answer = client.batch_get_item(RequestItems=request)
        yield from answer["Responses"].get(table, [])
        request = answer.get("UnprocessedKeys") or {}


def _keys(client: Any, table: str) -> list[str]:
    """The names of its keys, the hash key first."""
    schema = client.describe_table(TableName=table)["Table"]["KeySchema"]
    return [
        key["AttributeName"] for key in sorted(schema, key=lambda key: key["KeyType"] != "HASH")
    ]


def _key_of(row: Item, keys: list[str]) -> tuple[str, ...]:
    return tuple(row[name]["S"] for name in keys)


if __name__ == "__main__":
    sys.exit(main())
