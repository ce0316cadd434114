"""A receiver of spans over OTLP on loopback: what a collector is sent is decoded by OpenTelemetry's own messages."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Value = str | int | bool | list[Any] | None


@dataclass(frozen=True)
class SentSpan:
    """A span as it came; ids in hex, `process` the instance that sent it."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: tuple[tuple[str, str], ...]
    about: dict[str, Value]
    failed: bool
    events: int
    process: str


@dataclass
class Receiver:
    """All that came, and the service that it came from."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    resources: list[dict[str, Value]] = field(default_factory=list)
    spans: list[SentSpan] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        sent = ExportTraceServiceRequest.FromString(body)
        for of_resource in sent.resource_spans:
            about = {one.key: _value(one.value) for one in of_resource.resource.attributes}
            self.resources.append(about)
            process = str(about["service.instance.id"])
            self.spans += [_span(one, process) for scope in of_resource.scope_spans for one in scope.spans]

    def trace(self, id: str) -> list[SentSpan]:
        return [one for one in self.spans if one.trace == id]

    def of(self, operation: str) -> list[SentSpan]:
        """The spans that name an operation."""
        return [one for one in self.spans if _names(one.about.get("imagestudio.operation"), operation)]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """On a free port, as long as the block runs."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces", self.path
            packed = self.headers.get("content-encoding") == "gzip"
            receiver.take(gzip.decompress(body) if packed else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def _span(one: Span, process: str) -> SentSpan:
    return SentSpan(
        one.name,
        Span.SpanKind.Name(one.kind).removeprefix("SPAN_KIND_"),
        one.trace_id.hex(),
        one.span_id.hex(),
        one.parent_span_id.hex(),
        tuple((link.trace_id.hex(), link.span_id.hex()) for link in one.links),
        {each.key: _value(each.value) for each in one.attributes},
        one.status.code == 2,
        len(one.events),
        process,
    )


def _value(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    found: Value = getattr(value, kind) if kind else None
    return found


def _names(told: Value, operation: str) -> bool:
    return operation in told if isinstance(told, list) else told == operation
