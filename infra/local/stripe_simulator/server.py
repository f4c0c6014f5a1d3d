"""Serve the simulator on its own port on 127.0.0.1."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.stripe_simulator.errors import ConnectionLost
from infra.local.stripe_simulator.site import Site


class SimulatorServer:
    def __init__(self, site: Site, port: int = 0) -> None:
        """Port 0 picks a free port, which `url` contains."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(site))
        self._thread: threading.Thread | None = None
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.01},
            name="stripe-simulator",
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

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                response = site.handle(self.command, self.path, dict(self.headers), body)
            except ConnectionLost:
                self.close_connection = True
                return
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = do_POST = do_DELETE = respond  # noqa: N815 - http.server requires these names

        def log_message(self, *args: Any) -> None:
            """Log nothing: the service logs what matters."""

    return Handler
