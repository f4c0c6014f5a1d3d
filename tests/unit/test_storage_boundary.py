"""Only storage/ calls DynamoDB, and nothing writes rows past a transaction's conditions."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import botocore.exceptions
import pytest
from pynamodb.indexes import Index
from pynamodb.models import Model

from chalicelib.errors import OUTCOME_UNKNOWN, Busy
from chalicelib.storage import reads, writes
from chalicelib.storage.claims import Claim
from chalicelib.storage.connection import connection
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row
from tests.support.aws_faults import AwsFaults, error_response, lost_reply
from tests.support.claims import store_claim
from tests.support.source_layout import PACKAGE, ROOT, imports, layer_of, module_of, sources

OUTSIDE = [source for source in sources() if layer_of(source) != "storage"]
EVERY_SOURCE_OUTSIDE = pytest.mark.parametrize(
    "source", OUTSIDE, ids=lambda source: str(source.relative_to(ROOT))
)
# What a service needs to state a condition or an update, which a transaction then applies.
EXPRESSIONS = {"pynamodb.expressions.condition.Condition", "pynamodb.expressions.update.Action"}
# PynamoDB's public methods that make a call, and the ones that Row overrides to refuse.
CALLS = {
    name
    for owner in (Model, Index)
    for name, method in inspect.getmembers(owner, callable)
    if not name.startswith("_") and "_from_" not in name and "serialize" not in name
} - {"Meta", "DoesNotExist", "update_local_version_attribute", "from_raw_data", "to_simple_dict"}
WRITES = {"save", "update", "delete", "refresh", "batch_write"}
MODELS = sorted(Row.__subclasses__(), key=lambda model: model.__name__)
UNMISTAKABLE = CALLS - {"get", "query", "count", "update", "delete", "exists"}


def test_the_calls_are_those_of_pynamodb() -> None:
    assert WRITES | {"get", "query", "scan", "count", "batch_get", "exists"} <= CALLS


@EVERY_SOURCE_OUTSIDE
def test_only_storage_uses_pynamodb(source: Path) -> None:
    """Other modules import only what they need to state conditions and updates."""
    used = {name for name in imports(source) if name.split(".")[0] in ("pynamodb", "boto3")}
    assert used <= EXPRESSIONS
    assert "chalicelib.storage.connection.connection" not in set(imports(source))


@EVERY_SOURCE_OUTSIDE
def test_only_storage_calls_the_methods_of_models_and_indexes(source: Path) -> None:
    found = [f"{source.name}:{line} {text}" for line, text in pynamodb_calls(source)]
    assert found == []


def pynamodb_calls(source: Path) -> Iterator[tuple[int, str]]:
    """Yield the uses of a model's, an index's, or a row's own methods that make a call.

    A name can be used on anything else if PynamoDB is not the only one that has it.
    """
    models = {
        name
        for name, value in vars(import_module(module_of(source))).items()
        if inspect.isclass(value) and issubclass(value, Model)
    }
    tree = ast.parse(source.read_text())
    models |= {
        node.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.arg)
        and node.annotation is not None
        and ast.unparse(node.annotation).startswith("type[")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (
            node.attr in UNMISTAKABLE
            or node.attr in ("_get_connection", "dispatch")
            or (node.attr in CALLS and _root(node.value) in models)
        ):
            yield node.lineno, ast.unparse(node)


def _root(node: ast.expr) -> str:
    """Return the name that a model, its index, or a new row starts with: `Domain(…)`, `Domain.x`.

    A column is not a model: `Domain.host.exists()` is a condition.
    """
    if isinstance(node, ast.Call):
        node = node.func
    elif isinstance(node, ast.Attribute) and is_index_name(node.attr):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def is_index_name(name: str) -> bool:
    return name.startswith("by_") or name.endswith("_index")


def test_an_index_can_be_told_from_a_column_by_its_name() -> None:
    """`_root` depends on it."""
    for model in MODELS:
        for name, value in vars(model).items():
            if isinstance(value, Index):
                assert is_index_name(name), (model, name)


@pytest.mark.parametrize(
    "line",
    [
        "Claim.query('x')",
        "Claim.get('x')",
        "Claim.count('x')",
        "Claim('x').update([])",
        "Claim.by_owner.query('x')",
        "Claim.due_index.count('x')",
        "row.save()",
        "anything.scan()",
    ],
)
def test_a_call_would_be_found(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "example.py"
    source.write_text(
        f"from chalicelib.storage.claims import Claim\ndef f(row, anything): {line}\n"
    )
    monkeypatch.setitem(globals(), "module_of", lambda path: path.stem)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [text for _, text in pynamodb_calls(source)] != []


@pytest.mark.parametrize("method", sorted(WRITES))
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_row_cannot_be_written_past_a_transaction(model: type[Row], method: str) -> None:
    with pytest.raises(TypeError, match="Transaction"):
        getattr(model, method)()
    with pytest.raises(TypeError, match="Transaction"):
        getattr(model(), method)()


def test_a_write_without_a_transaction_refuses_rows_with_counters() -> None:
    reseller = Reseller("rsl_1", license_count=5)
    with pytest.raises(ValueError, match="resellers"):
        writes.put(reseller)
    with pytest.raises(ValueError, match="resellers"):
        writes.upsert(reseller, [Reseller.license_count.set(5)])
    with pytest.raises(ValueError, match="resellers"):
        writes.put_all(Reseller, [reseller])
    with pytest.raises(ValueError, match="resellers"):
        writes.delete_all(Reseller, [reseller])


OVERLOADS = [
    error_response("ThrottlingException"),
    error_response("ProvisionedThroughputExceededException"),
    botocore.exceptions.EndpointConnectionError(endpoint_url="https://dynamodb.example"),
    lost_reply(),
]


@pytest.mark.parametrize("failure", OVERLOADS, ids=lambda failure: type(failure).__name__)
def test_an_overloaded_database_is_busy_in_the_middle_of_a_list(
    aws_faults: AwsFaults, failure: Exception
) -> None:
    """PynamoDB reads the next page only when it is needed."""
    for name in ("a", "b", "c"):
        store_claim(name)
    rows = reads.iterate_table(Claim, page_size=1)
    assert next(rows)
    aws_faults.before(failure, operation="Scan")
    with pytest.raises(Busy) as busy:
        next(rows)
    assert str(busy.value) != OUTCOME_UNKNOWN


@pytest.mark.parametrize("failure", OVERLOADS, ids=lambda failure: type(failure).__name__)
def test_a_write_whose_reply_is_lost_says_that_it_may_have_happened(
    aws_faults: AwsFaults, failure: Exception
) -> None:
    rejected = isinstance(failure, botocore.exceptions.ClientError)
    aws_faults.before(failure, operation="PutItem")
    with pytest.raises(Busy) as busy:
        writes.put(Claim("a", owner="me"))
    assert (str(busy.value) == OUTCOME_UNKNOWN) != rejected


def test_a_batch_is_busy_if_rows_are_left_out_again_and_again(
    aws_faults: AwsFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connection().client
    real = client._make_api_call

    def leave_out(operation: str, parameters: dict[str, object]) -> object:
        if operation == "BatchWriteItem":
            return {"UnprocessedItems": parameters["RequestItems"]}
        return real(operation, parameters)

    monkeypatch.setattr(client, "_make_api_call", leave_out)
    row = store_claim("a")
    with pytest.raises(Busy):
        writes.put_all(Claim, [row])


def test_a_batch_read_is_busy_if_keys_are_left_out_again_and_again(
    aws_faults: AwsFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connection().client
    real = client._make_api_call

    def leave_out(operation: str, parameters: dict[str, object]) -> object:
        if operation == "BatchGetItem":
            return {"Responses": {}, "UnprocessedKeys": parameters["RequestItems"]}
        return real(operation, parameters)

    monkeypatch.setattr(client, "_make_api_call", leave_out)
    with pytest.raises(Busy):
        reads.batch_get(Claim, [Claim("a")])


def test_other_errors_are_not_mistaken_for_overload(aws_faults: AwsFaults) -> None:
    aws_faults.before(error_response("AccessDeniedException"), operation="GetItem")
    with pytest.raises(Exception, match="AccessDenied") as error:
        reads.get(Claim, "a")
    assert not isinstance(error.value, Busy)


def test_the_product_is_there() -> None:
    assert len(OUTSIDE) > 100
    assert PACKAGE / "services" / "purchases" / "settlement.py" in OUTSIDE
