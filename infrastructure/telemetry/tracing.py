"""Spans, and how they are sent: by the tracer that the host has set up, or else over OTLP as OTEL_… says.

Nothing of an error but its code goes into a span: the words of one may repeat what was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from application.ports import ProviderError
from domain.errors import ImageStudioError
from domain.money import Money
from infrastructure.settings import owner_name

NAME: Final = "imagestudio"
HEADER: Final = "traceparent"
W3C: Final = TraceContextTextMapPropagator()
"""Baggage is passed on to nobody: it is the caller's, and may hold anything."""

Attributes = Mapping[str, AttributeValue | None]


@dataclass(frozen=True, slots=True)
class Tracing:
    """Makes spans; `close` sends what is left, and blocks meanwhile."""

    tracer: Tracer
    close: Callable[[], None]

    @contextmanager
    def span(
        self,
        name: str,
        about: Attributes,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: Context | None = None,
        links: Sequence[Link] = (),
    ) -> Iterator[Span]:
        """A span around what is done within; an error that leaves it is its `error.type`, by its code."""
        options = {"record_exception": False, "set_status_on_exception": False}
        with (
            self.tracer.start_as_current_span(name, parent, kind, present(about), links, **options) as span,
            _Ending(span),
        ):
            yield span


@dataclass(frozen=True, slots=True)
class _Ending:
    """Tells of an error that leaves the span which it is."""

    span: Span

    def __enter__(self) -> None:
        """Nothing has happened yet."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if kind is not None:
            failed(self.span, error.code if isinstance(error, ImageStudioError | ProviderError) else kind.__name__)


def tracing() -> Tracing:
    """By the host's own provider if it has set one up; otherwise by one of ours, which nobody else sees."""
    host = trace.get_tracer_provider()
    if not isinstance(host, trace.ProxyTracerProvider):
        return Tracing(host.get_tracer(NAME, version("image-studio")), lambda: None)
    own = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    own.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(own.get_tracer(NAME, version("image-studio")), own.shutdown)


def present(about: Attributes) -> dict[str, AttributeValue]:
    """Without what is not known, which is never told as zero."""
    return {name: value for name, value in about.items() if value is not None}


def failed(span: Span, code: str) -> None:
    """It ended badly, for a reason that is a word."""
    span.set_attribute("error.type", code)
    span.set_status(Status(StatusCode.ERROR))


def amount(name: str, micros: int | None, currency: str) -> Attributes:
    """An amount of money as we write it everywhere: an exact decimal, and its currency; none if it is not known."""
    if micros is None:
        return {}
    number, _, unit = str(Money(micros, currency)).partition(" ")
    return {f"imagestudio.{name}": number, "imagestudio.currency": unit}


def context_now() -> str:
    """The context of the span that goes on, as a `traceparent`; empty if there is none."""
    carrier: dict[str, str] = {}
    W3C.inject(carrier)
    return carrier.get(HEADER, "")


def link_to(context: str) -> list[Link]:
    """A link to the span of a `traceparent`; none if it is none."""
    found = trace.get_current_span(W3C.extract({HEADER: context}, Context())).get_span_context()
    return [Link(found)] if found.is_valid else []


def _resource() -> Resource:
    """This program, unless OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    ours: dict[str, AttributeValue] = {
        "service.name": NAME,
        "service.version": version("image-studio"),
        "service.instance.id": owner_name(),
    }
    return Resource.create(ours).merge(OTELResourceDetector().detect())
