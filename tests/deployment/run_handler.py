"""Run a handler in a separate process, as Lambda would.

The process can import only the unpacked archive and Python's standard library. The last line of
output is the result as JSON.

Arguments: the archive's folder, a handler such as app.app, and an event as JSON. If no event is
given, the handler is only imported.
"""

import importlib
import json
import sys
import traceback
from typing import Any


class Context:
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    function_name = "tenantry-dev-function"
    memory_limit_in_mb = 1769

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def main(folder: str, handler: str, event: str | None = None) -> None:
    sys.dont_write_bytecode = True
    sys.path[:0] = [folder]
    module, _, name = handler.rpartition(".")
    function = getattr(importlib.import_module(module), name)
    result: dict[str, Any] = {"modules": sorted(sys.modules)}
    if event is not None:
        try:
            result["answer"] = function(json.loads(event), Context())
        except Exception:  # noqa: BLE001 - report any error, as Lambda does
            result["error"] = traceback.format_exc()
        result["modules"] = sorted(sys.modules)
    print(json.dumps(result, default=str))


main(*sys.argv[1:])
