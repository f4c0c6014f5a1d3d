"""`make run`: Tenantry on this machine, until Ctrl-C."""

import json
import logging
import os
import signal
import sys
import threading

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from chalicelib.observability import logger
from infra.local.demo import ADMIN_EMAIL, PASSWORD, RESELLER_EMAIL
from infra.local.service import LocalService, local_service

DEFAULT_PORT = 8000


def main() -> int:
    # Metrics go to CloudWatch by way of the log; a terminal is no CloudWatch.
    os.environ.setdefault("POWERTOOLS_METRICS_DISABLED", "true")
    port = os.environ.get("PORT", str(DEFAULT_PORT))
    if not port.isdigit() or int(port) > 65535:
        print(f"PORT must be a port number, not {port!r}.", file=sys.stderr)
        return 2
    logger.registered_handler.setFormatter(OneLine())
    logger.registered_handler.addFilter(_is_news)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with local_service(int(port)) as service:
            _welcome(service)
            stop.wait()
            print("\nStopping.")
    except OSError as error:
        print(f"Port {port} is taken ({error.strerror}). Try: make run PORT=8001", file=sys.stderr)
        return 1
    return 0


class OneLine(LambdaPowertoolsFormatter):
    """The log for a person at a terminal; on AWS it is JSON."""

    def format(self, record: logging.LogRecord) -> str:
        if record.msg == "Request":
            text = "{status} {method} {route}".format_map(vars(record))
        else:
            known = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "cold_start"}
            told = {k: v for k, v in vars(record).items() if k not in known}
            extra = (f"{k}={json.dumps(v) if isinstance(v, dict) else v}" for k, v in told.items())
            text = " ".join([record.getMessage(), *extra])
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return f"  {self.formatTime(record, '%H:%M:%S')}  {text}"


def _is_news(record: logging.LogRecord) -> bool:
    """The outbox is looked at every second; only what was sent is worth a line."""
    return record.msg != "Mail" or bool(getattr(record, "sent", 0) or getattr(record, "failed", 0))


def _welcome(service: LocalService) -> None:
    stripe = "a stand-in for Stripe; no money moves" if service.stripe_is_simulated else "Stripe"
    print(
        f"""
  Tenantry is running at {service.url}

    sign in      {ADMIN_EMAIL:24} {PASSWORD}   (super admin)
                 {RESELLER_EMAIL:24} {PASSWORD}   (reseller)
    API          {service.url}/v1/…        e.g. curl {service.url}/health
    payments     {stripe}{f": {service.url}/stripe" if service.stripe_is_simulated else ""}

  All data is in memory and gone when this stops. Ctrl-C stops it.
""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
