"""The stand-in for Stripe: its API, and what buyers, banks and dashboard users do."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from infra.local.stripe_simulator import faults as fault
from infra.local.stripe_simulator import form
from infra.local.stripe_simulator.account import API_VERSION, Account, Object, RequestInfo
from infra.local.stripe_simulator.actions import SimulatedActions
from infra.local.stripe_simulator.api import routes
from infra.local.stripe_simulator.errors import InvalidAction, StripeError
from infra.local.stripe_simulator.faults import Faults
from infra.local.stripe_simulator.http_response import HttpResponse, json_response
from infra.local.stripe_simulator.idempotency import IdempotencyKeys
from infra.local.stripe_simulator.transitions import checkout
from infra.local.stripe_simulator.webhooks import signed


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
        """The same seed gives the same ids; pass another where objects outlive the process."""
        self.faults = Faults()
        self.webhook_secrets = list(webhook_secrets)
        self._api_key = api_key
        self._account = Account(clock, seed, public_url)
        self._keys = IdempotencyKeys()
        self._lock = threading.RLock()

    def handle(
        self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes = b""
    ) -> HttpResponse:
        """One API request. Raises `ConnectionLost` when an injected fault loses the answer."""
        sent = {name.lower(): value for name, value in headers.items()}
        url = urlsplit(path_and_query)
        with self._lock:
            request_id = self._account.new_id("req_", 14)
            about = {"Request-Id": request_id, "Stripe-Version": API_VERSION}
            try:
                self._authenticate(sent.get("authorization", ""))
                planned = self.faults.take(method, url.path)
                fault.before_execution(planned)
                key = sent.get("idempotency-key") if method == "POST" else None
                if key:
                    about["Idempotency-Key"] = key
                encoded = body if method == "POST" else url.query.encode()
                answer = self._answer_once(method, url.path, encoded, key, about)
            except StripeError as error:
                return json_response(error.status, error.content(request_id), about)
            fault.after_execution(planned)
            return answer

    def events(self, type: str | None = None) -> list[Object]:
        """All that happened, oldest first."""
        with self._looking() as account:
            return [e for e in account.events if type is None or e["type"] == type]

    def signed(self, event: Object, *, at: int | None = None) -> tuple[dict[str, str], bytes]:
        """The headers and body of the webhook request that tells of the event.

        Signed as of now by the machine's clock, not the injected one: whoever verifies it with
        the SDK judges its age by the machine's clock too.
        """
        return signed(event, self.webhook_secrets, int(time.time()) if at is None else at)

    def find(self, kind: str, id: str) -> Object:
        """One object as it is now, by its kind as Stripe names it (`checkout.session`)."""
        with self._looking() as account:
            return account.get(kind, id)

    def all(self, kind: str) -> list[Object]:
        """Every object of a kind, newest first."""
        with self._looking() as account:
            return list(account.newest_first(kind))

    def order(self, session_id: str) -> tuple[Object, list[Object]]:
        """A session and its line items, as its payment page shows them."""
        with self._looking() as account:
            session = account.get("checkout.session", session_id)
            return session, account.orders[session_id].line_items

    def snapshot(self) -> tuple[Account, IdempotencyKeys]:
        """All there is, to be brought back by `restore`."""
        with self._lock:
            # Objects are only ever replaced, so the collections alone need copying.
            return self._account.copied(), self._keys.copied()

    def restore(self, snapshot: tuple[Account, IdempotencyKeys]) -> None:
        with self._lock:
            account, keys = snapshot
            self._account, self._keys = account.copied(), keys.copied()

    def now(self) -> int:
        return self._account.now()

    def _authenticate(self, authorization: str) -> None:
        scheme, _, credentials = authorization.partition(" ")
        given = credentials.strip()
        if scheme.lower() == "basic":
            given = _user_of(given)
        if not given:
            raise StripeError(
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
                "YOUR_SECRET_KEY').",
                status=401,
            )
        if given != self._api_key:
            shown = f"{given[:8]}{'*' * 8}{given[-4:]}"
            raise StripeError(f"Invalid API Key provided: {shown}", status=401)

    def _answer_once(
        self, method: str, path: str, encoded: bytes, key: str | None, about: dict[str, str]
    ) -> HttpResponse:
        now = self._account.now()
        if key and (replay := self._keys.replay(key, path, encoded, now)):
            return HttpResponse(replay.status, {**replay.headers, **about}, replay.body)
        try:
            with self._looking(RequestInfo(about["Request-Id"], key)) as account:
                call, ids = routes.find(method, path)
                answer = json_response(
                    200, call(account, form.decode(encoded.decode(errors="replace")), *ids), about
                )
        except StripeError as error:
            if not error.began_to_execute:
                raise
            answer = json_response(error.status, error.content(about["Request-Id"]), about)
        if key:
            self._keys.keep(key, path, encoded, now, answer)
        return answer

    @contextmanager
    def _looking(self, cause: RequestInfo = RequestInfo()) -> Iterator[Account]:  # noqa: B008 - it is frozen
        """The account, for one thread alone, with everything overdue done."""
        with self._lock:
            self._account.cause = RequestInfo()
            checkout.expire_overdue(self._account)
            self._account.cause = cause
            yield self._account

    @contextmanager
    def _moving(self) -> Iterator[Account]:
        with self._looking() as account:
            try:
                yield account
            except StripeError as error:
                raise InvalidAction(error.message) from error


def _user_of(credentials: str) -> str:
    try:
        return base64.b64decode(credentials).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
