"""Speaking HTTP to the service, and saying what came back."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import requests

TIMEOUT_SECONDS = 30
# A webhook is on its way for a moment; a person would reload the page.
PATIENCE_SECONDS = 20.0


class Differs(Exception):
    """The service did something else than the guide says."""


class Service:
    """A running Tenantry, and the stand-in for Stripe beside it."""

    def __init__(self, base_url: str, *, admin_email: str, admin_password: str) -> None:
        self.base_url = base_url
        self.steps = 0
        # Names of this run alone: the service may have been walked through before.
        self.run = uuid.uuid4().hex[:8]
        self.admin = self.sign_in(admin_email, admin_password)

    def sign_in(self, email: str, password: str) -> str:
        login = {"email": email, "password": password}
        token: str = self.call(None, "POST", "/v1/login", login, 200)["token"]
        return token

    def call(
        self, token: str | None, method: str, path: str, body: Any = None, expected: int = 200
    ) -> Any:
        """The answer's document. Raises Differs where the status is another than expected."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        reply = requests.request(
            method, self.base_url + path, json=body, headers=headers, timeout=TIMEOUT_SECONDS
        )
        if reply.status_code != expected:
            raise Differs(f"{method} {path}: {reply.status_code}, not {expected}: {reply.text}")
        return reply.json() if reply.content else None

    def stripe(self, action: str, **options: Any) -> Any:
        """Have the buyer, the bank or Stripe's dashboard do something, at the stand-in."""
        return self.call(None, "POST", f"/_control/{action}", options, 200)

    def run_schedule(self, name: str) -> Any:
        """Let the clock strike for a scheduled function, now."""
        return self.call(None, "POST", f"/local/schedule/{name}", None, 200)

    def pay_at_hosted_page(self, checkout_url: str) -> None:
        """Open the payment page, as a person would, and press Pay."""
        page = requests.get(checkout_url, timeout=TIMEOUT_SECONDS)
        if page.status_code != 200 or "Pay" not in page.text:
            raise Differs(f"the payment page answered {page.status_code}")
        paid = requests.post(
            checkout_url, data={"method": "card"}, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
        if paid.status_code not in (302, 303):
            raise Differs(f"paying answered {paid.status_code}")

    def step(self, text: str, got: Any, expected: Any) -> None:
        """Print what happened; raise Differs where it isn't what the guide says."""
        if got != expected:
            raise Differs(f"{text}: {got!r}, not {expected!r}")
        self.steps += 1
        print(f"  ✓ {text:68} {got}")

    def eventually(self, text: str, look: Callable[[], Any], expected: Any) -> None:
        """The same for what a webhook brings about in a moment."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (got := look()) != expected and time.monotonic() < deadline:
            time.sleep(0.1)
        self.step(text, got, expected)


def chapter(title: str) -> None:
    print(f"\n{title}")
