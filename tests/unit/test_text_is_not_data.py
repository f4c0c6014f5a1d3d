"""No code decides on, compares, or takes apart a text that is written for people.

Such code breaks as soon as someone improves the text. Decide on codes, and show parameters instead:
see domain/messages.py.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from chalicelib.web.shell.rendering import environment
from tests.support.source_layout import PACKAGE, ROOT, imports, sources
from tests.support.text_uses import TEXTS, text_uses

EVERY_SOURCE = pytest.mark.parametrize(
    "source", sources(), ids=lambda source: str(source.relative_to(ROOT))
)
FOLDER = PACKAGE / "web" / "templates"
TEMPLATES = sorted([*FOLDER.rglob("*.html"), *FOLDER.rglob("*.txt")])
# The modules that use regular expressions, and the input that each one parses with them.
PATTERNS = {
    "domain/colors.py": "colors in branding",
    "domain/names.py": "slugs",
    "domain/safe_urls.py": "URLs and email addresses in branding",
    "http/requests.py": "IDs and request headers",
    "payments/webhooks.py": "the signature header of an event",
    "web/identity/own_account.py": "the User-Agent header",
    "web/shell/form_fields.py": "prices as typed",
    "web/shell/rendering.py": "the source of templates",
    "web/shell/routing.py": "the paths of declared pages",
}
# Where words are compared all the same, and why.
COMPARED = {
    "storage/messages.py": "which of two stored forms of a text was written last",
}
# What templates replace, and in what. None of it is a sentence.
REPLACEMENTS = {
    ("_", " "): "a code",
    (".0", ""): "a number",
    ("/branding", ""): "a path",
}
OWN_FILTERS = {"money", "day", "date", "datetime", "plural"}
# The templates that split a string, and what it is.
SPLIT = {
    "components/ledger.html": "an email address, so that a line can end after its name",
    "docs/kind.html": "the API reference, in which backticks mark code",
}


@EVERY_SOURCE
def test_no_code_uses_a_text_as_data(source: Path) -> None:
    name = str(source.relative_to(PACKAGE)) if source.is_relative_to(PACKAGE) else source.name
    found = [
        f"{name}:{use.lineno}: {ast.unparse(use).splitlines()[0]}"
        for use in text_uses(ast.parse(source.read_text()))
    ]
    assert bool(found) == (name in COMPARED), found


def test_regular_expressions_parse_only_input() -> None:
    users = {str(s.relative_to(PACKAGE)) for s in sources() if "re" in set(imports(s))}
    assert users == set(PATTERNS)


def parsed_templates() -> Iterator[tuple[str, nodes.Template]]:
    parser = Environment(autoescape=True)
    for path in TEMPLATES:
        yield str(path.relative_to(FOLDER)), parser.parse(path.read_text())


def is_text(expression: nodes.Node) -> bool:
    """Return whether a template's expression is or contains a text for people."""
    named = [*expression.find_all((nodes.Getattr, nodes.Getitem)), expression]
    return any(
        (isinstance(node, nodes.Getattr) and node.attr in TEXTS)
        or (
            isinstance(node, nodes.Getitem)
            and isinstance(node.arg, nodes.Const)
            and node.arg.value in TEXTS
        )
        for node in named
    )


def template_uses(template: nodes.Template) -> Iterator[str]:
    for compared in template.find_all(nodes.Compare):
        if is_text(compared):
            yield f"{compared.lineno}: compared"
    for tested in template.find_all(nodes.Test):
        if is_text(tested.node) and tested.name not in ("defined", "none"):
            yield f"{tested.lineno}: {tested.name}"
    for used in template.find_all(nodes.Filter):
        arguments = tuple(a.value for a in used.args if isinstance(a, nodes.Const))
        if used.name == "replace" and arguments not in REPLACEMENTS:
            yield f"{used.lineno}: replace{arguments}"
        if used.name in ("replace", "list", "first", "last") and used.node and is_text(used.node):
            yield f"{used.lineno}: {used.name}"
    for called in template.find_all(nodes.Call):
        if isinstance(called.node, nodes.Getattr) and called.node.attr in (
            *("split", "startswith", "endswith", "replace", "find", "partition", "index"),
        ):
            yield f"{called.lineno}: .{called.node.attr}()"


def test_no_template_uses_a_text_as_data() -> None:
    found = {name: list(template_uses(template)) for name, template in parsed_templates()}
    assert {name: uses for name, uses in found.items() if uses}.keys() == SPLIT.keys(), found


def test_no_filter_takes_a_sentence_apart() -> None:
    """Our filters format values. A sentence is formatted from its parameters instead."""
    own = environment().filters.keys() - Environment(autoescape=True).filters.keys()
    assert own == OWN_FILTERS


USES = [
    'if "cents" in error.message: pass',
    "if row.what == other: pass",
    'finding.actions["adopt"] and row.outcome.startswith("license_used")',
    'text = row.why\nif text.split(".")[0]: pass',
    "def f(error: InvalidRequest):\n    reason = f'{error.message}!'\n    return LABELS[reason]",
    "try:\n    pass\nexcept ValueError as error:\n    if 'date' in str(error): pass",
    "def f(refused: ProviderError):\n    return re.sub('x', 'y', str(refused))",
    'item["msg"].removeprefix("Value error, ")',
    "if text_of(finding.what) != purchase.status_reason: pass",
    "match refused.errors[0].message:\n    case 'x': pass",
    "any(word in note for note in (a.note, b.note))",
    "PATTERN.fullmatch(wording.plain(sentences))",
    'LABELS.get(problem["detail"])',
    'if "`to`" in row.actions.get(Action.ADOPT, ""): pass',
    'if "`to`" in finding.actions[Action.ADOPT]: pass',
    "def f(message: str):\n    return PATTERN.fullmatch(message)",
]
FINE = [
    "if row.status_reason is None or not row.what: pass",
    "InvalidRequest.of(field, str(error))",
    "reason = f'{type(error).__name__}: {error}'[:500]",
    "if finding.code == Code.USED_MISMATCH: pass",
    "if purchase.reasons != stored.reasons: pass",
    'row.id.startswith("tnt_")',
    "if action not in row.actions: pass",
]


@pytest.mark.parametrize("code", USES)
def test_the_rule_finds_every_way_to_use_a_text(code: str) -> None:
    assert list(text_uses(ast.parse(code)))


@pytest.mark.parametrize("code", FINE)
def test_the_rule_allows_showing_a_text_and_deciding_on_codes(code: str) -> None:
    assert not list(text_uses(ast.parse(code)))


@pytest.mark.parametrize(
    "source",
    [
        '{% if "cents" in row.message %}x{% endif %}',
        '{{ p.status_reason|replace("cents", "$") }}',
        '{{ p.status_reason|replace("_", " ") }}',
        '{{ "x" if check.detail is equalto("y") }}',
        '{{ x.what.split(".")[0] }}',
    ],
)
def test_the_rule_finds_every_way_to_use_a_text_in_a_template(source: str) -> None:
    assert list(template_uses(Environment(autoescape=True).parse(source)))


def test_the_allowed_places_exist() -> None:
    assert all((PACKAGE / name).is_file() for name in (*PATTERNS, *COMPARED))
    used = "".join(path.read_text() for path in TEMPLATES)
    for old, new in REPLACEMENTS:
        assert re.search(re.escape(f'replace("{old}", "{new}")'), used)
