"""What a deployment is given: refused before anything is made, where it cannot be right."""

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
def test_a_parameter_that_cannot_be_right_is_refused(transformed: Template, name: str) -> None:
    good, bad = PARAMETERS[name]
    parameter = transformed["Parameters"][name]
    assert [v for v in good if not re.fullmatch(parameter["AllowedPattern"], v)] == []
    assert [v for v in bad if re.fullmatch(parameter["AllowedPattern"], v)] == []
    assert parameter["ConstraintDescription"]


@pytest.mark.parametrize(
    ("given", "is_right"),
    [
        ({}, True),
        ({"CustomDomain": "licenses.example.com"}, False),
        ({"CustomDomain": "licenses.example.com", "CertificateArn": "arn:aws:acm:x"}, True),
        ({"MailFrom": "licenses@example.com"}, False),
        ({"MailFrom": "licenses@example.com", "MailIdentity": "example.com"}, True),
    ],
)
def test_parameters_that_need_each_other_are_given_together(
    transformed: Template, given: dict[str, str], is_right: bool
) -> None:
    values = {name: given.get(name, "") for name in transformed["Parameters"]}
    kept = [
        holds(assertion["Assert"], values)
        for rule in transformed["Rules"].values()
        for assertion in rule["Assertions"]
    ]
    assert all(kept) is is_right


def holds(condition: Any, values: dict[str, str]) -> Any:
    """A rule's condition, with these values of the parameters."""
    match condition:
        case {"Ref": name}:
            return values[name]
        case {"Fn::Equals": [one, other]}:
            return holds(one, values) == holds(other, values)
        case {"Fn::Not": [one]}:
            return not holds(one, values)
        case {"Fn::Or": any_of}:
            return any(holds(one, values) for one in any_of)
    return condition
