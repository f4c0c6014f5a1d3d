"""Rules for all of the product's code, checked in the source."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.actors import Actor
from chalicelib.domain.ledger import Kind
from chalicelib.storage import pool
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction
from tests.support.source_layout import PACKAGE, ROOT, imports, sources

COUNTERS = {"license_count", "license_used"}
RUNS_TEXT = {"eval", "exec", "compile", "__import__", "system", "popen"}
UNSAFE_MODULES = {
    "importlib",
    "subprocess",
    "pickle",
    "marshal",
    "shelve",
    "ctypes",
    "xml",
    "lxml",
    "yaml",
}

EVERY_SOURCE = pytest.mark.parametrize(
    "source", sources(), ids=lambda source: str(source.relative_to(ROOT))
)


def calls_in(source: Path) -> list[ast.Call]:
    tree = ast.parse(source.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@EVERY_SOURCE
def test_no_code_runs_commands_or_evaluates_text(source: Path) -> None:
    """Nor does the code use data formats that can do more than hold values."""
    assert not UNSAFE_MODULES & {module.split(".")[0] for module in imports(source)}
    functions = [call.func for call in calls_in(source)]
    called = {function.id for function in functions if isinstance(function, ast.Name)}
    called |= {
        function.attr
        for function in functions
        if isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "os"
    }
    assert not RUNS_TEXT & called


def test_the_page_script_writes_only_text_and_stores_nothing() -> None:
    script = (PACKAGE / "web" / "static" / "app.js").read_text()
    for word in (
        *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "srcdoc"),
        *("eval(", "Function(", "javascript:"),
        *("localStorage", "sessionStorage", "indexedDB", "document.cookie", "caches."),
    ):
        assert word not in script


def test_templates_never_turn_off_escaping() -> None:
    for template in (PACKAGE / "web" / "templates").rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|<script(?! src=)", text)


def test_every_dependency_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        named = [line for line in lines if line and not line.startswith((" ", "#", "-"))]
        assert named
        assert [line for line in named if "==" not in line] == []


def test_only_the_pool_writes_the_counters() -> None:
    """Other ways to write the counters are refused at run time, as the tests below check."""
    pool_module = PACKAGE / "storage" / "pool.py"
    transactions = PACKAGE / "storage" / "transactions.py"
    for source in sources():
        if source == pool_module:
            continue
        for node in ast.walk(ast.parse(source.read_text())):
            # Every way to assign, in a tuple or with an annotation too.
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
                assert node.attr not in COUNTERS, source
            if isinstance(node, ast.Constant):
                assert node.value != "by_pool" or source == transactions, source
        if source != transactions:
            keywords = {keyword.arg for call in calls_in(source) for keyword in call.keywords}
            assert "by_pool" not in keywords, source


@pytest.mark.parametrize("column", sorted(COUNTERS))
def test_a_transaction_refuses_a_counter_from_any_other_module(column: str) -> None:
    """The counter is refused as a keyword, as a dictionary key, and in an update action."""
    reseller = Reseller("rsl_1", version=1, license_count=5, license_used=2)
    columns: dict[str, Any] = {"slug": "acme", column: 3}
    with pytest.raises(ValueError, match=column):
        Transaction().change(reseller, columns)
    attribute = getattr(Reseller, column)
    for action in (attribute.add(1), attribute.set(3), attribute.remove()):
        with pytest.raises(ValueError, match=column):
            Transaction().update(
                reseller, [action], condition=Reseller.id.exists(), otherwise=ValueError()
            )
    assert (reseller.license_count, reseller.license_used) == (5, 2)


def test_the_pool_refuses_a_counter_among_the_columns_that_ride_along() -> None:
    reseller = Reseller("rsl_1", version=1, license_count=5, license_used=2)
    move = pool.Move(Kind.ALLOCATION, Actor("usr_1"))
    with pytest.raises(ValueError, match="license_used"):
        pool.set_count(Transaction(), reseller, 6, move, {"license_used": 0})
    extra = [Reseller.license_used.set(0)]
    with pytest.raises(ValueError, match="license_used"):
        pool.grant(Transaction(), "rsl_1", 1, move, extra_actions=extra)


def test_a_transaction_refuses_a_whole_reseller_row_from_any_other_module() -> None:
    reseller = Reseller("rsl_1", version=1, license_count=5, license_used=2)
    with pytest.raises(ValueError, match="resellers"):
        Transaction().create(reseller, otherwise=ValueError())
    with pytest.raises(ValueError, match="resellers"):
        Transaction().put(reseller, condition=Reseller.id.exists(), otherwise=ValueError())


def test_app_py_defines_no_functions_or_classes() -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    tree = ast.parse((ROOT / "app.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, kinds)]


@EVERY_SOURCE
def test_files_have_at_most_300_lines(source: Path) -> None:
    assert len(source.read_text().splitlines()) <= 300


@EVERY_SOURCE
def test_no_class_answers_for_attributes_that_it_does_not_declare(source: Path) -> None:
    """A type checker can't follow `__getattr__`, or a str that carries more than its text."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.FunctionDef):
            assert node.name not in {"__getattr__", "__getattribute__", "__new__"}, source
        if isinstance(node, ast.ClassDef):
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
            assert not bases & {"str", "int", "dict", "list", "tuple"}, source


MAX_ANY_LINES = 40
QUOTED_ANY = r"(\S+\[(.+, )?)?Any\]*"


def lines_with_any(source: Path) -> list[str]:
    """Return the lines that use `Any`, in quoted annotations too, except imports."""
    text = source.read_text()
    lines = text.splitlines()
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and node.id == "Any":
            found.add(node.lineno)
        if isinstance(node, ast.Constant) and re.fullmatch(QUOTED_ANY, str(node.value)):
            found.add(node.lineno)
    return [lines[number - 1].strip() for number in sorted(found)]


@EVERY_SOURCE
def test_any_is_used_only_with_a_reason(source: Path) -> None:
    """The reason is on the same line: `# Any: JSON of any shape`."""
    assert [line for line in lines_with_any(source) if "  # Any: " not in line] == []


def test_any_stays_rare() -> None:
    assert sum(len(lines_with_any(source)) for source in sources()) <= MAX_ANY_LINES
