"""Tenantry on one machine: the service, AWS, Stripe and the clock, behind one address."""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from app import app
from chalicelib import clock
from infra.local import outbox, table_edits
from infra.local.aws import create_tables, local_aws, set_environment
from infra.local.demo import create_demo_data
from infra.local.gateway import WEBHOOK_PATH, Gateway, LocalResponse
from infra.local.schedule import SCHEDULED, Scheduler, run_now
from infra.local.server import LocalServer
from infra.local.stripe_simulator.server import SimulatorServer
from infra.local.stripe_simulator.simulator import StripeSimulator
from infra.local.stripe_simulator.site import Site
from infra.local.stripe_simulator.webhook_delivery import WebhookDelivery

RUN_PREFIX = "/local/schedule/"


@dataclass(frozen=True, slots=True)
class LocalService:
    url: str
    stripe_is_simulated: bool


@dataclass(frozen=True, slots=True)
class _Front:
    """Everything that one address answers. site: the stand-in's pages; None where Stripe is
    Stripe itself."""

    gateway: Gateway
    site: Site | None

    def handle(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes
    ) -> LocalResponse:
        path = address.partition("?")[0]
        if self.site is not None and Site.owns(path):
            answer = self.site.handle(method, address, headers, body)
            return LocalResponse(answer.status, list(answer.headers.items()), answer.body)
        if method == "GET" and outbox.owns(path):
            return outbox.handle(path)
        if method == "POST" and address == table_edits.PATH:
            return table_edits.handle(body)
        if method == "POST" and address.startswith(RUN_PREFIX):
            return _run(address.removeprefix(RUN_PREFIX))
        return self.gateway.handle(method, address, headers, body)


def _run(name: str) -> LocalResponse:
    if name not in SCHEDULED:
        return LocalResponse(404, [], b"")
    result = json.dumps(run_now(name)).encode()
    return LocalResponse(200, [("Content-Type", "application/json")], result)


@contextmanager
def local_service(port: int) -> Iterator[LocalService]:
    """Serve on 127.0.0.1:`port` (0: any) while this lasts. Raises OSError: port taken.

    With STRIPE_SECRET_KEY set it talks to Stripe's own test mode instead of the stand-in.
    """
    own_stripe = "STRIPE_SECRET_KEY" in os.environ
    server = LocalServer(port, lambda *request: front.handle(*request))
    set_environment({"PUBLIC_URL": server.url})
    simulator = StripeSimulator(
        api_key=os.environ["STRIPE_SECRET_KEY"],
        webhook_secrets=[os.environ["STRIPE_WEBHOOK_SECRET"]],
        public_url=server.url,
        clock=lambda: clock.now().timestamp(),
    )
    delivery = WebhookDelivery(simulator, server.url + WEBHOOK_PATH)
    site = Site(simulator, delivery)
    stripe_api = SimulatorServer(site)
    if not own_stripe:
        os.environ["STRIPE_API_BASE"] = stripe_api.url
    front = _Front(Gateway(app), None if own_stripe else site)
    schedule = Scheduler()
    with local_aws():
        create_tables()
        create_demo_data()
        serving = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        serving.start()
        stripe_api.start()
        delivery.start()
        schedule.start()
        try:
            yield LocalService(server.url, not own_stripe)
        finally:
            schedule.stop()
            delivery.stop()
            server.stop()
            stripe_api.stop()
