"""Tenantry on one machine: the service, AWS, Stripe, and the schedule, behind one address."""

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

SCHEDULE_PREFIX = "/local/schedule/"


@dataclass(frozen=True, slots=True)
class LocalService:
    url: str
    stripe_is_simulated: bool


@dataclass(frozen=True, slots=True)
class _Router:
    """Routes each request to the app, the Stripe simulator, or a local tool.

    `site` serves the simulator's pages. It is None if the service talks to Stripe itself.
    """

    gateway: Gateway
    site: Site | None

    def handle(
        self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes
    ) -> LocalResponse:
        path = path_and_query.partition("?")[0]
        if self.site is not None and Site.serves(path):
            response = self.site.handle(method, path_and_query, headers, body)
            return LocalResponse(response.status, list(response.headers.items()), response.body)
        if method == "GET" and outbox.serves(path):
            return outbox.handle(path)
        if method == "POST" and path_and_query == table_edits.PATH:
            return table_edits.handle(body)
        if method == "POST" and path_and_query.startswith(SCHEDULE_PREFIX):
            return _run_scheduled_function(path_and_query.removeprefix(SCHEDULE_PREFIX))
        return self.gateway.handle(method, path_and_query, headers, body)


def _run_scheduled_function(name: str) -> LocalResponse:
    if name not in SCHEDULED:
        return LocalResponse(404, [], b"")
    result = json.dumps(run_now(name)).encode()
    return LocalResponse(200, [("Content-Type", "application/json")], result)


@contextmanager
def local_service(port: int) -> Iterator[LocalService]:
    """Serve on 127.0.0.1:`port` (0 picks a free port). Raises OSError if the port is taken.

    If STRIPE_SECRET_KEY is set, the service talks to Stripe itself instead of the simulator.
    """
    simulate_stripe = "STRIPE_SECRET_KEY" not in os.environ
    server = LocalServer(port, lambda *request: router.handle(*request))
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
    if simulate_stripe:
        os.environ["STRIPE_API_BASE"] = stripe_api.url
    router = _Router(Gateway(app), site if simulate_stripe else None)
    scheduler = Scheduler()
    with local_aws():
        create_tables()
        create_demo_data()
        serving = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        serving.start()
        stripe_api.start()
        delivery.start()
        scheduler.start()
        try:
            yield LocalService(server.url, simulate_stripe)
        finally:
            scheduler.stop()
            delivery.stop()
            server.stop()
            stripe_api.stop()
