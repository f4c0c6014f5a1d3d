"""`make admin EMAIL=… STAGE=…`: invoke the function that creates the first super admin."""

import json
import sys
from typing import Any

import boto3


def main(arguments: list[str]) -> int:
    if len(arguments) not in (2, 3) or "@" not in arguments[0]:
        print("Usage: make admin EMAIL=you@example.com STAGE=prod [NAME='Your Name']")
        return 2
    email, stage, *name = arguments
    answer = invoke(stage, {"email": email, "name": name[0] if name else ""})
    if "set_your_password_at" not in answer:
        print(answer.get("error") or answer.get("errorMessage") or answer, file=sys.stderr)
        return 1
    print(f"{email} is now a super admin of {stage}. Set a password within a day:")
    print(answer["set_your_password_at"])
    return 0


def invoke(stage: str, event: dict[str, str]) -> dict[str, Any]:
    """Invoke the stage's function with the operator's AWS credentials."""
    reply = boto3.client("lambda").invoke(
        FunctionName=f"tenantry-{stage}-create-first-admin", Payload=json.dumps(event).encode()
    )
    answer: dict[str, Any] = json.loads(reply["Payload"].read())
    return answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
