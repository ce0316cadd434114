"""The surroundings of a studio's parts by which they are traced; usually there are none, and nothing is imported.

IMAGESTUDIO_TELEMETRY=true                        always
OTEL_EXPORTER_OTLP_ENDPOINT=http://…:4318         a service, unless IMAGESTUDIO_TELEMETRY=false
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from application.asking.intake import Intake
from application.performing.outputs import Outputs
from application.performing.performer import Performer
from application.performing.recording import Recording
from application.ports import Provider
from domain.advice import Advice
from domain.errors import InvalidInput, PluginError
from infrastructure.settings import Settings, standard_telemetry

T = TypeVar("T")
LOGGER: Final = logging.getLogger("imagestudio")
SPOKEN: Final = "http/protobuf"
"""The protocol in which spans are sent."""


def itself(part: T) -> T:
    """The part as it is."""
    return part


def untraced() -> str:
    """No context: nobody follows the request."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Each field wraps a part. `context` is that of the request now (W3C `traceparent`), `hook` is called with each
    request to a provider before it goes, and `close` sends what is left; it blocks."""

    intake: Callable[[Intake], Intake] = itself
    outputs: Callable[[Outputs], Outputs] = itself
    recording: Callable[[Recording], Recording] = itself
    performer: Callable[[Performer], Performer] = itself
    providers: Callable[[Mapping[str, Provider], Collection[str]], Mapping[str, Provider]] = lambda usual, _remote: (
        usual
    )
    requests: Callable[[Any], Any] = itself
    hook: Callable[[Any], Awaitable[None]] | None = None
    context: Callable[[], str] = untraced
    close: Callable[[], None] = lambda: None


NOTHING: Final = Around()


def telemetry_of(settings: Settings, *, serve: bool) -> Around:
    """The surroundings of a studio that is opened; `serve`: it is a service.

    Raises PluginError and InvalidInput if it is asked for by the studio's own setting and cannot be. If only the
    environment of all programs asks, that is told, and it is off.
    """
    told = standard_telemetry()
    if not (settings.telemetry or (settings.telemetry is None and serve and told.wanted)):
        return NOTHING
    try:
        if told.protocol not in ("", SPOKEN):
            hint = f"send to a receiver that speaks {SPOKEN}, mostly at port 4318"
            raise InvalidInput("OTEL_EXPORTER_OTLP_PROTOCOL", f"{told.protocol} is not spoken here", hint=hint)
        try:
            from infrastructure.telemetry.parts import traced
        except ImportError as error:
            raise PluginError(f"telemetry needs {error.name}", hint=Advice("telemetry.install")) from error
        return traced()
    except (InvalidInput, PluginError) as error:
        if settings.telemetry:
            raise
        LOGGER.warning("nothing is traced: %s (%s)", error.message, error.hint)
        return NOTHING
