"""Invalid deployment parameters are rejected before anything is created."""

import re
from typing import Any

import pytest

from tests.deployment.sam import Template

PARAMETERS = {
    "AlarmEmail": (["", "ops@example.com"], ["ops", "ops @example.com"]),
    "CustomDomain": (
        ["", "licenses.example.com"],
        ["https://licenses.example.com", "licenses.example.com/", "Licenses.example.com"],
    ),
    "CertificateArn": (["", "arn:aws:acm:eu-west-1:123456789012:certificate/a"], ["a"]),
    "HostedZoneId": (["", "Z0123456789ABC"], ["example.com"]),
    "MailFrom": (["", "licenses@example.com"], ["example.com"]),
    "Currency": (["usd", "eur"], ["", "USD", "dollars"]),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_invalid_parameter_is_rejected(transformed: Template, name: str) -> None:
    valid, invalid = PARAMETERS[name]
    parameter = transformed["Parameters"][name]
    assert [v for v in valid if not re.fullmatch(parameter["AllowedPattern"], v)] == []
    assert [v for v in invalid if re.fullmatch(parameter["AllowedPattern"], v)] == []
    assert parameter["ConstraintDescription"]


@pytest.mark.parametrize(
    ("given", "is_valid"),
    [
        ({}, True),
        ({"CustomDomain": "licenses.example.com"}, False),
        ({"CustomDomain": "licenses.example.com", "CertificateArn": "arn:aws:acm:x"}, True),
        ({"MailFrom": "licenses@example.com"}, False),
        ({"MailFrom": "licenses@example.com", "MailIdentity": "example.com"}, True),
    ],
)
def test_parameters_that_require_each_other_must_be_given_together(
    transformed: Template, given: dict[str, str], is_valid: bool
) -> None:
    values = {name: given.get(name, "") for name in transformed["Parameters"]}
    results = [
        evaluate(assertion["Assert"], values)
        for rule in transformed["Rules"].values()
        for assertion in rule["Assertions"]
    ]
    assert all(results) is is_valid


def evaluate(condition: Any, values: dict[str, str]) -> Any:
    """Evaluate a rule's condition with the given parameter values."""
    match condition:
        case {"Ref": name}:
            return values[name]
        case {"Fn::Equals": [one, other]}:
            return evaluate(one, values) == evaluate(other, values)
        case {"Fn::Not": [one]}:
            return not evaluate(one, values)
        case {"Fn::Or": any_of}:
            return any(evaluate(one, values) for one in any_of)
    return condition
