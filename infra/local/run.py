"""`make run`: run Tenantry on this machine until Ctrl-C."""

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
    # Metrics are log lines that CloudWatch parses; in a terminal they would only be noise.
    os.environ.setdefault("POWERTOOLS_METRICS_DISABLED", "true")
    port = os.environ.get("PORT", str(DEFAULT_PORT))
    if not port.isdigit() or int(port) > 65535:
        print(f"PORT must be a port number, not {port!r}.", file=sys.stderr)
        return 2
    logger.registered_handler.setFormatter(TerminalFormatter())
    logger.registered_handler.addFilter(_is_worth_showing)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with local_service(int(port)) as service:
            _print_welcome(service)
            stop.wait()
            print("\nStopping.")
    except OSError as error:
        print(
            f"Port {port} is already taken ({error.strerror}). Try: make run PORT=8001",
            file=sys.stderr,
        )
        return 1
    return 0


class TerminalFormatter(LambdaPowertoolsFormatter):
    """Formats a record as one line of text, instead of JSON as on AWS."""

    def format(self, record: logging.LogRecord) -> str:
        if record.msg == "Request":
            text = "{status} {method} {route}".format_map(vars(record))
        else:
            known = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "cold_start"}
            extra = {k: v for k, v in vars(record).items() if k not in known}
            pairs = (f"{k}={json.dumps(v) if isinstance(v, dict) else v}" for k, v in extra.items())
            text = " ".join([record.getMessage(), *pairs])
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return f"  {self.formatTime(record, '%H:%M:%S')}  {text}"


def _is_worth_showing(record: logging.LogRecord) -> bool:
    """Hide the log lines of mail runs that sent nothing, since mail runs every second here."""
    return record.msg != "Mail" or bool(getattr(record, "sent", 0) or getattr(record, "failed", 0))


def _print_welcome(service: LocalService) -> None:
    payments = "Stripe, with your STRIPE_SECRET_KEY"
    if service.stripe_is_simulated:
        payments = f"{service.url}/stripe   (Stripe simulator; no real money)"
    data = "All data is in memory and is lost when this process stops."
    if "AWS_ENDPOINT_URL_DYNAMODB" in os.environ:
        data = f"Data is stored in the DynamoDB at {os.environ['AWS_ENDPOINT_URL_DYNAMODB']}."
    print(
        f"""
  Tenantry is running at {service.url}

    Sign in      {ADMIN_EMAIL:24} {PASSWORD}   (super admin)
                 {RESELLER_EMAIL:24} {PASSWORD}   (reseller)
    API          {service.url}/docs   (try: curl {service.url}/health)
    Payments     {payments}
    Email        {service.url}/local/outbox

  {data}
  Press Ctrl-C to stop.
""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
