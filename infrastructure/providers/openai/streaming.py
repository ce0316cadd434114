"""A picture as a stream of events: first as it looks on the way, and then as it is, with the tokens it took.

    image_generation.partial_image, image_edit.partial_image    {"b64_json", "partial_image_index", "output_format"}
    image_generation.completed, image_edit.completed            {"b64_json", "output_format", "usage"}
    error                                                       {"error": {"message", "type", "param", "code"}}

Each picture on the way is counted as 100 tokens of the image's own (OpenAI's guide to image generation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx

from application.ports import Media, Progress, glimpsed
from infrastructure.wire.answers import Answer, Unreadable
from infrastructure.wire.content import decode_base64, decode_json, encode_json
from infrastructure.wire.events import EventReader

PARTIAL: Final = "partial_images"
"""The input that says how many are wanted, if they come."""

METER: Final = "partial_output"
EACH: Final = 100
"""Tokens."""

JSON: Final = {"content-type": "application/json"}


@dataclass(slots=True)
class Stream:
    """Hears the events of one answer; `progress` is shown the pictures on the way."""

    progress: Progress
    glimpses: int = 0
    completed: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    _reader: EventReader = field(default_factory=EventReader)

    def seen(self, piece: bytes) -> None:
        """Take the next piece of the answer."""
        for data in self._reader.read(piece):
            event = _event(data)
            if "error" in event:
                self.error = event
            elif str(event.get("type")).endswith(".partial_image"):
                self._show(event)
            elif str(event.get("type")).endswith(".completed"):
                self.completed = event

    def answer(self, whole: Answer) -> Answer:
        """The answer as it would be without a stream. Raises Unreadable if it ended before the picture came."""
        if whole.media_type != "text/event-stream":
            return whole
        if self.error is not None:
            return replace(
                whole, status=_status(self.error), headers=httpx.Headers(JSON), content=encode_json(self.error)
            )
        if self.completed is None:
            raise Unreadable("the provider's stream ended before the picture came")
        image = {"b64_json": self.completed.get("b64_json")}
        content = encode_json({**self.completed, "data": [image]})
        return replace(whole, headers=httpx.Headers(JSON), content=content)

    def told_apart(self, counts: Mapping[str, int]) -> dict[str, int]:
        """The counts with those of pictures on the way beside the image's own."""
        own = counts.get("image_output")
        if own is None:
            return dict(counts)
        partial = min(EACH * self.glimpses, own)
        return {**counts, "image_output": own - partial, METER: partial}

    def _show(self, event: Mapping[str, Any]) -> None:
        self.glimpses += 1
        try:
            content = decode_base64(str(event.get("b64_json")))
        except ValueError:
            return
        number = event.get("partial_image_index")
        place = number if isinstance(number, int) and number >= 0 else self.glimpses - 1
        glimpsed(self.progress, Media(content, f"image/{event.get('output_format') or 'png'}"), place)


def _event(data: bytes) -> Mapping[str, Any]:
    """An event that is no object says nothing."""
    try:
        event = decode_json(data)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _status(event: Mapping[str, Any]) -> int:
    """An error within a stream has no status: only of what was not allowed is it certain that nothing is made."""
    error = event["error"]
    kind = error.get("type") if isinstance(error, dict) else None
    return 400 if kind in ("image_generation_user_error", "invalid_request_error") else 500
