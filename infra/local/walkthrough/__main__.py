"""`make walkthrough`: exits 1 at the first thing that differs from the guide."""

import os
import sys

import requests

from infra.local.walkthrough import guide, payments, repairs
from infra.local.walkthrough.client import Differs, Service


def main(base_url: str) -> int:
    try:
        service = Service(
            base_url.rstrip("/"),
            admin_email=os.environ.get("ADMIN_EMAIL", "admin@example.com"),
            admin_password=os.environ.get("ADMIN_PASSWORD", "tenantry-demo"),
        )
        reseller = guide.walk(service)
        payments.walk(service, reseller)
        repairs.walk(service, reseller)
    except Differs as difference:
        print(f"\n  This differs: {difference}", file=sys.stderr)
        return 1
    except requests.ConnectionError:
        print(f"Nothing answers at {base_url}. Is `make run` running?", file=sys.stderr)
        return 1
    print(f"\n  Everything as the guide says: {service.steps} steps.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"))
