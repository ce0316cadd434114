"""Bodies as OpenAI's clients write them, for the OpenAPI document; other fields are inputs of the model, or ignored."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from domain.tags import LONGEST_NAME, LONGEST_VALUE, MOST_TAGS
from infrastructure.gateway.describing import TEXT

Metadata = Annotated[
    dict[Annotated[str, Field(max_length=LONGEST_NAME)], Annotated[str, Field(max_length=LONGEST_VALUE)]] | None,
    Field(max_length=MOST_TAGS, description="Tags of the operation.", examples=[{"team": "red"}]),
]


class ImagesAsked(BaseModel):
    """Pictures from words."""

    model_config = ConfigDict(extra="allow")

    prompt: Annotated[str, Field(examples=["a lake at dawn"])]
    model: str | None = None
    n: Annotated[int, Field(ge=1, le=100)] | None = None
    size: Annotated[str, Field(examples=["1024x1024", "auto"])] | None = None
    quality: str | None = None
    background: str | None = None
    output_format: str | None = None
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    response_format: str | None = None
    stream: bool | None = None
    partial_images: Annotated[int, Field(ge=0, le=3)] | None = None
    user: str | None = None
    metadata: Metadata = None


class Addressed(BaseModel):
    """A file by its address, which may hold it: data:image/png;base64,…"""

    image_url: str


class EditAsked(ImagesAsked):
    """Pictures from pictures and words; a form has files instead of addresses."""

    images: list[Addressed]
    mask: Addressed | None = None


class FilmAsked(BaseModel):
    """A film from words, or from a picture and words."""

    model_config = ConfigDict(extra="allow")

    prompt: str
    model: str | None = None
    seconds: Annotated[str, Field(examples=["8"])] | None = None
    size: Annotated[str, Field(examples=["1280x720"])] | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None
    generate_audio: bool | None = None
    seed: int | None = None
    input_reference: Addressed | None = None
    metadata: Metadata = None


USAGE: Final = {
    "type": "object",
    "required": ["cost", "cost_source", "cost_currency"],
    "properties": {
        "cost": {"type": "string", "description": "The price, an exact decimal."},
        "cost_source": {"enum": ["provider", "counted", "quoted", "capped", "estimated", "unknown"]},
        "cost_currency": TEXT,
        "input_tokens": {"type": "integer"},
        "output_tokens": {"type": "integer"},
        "total_tokens": {"type": "integer"},
    },
}
IMAGES: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["created", "data", "usage"],
    "properties": {
        "created": {"type": "integer"},
        "data": {"type": "array", "items": {"type": "object", "properties": {"b64_json": TEXT, "url": TEXT}}},
        "size": TEXT,
        "output_format": TEXT,
        "usage": USAGE,
    },
}
_NULLABLE: Final = {"type": ["string", "null"]}
_INSTANT: Final = {"type": ["integer", "null"]}
FILM: Final[dict[str, Any]] = {
    "type": "object",
    "required": [
        "id",
        "object",
        "model",
        "status",
        "progress",
        "created_at",
        "completed_at",
        "prompt",
        "size",
        "seconds",
    ],
    "properties": {
        "id": TEXT,
        "object": {"const": "video"},
        "model": TEXT,
        "status": {"enum": ["queued", "in_progress", "completed", "failed"]},
        "progress": {"type": "integer"},
        "created_at": {"type": "integer"},
        "completed_at": _INSTANT,
        "expires_at": _INSTANT,
        "prompt": _NULLABLE,
        "size": _NULLABLE,
        "seconds": _NULLABLE,
        "error": {"type": ["object", "null"]},
        "polling_url": TEXT,
        "unsigned_urls": {"type": "array", "items": TEXT},
        "usage": USAGE,
    },
}
FILMS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["object", "data", "has_more"],
    "properties": {"data": {"type": "array", "items": FILM}, "has_more": {"type": "boolean"}},
}
