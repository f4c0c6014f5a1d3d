"""An HTTP client that checks the service's responses and prints the results."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import requests

TIMEOUT_SECONDS = 30
# A webhook arrives shortly after the payment. This is the maximum time to wait for its effect.
POLL_TIMEOUT_SECONDS = 20.0


class Mismatch(Exception):
    """The service behaved differently from what the guide describes."""


class Client:
    """A client of a running Tenantry and its Stripe simulator, signed in as an admin."""

    def __init__(self, base_url: str, *, admin_email: str, admin_password: str) -> None:
        self.base_url = base_url
        self.checks_passed = 0
        # Makes names unique to this run, since the walkthrough can run against the same service
        # twice.
        self.run_id = uuid.uuid4().hex[:8]
        self.admin_token = self.sign_in(admin_email, admin_password)

    def sign_in(self, email: str, password: str) -> str:
        login = {"email": email, "password": password}
        token: str = self.call(None, "POST", "/v1/login", login, 200)["token"]
        return token

    def call(
        self, token: str | None, method: str, path: str, body: Any = None, expected: int = 200
    ) -> Any:
        """Return the response's JSON. Raises Mismatch if the status is not `expected`."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        response = requests.request(
            method, self.base_url + path, json=body, headers=headers, timeout=TIMEOUT_SECONDS
        )
        if response.status_code != expected:
            raise Mismatch(
                f"{method} {path} returned {response.status_code} instead of {expected}: "
                f"{response.text}"
            )
        return response.json() if response.content else None

    def simulate(self, action: str, **options: Any) -> Any:
        """Make the Stripe simulator perform an action of a buyer, a bank, or the merchant."""
        return self.call(None, "POST", f"/_control/{action}", options, 200)

    def run_scheduled_function(self, name: str) -> Any:
        return self.call(None, "POST", f"/local/schedule/{name}", None, 200)

    def pay_at_hosted_page(self, checkout_url: str) -> None:
        """Open the payment page and press Pay, the way a buyer would."""
        page = requests.get(checkout_url, timeout=TIMEOUT_SECONDS)
        if page.status_code != 200 or "Pay" not in page.text:
            raise Mismatch(f"Opening the payment page returned {page.status_code}")
        paid = requests.post(
            checkout_url, data={"method": "card"}, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
        if paid.status_code not in (302, 303):
            raise Mismatch(f"Paying returned {paid.status_code}")

    def check(self, text: str, actual: Any, expected: Any) -> None:
        """Print the result, or raise Mismatch if it is not what the guide says."""
        if actual != expected:
            raise Mismatch(f"{text}: got {actual!r}, expected {expected!r}")
        self.checks_passed += 1
        print(f"  ✓ {text:68} {actual}")

    def check_eventually(self, text: str, read: Callable[[], Any], expected: Any) -> None:
        """Check a result that depends on a webhook: re-read it until it is as expected."""
        deadline = time.monotonic() + POLL_TIMEOUT_SECONDS
        while (actual := read()) != expected and time.monotonic() < deadline:
            time.sleep(0.1)
        self.check(text, actual, expected)


def print_heading(title: str) -> None:
    print(f"\n{title}")
