"""Run the service locally with the demo accounts, until standard input is closed."""

import json
import logging
import os
import sys

from chalicelib.observability import logger
from infra.local.service import local_service
from tests.browser.demo_accounts import create_demo_accounts


def main() -> None:
    os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"
    logger.setLevel(logging.ERROR)
    with local_service(0) as service:
        print(
            json.dumps({"url": service.url, "ids": create_demo_accounts(service.url)}), flush=True
        )
        sys.stdin.read()


if __name__ == "__main__":
    main()
