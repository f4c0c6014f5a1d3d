"""One HTTP server on 127.0.0.1 for everything that `make run` offers."""

import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.gateway import LocalResponse
from infra.local.stripe_simulator.errors import ConnectionLost

Handle = Callable[[str, str, Mapping[str, str], bytes], LocalResponse]

# More than the service accepts, so that it is the service that refuses.
MAX_BODY_BYTES = 10 * 1024 * 1024
STOP_TIMEOUT_SECONDS = 10


class LocalServer(ThreadingHTTPServer):
    """Raises OSError where the port is taken. Port 0 is any free one."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, handle: Handle) -> None:
        super().__init__(("127.0.0.1", port), _handler(self._counted(handle)))
        self._answering = 0
        self._idle = threading.Condition()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        """Returns once what was asked is answered: no request outlives what it works with."""
        self.shutdown()
        with self._idle:
            self._idle.wait_for(lambda: not self._answering, STOP_TIMEOUT_SECONDS)
        self.server_close()

    def _counted(self, handle: Handle) -> Handle:
        def counted(*request: Any) -> LocalResponse:
            with self._idle:
                self._answering += 1
            try:
                return handle(*request)
            finally:
                with self._idle:
                    self._answering -= 1
                    self._idle.notify_all()

        return counted

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away in the middle of an answer is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(handle: Handle) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "tenantry-local"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > MAX_BODY_BYTES:
                self.send_error(413)
                self.close_connection = True
                return
            body = self.rfile.read(length)
            try:
                answer = handle(self.command, self.path, dict(self.headers), body)
            except ConnectionLost:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815

        def log_message(self, *_arguments: Any) -> None:
            """Quiet: the service logs each request itself."""

    return Handler
