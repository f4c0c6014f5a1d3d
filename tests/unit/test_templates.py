"""Templates render only what they are given, and have no macros or parameters that nobody uses."""

import ast
import re

import pytest
from jinja2 import StrictUndefined, nodes

from tests.support import templates
from tests.support.source_layout import PACKAGE, ROOT

EVERY_TEMPLATE = pytest.mark.parametrize("name", templates.names())
EVERY_MACRO = pytest.mark.parametrize("macro", templates.macros(), ids="-".join)


def test_every_jinja_environment_refuses_undefined_values() -> None:
    made = 0
    for source in [*PACKAGE.rglob("*.py"), *(ROOT / "infra").rglob("*.py")]:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Environment"):
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert given.get("undefined") == StrictUndefined.__name__, source
                made += 1
    assert made == len(templates.environments())
    assert {environment.undefined for environment in templates.environments()} == {StrictUndefined}


@EVERY_TEMPLATE
def test_no_template_asks_whether_a_variable_exists(name: str) -> None:
    """Every page passes every variable, so a variable without a value is None or empty.

    An inline `if` without `else` is undefined if its condition is false.
    """
    tree = templates.tree(name)
    asked = [test.name for test in tree.find_all(nodes.Test)]
    assert not {"defined", "undefined"} & set(asked)
    assert "default" not in {used.name for used in tree.find_all(nodes.Filter)}
    assert [c.lineno for c in tree.find_all(nodes.CondExpr) if c.expr2 is None] == []


FORMS = "components/forms.html"
LIMIT = re.compile(
    r"""\b(?:minlength|maxlength|pattern|required)["']?\s*[=:]|["' ](?:min|max)["']?[=:]"""
)
CONTROL = re.compile(r"<(?:input|select|textarea)\b[^>]*?\bname=[^>]*>")


@pytest.mark.parametrize("name", sorted({*templates.names()} - {FORMS}))
def test_no_template_states_a_limit_or_has_a_control_of_its_own(name: str) -> None:
    """Limits come from the API's models, through the macros in components/forms.html.

    Other templates have only hidden fields, and `ui` has the controls that filter lists.
    """
    text = re.sub(r"{#.*?#}", "", (templates.FOLDER / name).read_text("utf-8"), flags=re.DOTALL)
    assert LIMIT.findall(text) == []
    assert re.findall(r'<option(?! value="{{)', text) == []
    if name != "components/ui.html":
        assert [tag for tag in CONTROL.findall(text) if 'type="hidden"' not in tag] == []


@EVERY_MACRO
def test_every_macro_and_parameter_is_used(macro: templates.Macro) -> None:
    """A parameter with a default is sometimes passed and sometimes not."""
    defined = templates.macros()[macro]
    calls = [found for found in templates.calls() if found.macro == macro]
    assert calls, "Nobody calls this macro."
    optional = templates.defaults(defined)
    for parameter in (argument.name for argument in defined.args):
        passed = {_passes(found, defined, parameter) for found in calls}
        assert passed == ({True, False} if parameter in optional else {True}), parameter


def _passes(found: templates.MacroCall, macro: nodes.Macro, parameter: str) -> bool:
    if parameter == "caller":
        return found.has_block
    return templates.argument(macro, found.call, parameter) is not None


@EVERY_MACRO
def test_a_macro_uses_each_of_its_parameters(macro: templates.Macro) -> None:
    defined = templates.macros()[macro]
    read = {name.name for name in defined.find_all(nodes.Name) if name.ctx == "load"}
    assert {argument.name for argument in defined.args} <= read
