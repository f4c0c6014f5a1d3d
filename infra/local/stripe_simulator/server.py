"""The stand-in as a server of its own, on this machine alone."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.stripe_simulator.errors import ConnectionLost
from infra.local.stripe_simulator.site import Site


class SimulatorServer:
    def __init__(self, site: Site, port: int = 0) -> None:
        """Port 0 is any free one; what it became is in `url`."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(site))
        self._thread: threading.Thread | None = None
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.01},
            name="stripe-stand-in",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        if self._thread:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                answer = site.handle(self.command, self.path, dict(self.headers), body)
            except ConnectionLost:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server looks for these names

        def log_message(self, *args: Any) -> None:
            """Quiet: the product logs what matters."""

    return Handler
