"""Run the scheduled functions locally, at their intervals or on request."""

import threading
from collections.abc import Callable
from typing import Any

from chalicelib.functions.check_domains import check_domains
from chalicelib.functions.reconcile import reconcile
from chalicelib.functions.send_mail import send_mail
from chalicelib.functions.sweep_purchases import sweep_purchases
from chalicelib.functions.take_figures import take_figures
from chalicelib.observability import logger

Scheduled = Callable[[dict[str, Any], None], Any]


def _reconcile(scope: str) -> Scheduled:
    """Return the function bound to the input that infra/resources.yaml schedules it with."""
    event = {"scope": scope, "apply": True, "by": "schedule"}
    return lambda _event, context: reconcile(event, context)


# Each name maps to a function and the seconds between its runs. The intervals match AWS, except
# that mail goes out every second rather than every minute, so that nobody waits for it.
SCHEDULED: dict[str, tuple[Scheduled, int]] = {
    "sweep-purchases": (sweep_purchases, 15 * 60),
    "check-domains": (check_domains, 60 * 60),
    "send-mail": (send_mail, 1),
    "reconcile": (_reconcile("partial"), 60 * 60),
    "reconcile-whole": (_reconcile("whole"), 24 * 60 * 60),
    "take-figures": (take_figures, 60 * 60),
}

STOP_TIMEOUT_SECONDS = 10

_EVENT = {
    "version": "0",
    "id": "local",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "local",
    "time": "",
    "region": "local",
    "resources": [],
    "detail": {},
}


def run_now(name: str) -> Any:
    """Invoke one scheduled function as EventBridge would. Raises KeyError for an unknown name."""
    function, _ = SCHEDULED[name]
    return function(dict(_EVENT), None)


class Scheduler:
    """Runs every scheduled function in its own background thread until stopped."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for name, (_, seconds) in SCHEDULED.items():
            thread = threading.Thread(
                target=self._run_periodically, args=(name, seconds), daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Wait for running functions to finish, since moto's tables disappear afterward."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(STOP_TIMEOUT_SECONDS)

    def _run_periodically(self, name: str, seconds: int) -> None:
        while not self._stopping.wait(seconds):
            try:
                run_now(name)
            except Exception:
                logger.exception("Scheduled function failed", extra={"function": name})
