"""`make destroy STAGE=…`: delete a stack and its tables.

Refuses prod, whose tables are retained and protected. Deleting them should take more than one
command.
"""

import argparse
import sys

import boto3

from infra.confirm import confirmed
from infra.deployment.inventory import STAGES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    return destroy(parser.parse_args().stage)


def destroy(stage: str) -> int:
    if stage == "prod":
        print("This command doesn't delete prod. See docs/runbook.md.", file=sys.stderr)
        return 1
    stack = f"tenantry-{stage}"
    if not confirmed(stage, f"Delete {stack} with all its data? Type the stage to confirm: "):
        print("Nothing was deleted.", file=sys.stderr)
        return 1
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack)
    print(f"{stack} was deleted.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
