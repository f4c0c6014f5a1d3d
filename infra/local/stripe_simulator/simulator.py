"""The Stripe simulator: the API, and the actions of buyers, banks, and the merchant."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from infra.local.stripe_simulator import form
from infra.local.stripe_simulator.account import API_VERSION, Account, Object, RequestInfo
from infra.local.stripe_simulator.actions import SimulatedActions
from infra.local.stripe_simulator.api import routes
from infra.local.stripe_simulator.errors import InvalidAction, StripeError
from infra.local.stripe_simulator.faults import (
    Faults,
    raise_after_execution,
    raise_before_execution,
)
from infra.local.stripe_simulator.http_response import HttpResponse, json_response
from infra.local.stripe_simulator.idempotency import IdempotencyKeys
from infra.local.stripe_simulator.transitions import checkout
from infra.local.stripe_simulator.webhooks import signed_request


class StripeSimulator(SimulatedActions):
    def __init__(
        self,
        *,
        api_key: str = "sk_test_simulator",
        webhook_secrets: Sequence[str] = ("whsec_simulator",),
        public_url: str = "http://127.0.0.1",
        clock: Callable[[], float] = time.time,
        seed: str = "tenantry",
    ) -> None:
        """The same seed produces the same IDs in every process.

        Use a different seed per process if the IDs are stored in a database that outlives it.
        """
        self.faults = Faults()
        self.webhook_secrets = list(webhook_secrets)
        self._api_key = api_key
        self._account = Account(clock, seed, public_url)
        self._keys = IdempotencyKeys()
        self._lock = threading.RLock()

    def handle(
        self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes = b""
    ) -> HttpResponse:
        """Answer an API request. Raises `ConnectionLost` if a fault drops the response."""
        headers = {name.lower(): value for name, value in headers.items()}
        url = urlsplit(path_and_query)
        with self._lock:
            request_id = self._account.new_id("req_", 14)
            reply_headers = {"Request-Id": request_id, "Stripe-Version": API_VERSION}
            try:
                self._authenticate(headers.get("authorization", ""))
                fault = self.faults.consume(method, url.path)
                raise_before_execution(fault)
                key = headers.get("idempotency-key") if method == "POST" else None
                if key:
                    reply_headers["Idempotency-Key"] = key
                encoded = body if method == "POST" else url.query.encode()
                response = self._execute_once(method, url.path, encoded, key, reply_headers)
            except StripeError as error:
                return json_response(error.status, error.content(request_id), reply_headers)
            raise_after_execution(fault)
            return response

    def events(self, type: str | None = None) -> list[Object]:
        """Return the events of this type, or all events, oldest first."""
        with self._locked_account() as account:
            return [e for e in account.events if type is None or e["type"] == type]

    def signed(self, event: Object, *, at: int | None = None) -> tuple[dict[str, str], bytes]:
        """Return the headers and body of the webhook request for an event.

        The signature's timestamp comes from the machine's clock, not the injected one, because
        the SDK checks its age against the machine's clock.
        """
        return signed_request(event, self.webhook_secrets, int(time.time()) if at is None else at)

    def find(self, kind: str, id: str) -> Object:
        """Return an object. `kind` is Stripe's name for its type, such as `checkout.session`."""
        with self._locked_account() as account:
            return account.get(kind, id)

    def all(self, kind: str) -> list[Object]:
        """Return every object of a kind, newest first."""
        with self._locked_account() as account:
            return list(account.newest_first(kind))

    def session_and_line_items(self, session_id: str) -> tuple[Object, list[Object]]:
        with self._locked_account() as account:
            session = account.get("checkout.session", session_id)
            return session, account.session_details[session_id].line_items

    def snapshot(self) -> tuple[Account, IdempotencyKeys]:
        """Return the whole state, for `restore`."""
        with self._lock:
            return self._account.clone(), self._keys.clone()

    def restore(self, snapshot: tuple[Account, IdempotencyKeys]) -> None:
        with self._lock:
            account, keys = snapshot
            self._account, self._keys = account.clone(), keys.clone()

    def now(self) -> int:
        return self._account.now()

    def _authenticate(self, authorization: str) -> None:
        scheme, _, credentials = authorization.partition(" ")
        key = credentials.strip()
        if scheme.lower() == "basic":
            key = _basic_auth_user(key)
        if not key:
            raise StripeError(
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
                "YOUR_SECRET_KEY').",
                status=401,
            )
        if key != self._api_key:
            masked = f"{key[:8]}{'*' * 8}{key[-4:]}"
            raise StripeError(f"Invalid API Key provided: {masked}", status=401)

    def _execute_once(
        self, method: str, path: str, encoded: bytes, key: str | None, reply_headers: dict[str, str]
    ) -> HttpResponse:
        """Execute a call, or replay the response saved under its idempotency key."""
        now = self._account.now()
        if key and (replay := self._keys.replay(key, path, encoded, now)):
            return HttpResponse(replay.status, {**replay.headers, **reply_headers}, replay.body)
        request_id = reply_headers["Request-Id"]
        try:
            with self._locked_account(RequestInfo(request_id, key)) as account:
                call, ids = routes.find(method, path)
                params = form.decode(encoded.decode(errors="replace"))
                response = json_response(200, call(account, params, *ids), reply_headers)
        except StripeError as error:
            if not error.execution_started:
                raise
            response = json_response(error.status, error.content(request_id), reply_headers)
        if key:
            self._keys.save(key, path, encoded, now, response)
        return response

    @contextmanager
    def _locked_account(self, request: RequestInfo | None = None) -> Iterator[Account]:
        """Lock the account, expire overdue sessions, and attribute further events to `request`."""
        with self._lock:
            self._account.current_request = RequestInfo()
            checkout.expire_overdue(self._account)
            self._account.current_request = request or RequestInfo()
            yield self._account

    @contextmanager
    def _account_for_action(self) -> Iterator[Account]:
        with self._locked_account() as account:
            try:
                yield account
            except StripeError as error:
                raise InvalidAction(error.message) from error


def _basic_auth_user(credentials: str) -> str:
    try:
        return base64.b64decode(credentials).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
