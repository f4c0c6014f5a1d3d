"""The HTTP server on 127.0.0.1 that `make run` starts."""

import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.gateway import LocalResponse
from infra.local.stripe_simulator.errors import ConnectionLost

Handle = Callable[[str, str, Mapping[str, str], bytes], LocalResponse]

# This is more than the service accepts, so that the service itself rejects large bodies.
MAX_BODY_BYTES = 10 * 1024 * 1024
STOP_TIMEOUT_SECONDS = 10


class LocalServer(ThreadingHTTPServer):
    """An HTTP server. Port 0 picks a free port; a port that is taken raises OSError."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, handle: Handle) -> None:
        super().__init__(("127.0.0.1", port), _handler(self._count_active(handle)))
        self._active = 0
        self._idle = threading.Condition()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        """Stop accepting requests, and wait for active ones before their tables disappear."""
        self.shutdown()
        with self._idle:
            self._idle.wait_for(lambda: not self._active, STOP_TIMEOUT_SECONDS)
        self.server_close()

    def _count_active(self, handle: Handle) -> Handle:
        def counted(*request: Any) -> LocalResponse:
            with self._idle:
                self._active += 1
            try:
                return handle(*request)
            finally:
                with self._idle:
                    self._active -= 1
                    self._idle.notify_all()

        return counted

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close the connection early, as browsers often do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(handle: Handle) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "tenantry-local"

        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > MAX_BODY_BYTES:
                self.send_error(413)
                self.close_connection = True
                return
            body = self.rfile.read(length)
            try:
                response = handle(self.command, self.path, dict(self.headers), body)
            except ConnectionLost:
                self.close_connection = True
                return
            self.send_response(response.status)
            for name, value in response.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = respond  # noqa: N815

        def log_message(self, *_arguments: Any) -> None:
            """Log nothing: the service logs each request itself."""

    return Handler
