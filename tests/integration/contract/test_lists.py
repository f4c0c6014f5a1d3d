"""Lists: pages contain every row once, and only cursors from the same list are accepted."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from pynamodb.models import BatchWrite

from chalicelib import clock
from chalicelib.storage import reads
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.rows import new_id
from tests.support.api import Api
from tests.support.aws_faults import AwsFaults
from tests.support.examples import World

COUNT = 5


def encode_cursor(*content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[str]:
    padded = cursor + "=" * (-len(cursor) % 4)
    content: list[str] = json.loads(base64.urlsafe_b64decode(padded))
    return content


def all_pages(api: Api, path: str, limit: int) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor, mark = "", "&" if "?" in path else "?"
    while True:
        page = api.get(f"{path}{mark}limit={limit}{cursor}").json
        assert set(page) == {"data", "next_cursor"}
        pages.append([row["id"] for row in page["data"]])
        if page["next_cursor"] is None:
            return pages
        cursor = f"&cursor={page['next_cursor']}"
        assert len(pages) < 50


def fill_tenants(world: World) -> tuple[Api, str]:
    for _ in range(COUNT):
        world.tenant()
    return world.reseller.api, "/v1/resellers/me/tenants"


def fill_tenants_by_name(world: World) -> tuple[Api, str]:
    """All tenants have the same name, so the index must distinguish them by ID."""
    return fill_tenants(world)[0], "/v1/resellers/me/tenants?search=bak"


def fill_deleted_tenants(world: World) -> tuple[Api, str]:
    for _ in range(COUNT):
        world.tenant(deleted=True)
        world.tenant()
    return world.reseller.api, "/v1/resellers/me/tenants?status=deleted"


def fill_deleted_tenants_by_name(world: World) -> tuple[Api, str]:
    return fill_deleted_tenants(world)[0], "/v1/resellers/me/tenants?status=deleted&search=b"


def fill_purchases(world: World) -> tuple[Api, str]:
    for _ in range(COUNT):
        world.purchase()
    return world.reseller.api, "/v1/resellers/me/purchases"


def fill_ledger(world: World) -> tuple[Api, str]:
    for _ in range(COUNT - 1):
        world.tenant()
    return world.reseller.api, "/v1/resellers/me/ledger"


def fill_users(world: World) -> tuple[Api, str]:
    for _ in range(COUNT):
        world.people.user()
    return world.people.admin.api, "/v1/users?email=user"


def fill_resellers(world: World) -> tuple[Api, str]:
    for _ in range(COUNT - 1):
        world.people.reseller()
    return world.people.admin.api, "/v1/resellers"


def fill_resellers_by_name(world: World) -> tuple[Api, str]:
    return fill_resellers(world)[0], "/v1/resellers?search=comp"


LISTS: list[Callable[[World], tuple[Api, str]]] = [
    fill_tenants,
    fill_tenants_by_name,
    fill_deleted_tenants,
    fill_deleted_tenants_by_name,
    fill_purchases,
    fill_ledger,
    fill_users,
    fill_resellers,
    fill_resellers_by_name,
]
EVERY_LIST = pytest.mark.parametrize("fill", LISTS)


@pytest.fixture
def world(world: World) -> World:
    path = f"/v1/resellers/{world.reseller.reseller_id}"
    assert world.people.admin.api.patch(path, {"license_count": 11}).status == 200
    return world


@EVERY_LIST
def test_pages_contain_every_row_once_and_in_order(
    world: World, fill: Callable[[World], tuple[Api, str]]
) -> None:
    api, path = fill(world)
    (whole,) = all_pages(api, path, 100)
    assert len(whole) >= COUNT
    assert len(set(whole)) == len(whole)
    for limit in (2, len(whole) - 1, len(whole)):
        pages = all_pages(api, path, limit)
        assert [row for page in pages for row in page] == whole
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert pages[-1], "the last page must not be empty"


@EVERY_LIST
def test_broken_cursors_are_refused(world: World, fill: Callable[[World], tuple[Api, str]]) -> None:
    api, path = fill(world)
    mark = "&" if "?" in path else "?"
    good = api.get(f"{path}{mark}limit=2").json["next_cursor"]
    scope, *position = decode_cursor(good)
    broken: list[Any] = [
        "",
        "x",
        "!!!",
        good[:-3],
        good + "A",
        good.swapcase(),
        "null",
        encode_cursor(),
        encode_cursor(scope),
        encode_cursor(*position),
        encode_cursor("0" * 12, *position),
        encode_cursor(scope, *position, "more"),
        encode_cursor(scope, *[None for _ in position]),
        encode_cursor(scope, *[5 for _ in position]),
        encode_cursor(scope, *["" for _ in position]),
        encode_cursor(scope, *["\ud800" for _ in position]),
        encode_cursor(scope, *["\x00" for _ in position]),
        encode_cursor(scope, *["\U0001f600" * 260 for _ in position]),
        encode_cursor(scope, *["x" * 1100 for _ in position]),
        encode_cursor({"S": scope}, *position),
        base64.urlsafe_b64encode(b"[" * 1400).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe\x00").decode(),
        base64.urlsafe_b64encode(b"1" * 1400).decode(),
        base64.urlsafe_b64encode(b"1e999").decode(),
        "A" * 2001,
        "A" * 100_000,
        "ü",
        "\x00",
    ]
    for cursor in broken:
        reply = api.get(f"{path}{mark}cursor={quote(cursor)}")
        assert (reply.status, reply.code) == (422, "invalid_request"), cursor[:80]
        assert [error["field"] for error in reply.json["errors"]] == ["cursor"]


def test_a_forged_cursor_stays_within_its_list(world: World) -> None:
    """Cursors are not signed. A forged cursor can only select another position in its own list."""
    api, path = fill_tenants(world)
    own = {row["id"] for row in api.get(f"{path}?limit=100").json["data"]}
    scope, _ = decode_cursor(api.get(f"{path}?limit=2").json["next_cursor"])
    reply = api.get(f"{path}?cursor={encode_cursor(scope, 'zzz')}")
    assert reply.status == 200
    assert {row["id"] for row in reply.json["data"]} <= own


def test_cursors_of_other_lists_are_refused(world: World) -> None:
    """A cursor from another resource, reseller, or search belongs to another list."""
    api, tenants = fill_tenants(world)
    world.purchase()
    world.purchase()
    other = world.people.reseller(licenses=5)
    for _ in range(3):
        other.api.post(tenants, {"name": "Bakery"})
    paths = [
        (api, tenants + "?"),
        (api, tenants + "?search=b&"),
        (api, tenants + "?search=ba&"),
        (api, "/v1/resellers/me/ledger?"),
        (api, "/v1/resellers/me/purchases?"),
        (other.api, tenants + "?"),
        (world.people.admin.api, "/v1/users?"),
        (world.people.admin.api, "/v1/resellers?"),
    ]
    cursors = [caller.get(f"{path}limit=1").json["next_cursor"] for caller, path in paths]
    assert None not in cursors
    for shift in (0, 1, 2, 5):
        for number, cursor in enumerate(cursors):
            caller, path = paths[(number + shift) % len(paths)]
            reply = caller.get(f"{path}cursor={cursor}")
            assert reply.status == (422 if shift else 200), (path, paths[number][1])


def test_a_resellers_cursor_works_for_an_admin(world: World) -> None:
    """The paths with `me` and with the reseller's ID lead to the same list."""
    api, path = fill_tenants(world)
    cursor = api.get(f"{path}?limit=3").json["next_cursor"]
    named = f"/v1/resellers/{world.reseller.reseller_id}/tenants?cursor={cursor}"
    assert len(world.people.admin.api.get(named).json["data"]) == COUNT - 3


def test_changes_between_pages_repeat_and_skip_no_row(world: World) -> None:
    api, path = fill_tenants(world)
    first = api.get(f"{path}?limit=3").json
    seen = [row["id"] for row in first["data"]]
    rest = [row["id"] for row in api.get(f"{path}?limit=100").json["data"] if row["id"] not in seen]
    assert api.delete(f"{path}/{seen[-1]}").status == 204
    assert api.delete(f"{path}/{rest[0]}").status == 204
    world.tenant()
    second = api.get(f"{path}?limit=100&cursor={first['next_cursor']}").json
    assert [row["id"] for row in second["data"]] == rest[1:]


@pytest.mark.parametrize("limit", ["0", "-1", "101", "x", "", "1.5", "1e2", "9" * 5000, "٣x"])
def test_invalid_limits_are_refused(world: World, limit: str) -> None:
    reply = world.reseller.api.get(f"/v1/resellers/me/tenants?limit={quote(limit)}")
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "limit")


def test_the_default_page_size_is_25(world: World) -> None:
    reseller_id = str(world.reseller.reseller_id)
    with BatchWrite(LedgerEntry) as batch:
        for _ in range(30):
            entry = LedgerEntry(reseller_id, new_id("led"), kind="allocation", actor="usr_x")
            entry.at = entry.created_at = entry.updated_at = clock.now()
            batch.save(entry)
    page = world.reseller.api.get("/v1/resellers/me/ledger").json
    assert len(page["data"]) == 25
    assert page["next_cursor"]


@pytest.mark.parametrize("query", ["limit=1&limit=2", "cursor=a&cursor=b", "page=2", "Limit=2"])
def test_unknown_and_repeated_parameters_are_refused(world: World, query: str) -> None:
    reply = world.reseller.api.get(f"/v1/resellers/me/tenants?{query}")
    assert (reply.status, reply.code) == (422, "invalid_request")
    assert reply.json["errors"][0]["field"] == query.split("=", 1)[0]


def test_a_filtered_page_reads_a_limited_number_of_rows(
    world: World, aws_faults: AwsFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that has read the maximum number of rows can be empty and still have a cursor."""
    monkeypatch.setattr(reads, "MAX_FILTERED_ROWS", 3)
    rare = world.tenant(deleted=True)
    for _ in range(COUNT):
        world.tenant()
    aws_faults.calls.clear()
    pages = all_pages(world.reseller.api, "/v1/resellers/me/tenants?status=deleted", 2)
    found = [id for page in pages for id in page]
    assert rare in found
    assert len(pages) > 1
    queries = [params for operation, params in aws_faults.calls if operation == "Query"]
    assert len(queries) <= 3 * len(pages), "each page needs at most three queries"
