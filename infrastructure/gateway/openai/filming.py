"""From the fields that OpenAI's and OpenRouter's clients send for a film to a request of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from application.asking.requests import File, Request
from domain.errors import InvalidInput
from domain.footage import lines_of
from domain.inputs import shortened
from domain.shapes import pair
from domain.wishes import Wishes
from infrastructure.gateway.openai.asking import METADATA, ClientRequest, Interpreter, flag, tags_in, text_of

OWN: Final = frozenset(
    {
        *("model", "seconds", "duration", "size", "resolution", "aspect_ratio", "generate_audio", "seed"),
        *("input_reference", "input_references", "frame_images", "user", METADATA),
    }
)


def film_asked(
    reader: Interpreter, account: str, fields: Mapping[str, Any], pictures: Sequence[File], **more: Any
) -> ClientRequest:
    """The request for one film, from words, or from a picture and words. Raises InvalidInput.

    A size is had at least: models make films of few sizes, and in their shape.
    """
    kind = "image-to-video" if pictures else "text-to-video"
    id, model = reader.meant(fields, kind)
    inputs, ignored = reader.inputs(fields, model, OWN)
    wishes = Wishes(
        seconds=_seconds(fields),
        sound=flag(fields, "generate_audio"),
        seed=fields["seed"] if isinstance(fields.get("seed"), int) else None,
        **_frame(fields),
    )
    media = {"image": list(pictures)} if pictures else {}
    request = Request(kind, account, inputs, media, model=id, wishes=wishes, tags=tags_in(fields), **more)
    return ClientRequest(request, as_url=None, stream=False, ignored=reader.heard(ignored))


def _seconds(fields: Mapping[str, Any]) -> Decimal | None:
    """The length, which OpenAI's clients send as text. Raises InvalidInput."""
    name = "seconds" if fields.get("seconds") not in (None, "") else "duration"
    told = fields.get(name)
    if told in (None, "", "auto"):
        return None
    try:
        seconds = Decimal(str(told))
    except InvalidOperation as error:
        raise InvalidInput(name, f"{shortened(told)} is no length", hint='such as "8"') from error
    if not seconds.is_finite() or not 0 < seconds < 86_400:
        raise InvalidInput(name, f"{shortened(told)} is no length of a film", hint='such as "8"')
    return seconds


def _frame(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The shape and the lines of the picture. Raises InvalidInput."""
    size, resolution, aspect = (text_of(fields, name) for name in ("size", "resolution", "aspect_ratio"))
    if size not in ("", "auto"):
        wide, high = pair("size", size)
        return {"aspect": f"{wide}:{high}", "lines": min(wide, high)}
    lines = lines_of(resolution) if resolution else 0
    if resolution and not lines:
        raise InvalidInput("resolution", f"{shortened(resolution)} is none", hint="such as 720p or 1080p")
    return {"aspect": "" if aspect == "auto" else aspect, "lines": lines}
