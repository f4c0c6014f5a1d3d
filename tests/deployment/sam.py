"""Process a packaged template as CloudFormation would: run the SAM transform and resolve values."""

import copy
import re
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

REGION = "eu-west-1"
ACCOUNT = "123456789012"

Template = dict[str, Any]


def transform(template: Template) -> Template:
    """Return the template with AWS::Serverless resources expanded into plain resources."""
    parser = Parser()
    packaged = copy.deepcopy(template)
    for function in of_type(packaged, "AWS::Serverless::Function").values():
        function["Properties"]["CodeUri"] = {"Bucket": "bucket", "Key": "deployment.zip"}
    translator = Translator({}, parser)
    result: Template = translator.translate(packaged, {}, feature_toggle=None)
    return result


def of_type(template: Template, kind: str) -> dict[str, Template]:
    """Return the resources of one type, keyed by logical ID."""
    return {n: r for n, r in template["Resources"].items() if r["Type"] == kind}


def resolved(value: Any, template: Template) -> Any:
    """Resolve Ref and Fn::Sub for parameters and pseudo parameters, using parameter defaults."""
    known = {
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT,
        "AWS::StackName": "tenantry",
        **{name: str(p.get("Default", "")) for name, p in template["Parameters"].items()},
    }

    def substitute(text: str) -> str:
        return re.sub(r"\$\{([^}]+)\}", lambda m: known.get(m[1], m[0]), text)

    match value:
        case {"Ref": name} if name in known:
            return known[name]
        case {"Fn::Sub": str(text)}:
            return substitute(text)
        case dict():
            return {k: resolved(v, template) for k, v in value.items()}
        case list():
            return [resolved(v, template) for v in value]
    return value
