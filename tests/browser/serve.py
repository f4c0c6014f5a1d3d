"""`make run` with the town's people in it, until its standard input ends."""

import json
import logging
import os
import sys

from chalicelib.observability import logger
from infra.local.service import local_service
from tests.browser.demo_accounts import settle_town


def main() -> None:
    os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"
    logger.setLevel(logging.ERROR)
    with local_service(0) as service:
        print(json.dumps({"url": service.url, "known": settle_town(service.url)}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
