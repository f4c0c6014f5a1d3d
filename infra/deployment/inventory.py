"""What is deployed, where it is found, and where the results go."""

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
RESOURCES = ROOT / "infra" / "resources.yaml"
POLICIES = ROOT / ".chalice"

STAGES = ("dev", "staging", "prod")
# As Lambda names them, and as wheels do.
ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}
# The cheaper of the two, and the faster per dollar; .chalice/config.json says the same.
ARCHITECTURE = "arm64"

# Bytecode holds for one version of Python only, so the one that packages is the one that
# runs: what was tested is what is deployed. `make package PYTHON=python3.13` chooses.
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"

API = "api"


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function. name: as people and policies call it; chalice_name: as the
    configuration does; handler: where Lambda finds it; resource: its name in the template.
    schedules: its events' names there."""

    name: str
    handler: str
    chalice_name: str
    resource: str
    schedules: tuple[str, ...] = ()

    @property
    def is_asynchronous(self) -> bool:
        """Whether nobody waits for its answer, so that a failure has to be kept somewhere."""
        return bool(self.schedules)


def functions() -> list[Function]:
    """Every function that app.py registers, by what Chalice will name its resources."""
    from chalice.package import YAMLTemplateSerializer
    from chalice.utils import to_cfn_resource_name

    from app import app

    resources = YAMLTemplateSerializer().load_template(RESOURCES.read_text())["Resources"]

    def schedules(resource: str) -> tuple[str, ...]:
        """Those with an input of their own, which Chalice cannot say."""
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
