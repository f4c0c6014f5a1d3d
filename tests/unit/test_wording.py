"""Every message has words on both surfaces, with exactly the parameters that it is made with."""

import ast
from collections.abc import Iterator

import pytest

from chalicelib.domain.findings import WHY, Code
from chalicelib.domain.messages import MessageCode, Value, say
from chalicelib.domain.wording import WORDS, fields, text_of
from chalicelib.services.reporting.diagnosis import CHECKS, Check
from chalicelib.web.admin_shell.wording import PAGE_WORDS, Wording, ids_in
from tests.support.source_layout import ROOT, sources

RESELLER = "rsl_01JD0000000000000000000000"
AT = "2026-11-24T18:00:18.196Z"
EXAMPLES: dict[str, tuple[Value, str, str]] = {
    # How a parameter is shown: an example, its words in the API, and on a page without names.
    "": ("Kite & Co", "Kite & Co", "Kite & Co"),
    ",": (1_200, "1,200", "1,200"),
    "d": (7, "7", "7"),
    "+d": (12, "+12", "+12"),
    "id": (RESELLER, RESELLER, RESELLER),
    "time": (AT, AT, "24 Nov 2026, 18:00 UTC"),
    "money": (7_500, "7500 cents", "$75.00"),
    "licenses": (1, "1 license", "1 license"),
    ",licenses": (1_200, "1,200 licenses", "1,200 licenses"),
    "tenants_hold": (2, "2 tenants hold", "2 tenants hold"),
    "user": ("", "a user that does not exist", "a user that does not exist"),
    "list": (["cs_1", "cs_2"], "cs_1, cs_2", "cs_1, cs_2"),
    "texts": (
        say(MessageCode.SESSION_PAID, amount=100) + say(MessageCode.LAST_EVENT, at=AT),
        f"100 cents were paid.; The last one arrived at {AT}.",
        "$1.00 were paid.; The last one arrived at 24 Nov 2026, 18:00 UTC.",
    ),
}


def kinds() -> set[str]:
    templates = [*WORDS.values(), *PAGE_WORDS.values()]
    return {kind for template in templates for kind in fields(template).values()}


def test_every_code_has_words_on_both_surfaces() -> None:
    assert set(WORDS) == set(PAGE_WORDS) == set(MessageCode)
    for code, template in WORDS.items():
        assert template, code
        assert fields(PAGE_WORDS[code]).keys() <= fields(template).keys(), code


def test_every_way_to_show_a_parameter_has_an_example() -> None:
    assert set(EXAMPLES) == kinds()


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_parameter_is_shown_in_the_surfaces_own_way(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, in_api, on_page = EXAMPLES[kind]
    template = f"<{{value:{kind}}}>"
    monkeypatch.setitem(WORDS, MessageCode.IGNORED, template)
    monkeypatch.setitem(PAGE_WORDS, MessageCode.IGNORED, template)
    sentence = say(MessageCode.IGNORED, value=value)
    assert text_of(sentence) == f"<{in_api}>"
    assert Wording().plain(sentence) == f"<{on_page}>"


@pytest.mark.parametrize("code", MessageCode)
def test_every_message_can_be_shown(code: MessageCode) -> None:
    shown_as = fields(WORDS[code]) | fields(PAGE_WORDS[code])
    sentence = say(code, **{name: EXAMPLES[kind][0] for name, kind in shown_as.items()})
    words, on_page = text_of(sentence), Wording().plain(sentence)
    linked = str(Wording().linked(sentence))
    for shown in (words, on_page, linked):
        assert shown, code
        assert "{" not in shown, code
    assert " & " not in linked, "parameters are escaped"
    assert "cents" not in on_page
    assert AT not in on_page
    assert ids_in(sentence) == [RESELLER] * words.count(RESELLER)


def test_a_page_replaces_column_names() -> None:
    for code, template in PAGE_WORDS.items():
        for column in ("license_used", "license_count", "holds_license", "`to`"):
            assert column not in template, code


def test_every_finding_and_every_check_has_its_own_sentences() -> None:
    assert set(WHY) == set(Code)
    for check in CHECKS:
        failed = Check(check, passed=False, evidence=())
        assert text_of(failed.question)
        assert failed.next_step is not None
        assert text_of(failed.next_step)
        assert Check(check, passed=True, evidence=()).next_step is None


class Said:
    """A call of `say`: the codes that it can have, and the names of its parameters."""

    def __init__(self, place: str, call: ast.Call) -> None:
        self.place = place
        self.codes = codes_of(call.args[0])
        self.names = {keyword.arg for keyword in call.keywords}


def codes_of(code: ast.expr) -> set[str]:
    """Return the codes that an expression can have: `MessageCode.X`, or `MessageCode[f"X_{…}"]`."""
    match code:
        case ast.Attribute(value=ast.Name(id="MessageCode"), attr=name):
            return {MessageCode[name]}
        case ast.Subscript(
            value=ast.Name(id="MessageCode"),
            slice=ast.JoinedStr(values=[ast.Constant(value=str(prefix)), *_]),
        ):
            return {
                member
                for name, member in MessageCode.__members__.items()
                if name.startswith(prefix)
            }
    raise AssertionError(f"Say which code: {ast.unparse(code)}")


def calls_of_say() -> Iterator[Said]:
    for source in sources():
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "say":
                yield Said(f"{source.relative_to(ROOT)}:{node.lineno}", node)


def test_each_message_is_made_with_the_parameters_of_its_words() -> None:
    said = list(calls_of_say())
    for call in said:
        for code in call.codes:
            assert call.names == fields(WORDS[code]).keys(), call.place
    assert {code for call in said for code in call.codes} == set(MessageCode), "no words are unused"
