"""The span of a film that an order keeps: between two instants, and of that no more than so many seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.remaking import length_of
from imagestudio_workshop.orders import LabelledTask

MODES: Final = ("beginning", "middle", "end")
ASKED: Final = ("start", "end", "duration", "trim", "max_seconds")
"""The inputs by which a span is named."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` to `end`, in seconds of the film."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def span_of(order: LabelledTask, film: Media, usual: str = "beginning") -> Stretch:
    """From `start` to `end` or for `duration`, and of that `max_seconds` at its beginning, middle or end, as `trim`
    says. Raises ProviderRefused if nothing would be left."""
    start, length = order.number("start", 0), length_of(film)
    mode, most = order.choice("trim", MODES, usual), order.number("max_seconds", 0)
    end = min(length, order.number("end", 0) or start + (order.number("duration", 0) or length))
    if not start < end:
        raise ProviderRefused(
            "unsupported_span", f"nothing is left between {start:g} and {end:g} of {length:g} seconds"
        )
    if "trim" in order.task.inputs and not most:
        raise ProviderRefused("missing_max_seconds", f"there is no max_seconds: how long the {mode} is")
    spare = max(0.0, end - start - most) if most else 0.0
    before = {"beginning": 0.0, "middle": spare / 2, "end": spare}[mode]
    return Stretch(start + before, end - (spare - before))


def is_cut(order: LabelledTask) -> bool:
    """Whether an order names a span at all."""
    return any(name in order.task.inputs for name in ASKED)
