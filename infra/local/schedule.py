"""The clock, for one machine: runs the scheduled functions, at their rate or on request."""

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
    """With the input that the rules of infra/resources.yaml give it."""
    event = {"scope": scope, "apply": True, "by": "schedule"}
    return lambda _event, context: reconcile(event, context)


# name: (the function, seconds between two runs, as its schedule says; mail is not waited for)
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
    """Invoke one scheduled function as EventBridge would. Raises KeyError."""
    function, _ = SCHEDULED[name]
    return function(dict(_EVENT), None)


class Scheduler:
    """Ticks in the background until stopped."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for name, (_, seconds) in SCHEDULED.items():
            thread = threading.Thread(target=self._tick, args=(name, seconds), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Returns once no function runs any more: one that outlives AWS finds no tables."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(STOP_TIMEOUT_SECONDS)

    def _tick(self, name: str, seconds: int) -> None:
        while not self._stopping.wait(seconds):
            try:
                run_now(name)
            except Exception:
                logger.exception("A scheduled function failed", extra={"function": name})
