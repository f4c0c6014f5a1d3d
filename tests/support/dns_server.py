"""A real DNS server with configurable answers, on a free port of 127.0.0.1."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dnslib import QTYPE, RCODE, RR, TXT, DNSError
from dnslib.server import BaseResolver, DNSServer


class Zone(BaseResolver):  # type: ignore[misc] # dnslib carries no types
    """The records that the server answers with.

    Attributes:
        txt: The TXT values for each name. A value that consists of several strings is a list.
        silent: Names that are never answered.
        slow: Names whose first query is not answered.
        failing: Names that are answered with SERVFAIL.
        queries: Every name that was queried, in order.
    """

    def __init__(self) -> None:
        self.port = 0
        self.reset()

    def reset(self) -> None:
        self.txt: dict[str, list[str | bytes | list[str]]] = {}
        self.silent: set[str] = set()
        self.slow: set[str] = set()
        self.failing: set[str] = set()
        self.queries: list[str] = []

    def resolve(self, request: Any, _handler: Any) -> Any:
        name = str(request.q.qname).rstrip(".").lower()
        self.queries.append(name)
        if name in self.silent or (name in self.slow and self.queries.count(name) == 1):
            raise DNSError("No reply is sent.")
        reply = request.reply()
        if name in self.failing:
            reply.header.rcode = RCODE.SERVFAIL
        elif name not in self.txt:
            reply.header.rcode = RCODE.NXDOMAIN
        else:
            for value in self.txt[name]:
                reply.add_answer(RR(name, QTYPE.TXT, rdata=TXT(value), ttl=0))
        return reply


class _SilentLogger:
    def __getattr__(self, _name: str) -> Any:
        return lambda *_arguments: None


@contextmanager
def dns_server() -> Iterator[Zone]:
    """Run the server inside the `with` block."""
    zone = Zone()
    server = DNSServer(zone, address="127.0.0.1", port=0, logger=_SilentLogger())
    zone.port = server.server.server_address[1]
    server.start_thread()
    try:
        yield zone
    finally:
        server.stop()
        server.server.server_close()
        server.thread.join()
