"""The environment: what is missing is named, and what there is is in the runbook."""

import re
from pathlib import Path

import pytest

from chalicelib import observability, settings
from chalicelib.settings import ConfigurationError, from_environment
from infra.deployment.inventory import ROOT
from infra.deployment.template import read_resources

WHOLE = {
    "STAGE": "dev",
    "TABLE_PREFIX": "tenantry-dev",
    "PUBLIC_URL": "https://licenses.example.com/",
    "STRIPE_SECRET_KEY_PARAMETER": "/tenantry/dev/stripe-secret-key",
    "STRIPE_WEBHOOK_SECRET": "whsec_new,whsec_old",
}


def test_what_has_to_be_there_is_enough() -> None:
    made = from_environment(WHOLE)
    assert made.public_url == "https://licenses.example.com"
    assert made.stripe_webhook_secrets == ("whsec_new", "whsec_old")
    assert (made.currency, made.mail_from, made.promotion_codes) == ("usd", None, False)


@pytest.mark.parametrize("value", ["", "  ", None], ids=["empty", "blank", "absent"])
@pytest.mark.parametrize("name", WHOLE)
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    environment = {key: was for key, was in WHOLE.items() if key != name}
    if value is not None:
        environment[name] = value
    with pytest.raises(ConfigurationError, match=name.removesuffix("_PARAMETER")):
        from_environment(environment)


@pytest.mark.parametrize(("text", "on"), [("on", True), ("ON", True), ("1", True), ("off", False)])
def test_promotion_codes(text: str, *, on: bool) -> None:
    assert from_environment({**WHOLE, "STRIPE_PROMOTION_CODES": text}).promotion_codes is on


@pytest.mark.parametrize("code", ["jpy", "KWD", "dollars", "u$d"])
def test_a_currency_without_hundredths_is_refused(code: str) -> None:
    """Prices are cents: yen would be charged a hundredfold."""
    with pytest.raises(ConfigurationError, match="CURRENCY"):
        from_environment({**WHOLE, "CURRENCY": code})
    assert from_environment({**WHOLE, "CURRENCY": "EUR"}).currency == "eur"


def test_domains_of_the_platform() -> None:
    made = from_environment({**WHOLE, "PLATFORM_HOSTS": "Example.com, example.org"})
    assert made.platform_hosts == ("example.com", "example.org")


def read() -> set[str]:
    """Every variable that the code reads."""
    found = set()
    for module in (settings, observability):
        source = Path(str(module.__file__)).read_text()
        found |= set(re.findall(r"\b(?:optional|required|either|get)\(\s*\"([A-Z_]+)\"", source))
    return found


def rows(heading: str) -> dict[str, str]:
    """A table of the runbook: the rest of each row by what its first cell has in code."""
    text = (ROOT / "docs" / "runbook.md").read_text()
    _, _, section = text.partition(f"\n## {heading}\n")
    section, _, _ = section.partition("\n## ")
    return dict(re.findall(r"^\| `(\w+)`[^|]*\|(.*)$", section, re.MULTILINE))


def test_the_runbook_has_every_variable_and_no_other() -> None:
    assert read()
    assert set(rows("Settings")) == read()


def test_the_runbook_has_every_parameter_of_the_stack() -> None:
    parameters = set(read_resources()["Parameters"]) - {"Stage"}
    described = set(rows("Parameters of a deployment"))
    assert described == parameters


def test_the_runbook_says_which_parameter_sets_a_variable() -> None:
    resources = read_resources()
    variables = resources["Globals"]["Function"]["Environment"]["Variables"]
    for name, cells in rows("Settings").items():
        value = variables.get(name, variables.get(f"{name}_PARAMETER"))
        match value:
            case {"Ref": parameter} if parameter != "Stage":
                assert f"`{parameter}`" in cells, name
            case {"Fn::Sub": text} if text.startswith("/tenantry/"):
                assert f"`{text.replace('${Stage}', '<stage>')}`" in cells, name
            case None:
                assert "not on AWS" in cells, name
