"""The paths, stages, and functions that deployments use."""

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
RESOURCES = ROOT / "infra" / "resources.yaml"
POLICIES = ROOT / ".chalice"

STAGES = ("dev", "staging", "prod")
# Lambda's name for each architecture, and the name that wheels use.
ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}
# arm64 is cheaper than x86_64 and faster per dollar. .chalice/config.json must name it too.
ARCHITECTURE = "arm64"

# Bytecode works with only one version of Python, so Lambda runs the version that packages and
# tests the code. To choose another, use `make package PYTHON=python3.13`.
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"

API = "api"


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function.

    Attributes:
        name: The name that people and policy files use.
        handler: The dotted path that Lambda calls.
        chalice_name: The name in .chalice/config.json.
        resource: The logical ID in the template.
        schedules: The logical names of its scheduled events in the template.
    """

    name: str
    handler: str
    chalice_name: str
    resource: str
    schedules: tuple[str, ...] = ()

    @property
    def is_asynchronous(self) -> bool:
        """Whether no caller waits for the result, so failed events need a queue."""
        return bool(self.schedules)


def functions() -> list[Function]:
    """Return every function that app.py registers, with the logical ID that Chalice gives it."""
    from chalice.package import YAMLTemplateSerializer
    from chalice.utils import to_cfn_resource_name

    from app import app

    resources = YAMLTemplateSerializer().load_template(RESOURCES.read_text())["Resources"]

    def schedules(resource: str) -> tuple[str, ...]:
        """Return the scheduled events in resources.yaml, whose input Chalice can't express."""
        return tuple(resources.get(resource, {}).get("Properties", {}).get("Events", {}))

    return [
        Function(API, "app.app", "api_handler", "APIHandler"),
        *(
            Function(pure.name, pure.handler_string, pure.name, resource, schedules(resource))
            for pure in app.pure_lambda_functions
            for resource in (to_cfn_resource_name(pure.name),)
        ),
        *(
            Function(
                source.name,
                source.handler_string,
                source.name,
                to_cfn_resource_name(source.name),
                (to_cfn_resource_name(f"{source.name}-event"),),
            )
            for source in app.event_sources
        ),
    ]
