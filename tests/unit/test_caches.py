"""A write of a table makes the values that were read from it outdated."""

import ast
import inspect
from collections.abc import Callable
from datetime import timedelta
from functools import _lru_cache_wrapper
from importlib import import_module
from itertools import count
from typing import Any

import pytest

from chalicelib.errors import Busy, VersionConflict
from chalicelib.storage import caches, writes
from chalicelib.storage.caches import Cached
from chalicelib.storage.claims import Claim
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User
from tests.conftest import TestClock
from tests.support.aws_faults import AwsFaults, lost_reply
from tests.support.claims import change_owner, put_claim, store_claim
from tests.support.source_layout import imports, layer_of, module_of, sources

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def cached() -> Cached[int]:
    """Counts how often it was read."""
    numbers = count(1)
    return Cached(lambda: next(numbers), [Claim.noun], A_MINUTE)


def committed(add: Callable[[Transaction], None]) -> None:
    tx = Transaction()
    add(tx)
    tx.commit()


WRITES: dict[str, Callable[[Claim], None]] = {
    "create": lambda claim: committed(lambda tx: put_claim(tx, "another")),
    "update": lambda claim: committed(lambda tx: change_owner(tx, claim.name, "you")),
    "change": lambda claim: committed(lambda tx: tx.change(claim, {"owner": "you"})),
    "delete": lambda claim: committed(
        lambda tx: tx.delete(claim, condition=claim.unchanged(), otherwise=VersionConflict())
    ),
    "put": writes.put,
    "upsert": lambda claim: writes.upsert(claim, [Claim.owner.set("you")]),
    "put_all": lambda claim: writes.put_all(Claim, [claim]),
    "delete_all": lambda claim: writes.delete_all(Claim, [claim]),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_makes_the_value_outdated(tables: None, cached: Cached[int], write: str) -> None:
    claim = store_claim("name")
    assert (cached(), cached()) == (1, 1)
    WRITES[write](claim)
    assert cached() == 2


def test_every_way_to_write_is_tested() -> None:
    modules = {Transaction.__module__, writes.__name__}
    public = {
        name
        for owner in (Transaction, writes)
        for name, function in inspect.getmembers(owner, inspect.isfunction)
        if not name.startswith("_") and function.__module__ in modules
    }
    not_a_way_of_its_own = {"put_commit_marker", "check", "commit", "after_commit"}
    assert public - not_a_way_of_its_own == WRITES.keys()


def test_a_write_with_an_unknown_outcome_makes_the_value_outdated(
    cached: Cached[int], aws_faults: AwsFaults
) -> None:
    claim = store_claim("name")
    assert cached() == 1
    aws_faults.after(lost_reply(), operation="PutItem")
    with pytest.raises(Busy):
        writes.put(claim)
    assert cached() == 2


def test_a_write_of_another_table_keeps_the_value(tables: None) -> None:
    numbers = count(1)
    cached = Cached(lambda: next(numbers), [User.noun], A_MINUTE)
    assert cached() == 1
    store_claim("name")
    assert cached() == 1


def test_a_write_during_the_read_makes_the_value_outdated(tables: None) -> None:
    numbers = count(1)

    def read() -> int:
        if (number := next(numbers)) == 1:
            store_claim("name")
        return number

    cached = Cached(read, [Claim.noun], A_MINUTE)
    assert (cached(), cached(), cached()) == (1, 2, 2)


def test_a_value_is_kept_for_a_limited_time(frozen: TestClock, cached: Cached[int]) -> None:
    assert cached() == 1
    frozen.advance(A_MINUTE - timedelta(seconds=1))
    assert cached() == 1
    frozen.advance(timedelta(seconds=1))
    assert cached() == 2


def kept_values() -> dict[str, Cached[Any]]:
    return {
        f"{module_of(source)}.{name}": value
        for source in sources()
        for name, value in vars(import_module(module_of(source))).items()
        if isinstance(value, Cached)
    }


@pytest.mark.parametrize("name", kept_values())
def test_each_kept_value_names_the_tables_it_is_read_from(name: str, aws_faults: AwsFaults) -> None:
    cached = kept_values()[name]
    aws_faults.calls.clear()
    cached._read()
    read = {str(parameters["TableName"]) for _, parameters in aws_faults.calls}
    assert read
    assert {table.partition("-")[2].partition("-")[2] for table in read} <= set(cached._tables)


def test_no_module_keeps_values_in_another_way() -> None:
    """Only the log's cold start, which is about the process, is a global that changes."""
    changed = {
        (module_of(source), name)
        for source in sources()
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Global)
        for name in node.names
    }
    assert changed == {("chalicelib.observability", "_warm")}


def test_no_module_has_to_clear_what_it_keeps() -> None:
    """Only the modules that write rows know about the values that are kept."""
    for source in sources():
        called = {
            node.func.attr
            for node in ast.walk(ast.parse(source.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert not called & {"clear_cache", "cache_clear"}, source
        if layer_of(source) != "storage":
            used = {name for name in imports(source) if "storage.caches" in name}
            assert used <= {"chalicelib.storage.caches.Cached"}, source


def test_functions_that_are_cached_forever_read_no_table(aws_faults: AwsFaults) -> None:
    cached = [
        value
        for source in sources()
        for value in vars(import_module(module_of(source))).values()
        if isinstance(value, _lru_cache_wrapper) and not inspect.signature(value).parameters
    ]
    aws_faults.calls.clear()
    for function in cached:
        function.__wrapped__()
    assert len(cached) > 5
    assert aws_faults.calls == []


def test_clearing_forgets_every_value(cached: Cached[int]) -> None:
    assert cached() == 1
    caches.clear()
    assert cached() == 2
