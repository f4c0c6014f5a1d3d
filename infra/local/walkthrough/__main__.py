"""`make walkthrough`: exit with 1 at the first result that differs from the guide."""

import os
import sys

import requests

from infra.local.walkthrough import guide, payments, repairs
from infra.local.walkthrough.client import Client, Mismatch


def main(base_url: str) -> int:
    try:
        client = Client(
            base_url.rstrip("/"),
            admin_email=os.environ.get("ADMIN_EMAIL", "admin@example.com"),
            admin_password=os.environ.get("ADMIN_PASSWORD", "tenantry-demo"),
        )
        reseller = guide.run(client)
        payments.run(client, reseller)
        repairs.run(client, reseller)
    except Mismatch as mismatch:
        print(f"\n  Failed: {mismatch}", file=sys.stderr)
        return 1
    except requests.ConnectionError:
        print(f"Could not connect to {base_url}. Is `make run` running?", file=sys.stderr)
        return 1
    print(f"\n  All {client.checks_passed} checks passed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"))
