"""Settings from the environment, and the runbook's tables of settings."""

import re
from pathlib import Path

import pytest
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from chalicelib import observability, settings
from chalicelib.errors import Busy
from chalicelib.settings import ConfigurationError, SettingValue, from_environment
from infra.deployment.inventory import ROOT
from infra.deployment.template import read_resources
from tests.support.aws_faults import error_response, lost_reply

REQUIRED = {
    "STAGE": "dev",
    "TABLE_PREFIX": "tenantry-dev",
    "PUBLIC_URL": "https://licenses.example.com/",
    "STRIPE_SECRET_KEY_PARAMETER": "/tenantry/dev/stripe-secret-key",
    "STRIPE_WEBHOOK_SECRET": "whsec_new,whsec_old",
}


def test_the_required_variables_are_enough() -> None:
    parsed = from_environment(REQUIRED)
    assert parsed.public_url == "https://licenses.example.com"
    assert parsed.stripe_webhook_secrets == ("whsec_new", "whsec_old")
    assert (parsed.currency, parsed.mail_from, parsed.promotion_codes) == ("usd", None, False)


@pytest.mark.parametrize("value", ["", "  ", None], ids=["empty", "blank", "absent"])
@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    environment = {key: required for key, required in REQUIRED.items() if key != name}
    if value is not None:
        environment[name] = value
    with pytest.raises(ConfigurationError, match=name.removesuffix("_PARAMETER")):
        from_environment(environment)


@pytest.mark.parametrize(("text", "on"), [("on", True), ("ON", True), ("1", True), ("off", False)])
def test_promotion_codes_setting(text: str, *, on: bool) -> None:
    assert from_environment({**REQUIRED, "STRIPE_PROMOTION_CODES": text}).promotion_codes is on


@pytest.mark.parametrize("code", ["jpy", "KWD", "dollars", "u$d"])
def test_a_currency_without_hundredths_is_refused(code: str) -> None:
    """Prices are in hundredths, so a price in yen would be charged a hundredfold."""
    with pytest.raises(ConfigurationError, match="CURRENCY"):
        from_environment({**REQUIRED, "CURRENCY": code})
    assert from_environment({**REQUIRED, "CURRENCY": "EUR"}).currency == "eur"


def test_platform_hosts_are_split_and_lowercased() -> None:
    parsed = from_environment({**REQUIRED, "PLATFORM_HOSTS": "Example.com, example.org"})
    assert parsed.platform_hosts == ("example.com", "example.org")


def variables_read() -> set[str]:
    """Return every environment variable that the code reads."""
    found = set()
    for module in (settings, observability):
        source = Path(str(module.__file__)).read_text()
        found |= set(
            re.findall(r"\b(?:optional|required|value_or_parameter|get)\(\s*\"([A-Z_]+)\"", source)
        )
    return found


def rows(heading: str) -> dict[str, str]:
    """Return a table from the runbook, mapping the code in each row's first cell to the rest."""
    text = (ROOT / "docs" / "runbook.md").read_text()
    _, _, section = text.partition(f"\n## {heading}\n")
    section, _, _ = section.partition("\n## ")
    return dict(re.findall(r"^\| `(\w+)`[^|]*\|(.*)$", section, re.MULTILINE))


def test_the_runbook_lists_exactly_the_variables_read() -> None:
    assert variables_read()
    assert set(rows("Settings")) == variables_read()


def test_the_runbook_lists_every_stack_parameter() -> None:
    parameters = set(read_resources()["Parameters"]) - {"Stage"}
    described = set(rows("Parameters of a deployment"))
    assert described == parameters


def test_the_runbook_names_the_parameter_behind_each_variable() -> None:
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


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (error_response("ThrottlingException", operation="GetParameter"), Busy),
        (lost_reply(), Busy),
        (error_response("ParameterNotFound", operation="GetParameter"), ConfigurationError),
        (error_response("AccessDeniedException", operation="GetParameter"), ConfigurationError),
    ],
    ids=str,
)
def test_an_overloaded_parameter_store_is_busy_and_not_misconfigured(
    monkeypatch: pytest.MonkeyPatch, cause: Exception, expected: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise GetParameterError(str(cause)) from cause

    monkeypatch.setattr(parameters, "get_parameter", fail)
    value = SettingValue("PUBLIC_URL", parameter="/tenantry/dev/public-url")
    with pytest.raises(expected):
        value.read()
