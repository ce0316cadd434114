"""WaveSpeed's offers now: its models with the inputs that they document and the formulas that they are billed by.

    GET /models ── one answer, thousands of models ──> Offers     what cannot be read is noted, and never guessed

Names, types and sizes are told as tasks have them, so that they can be held against the catalogue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from application.ports import Value
from application.providing.answers import is_believable
from application.providing.listings import Offered, OfferedInput, Offers
from domain.counts import counted
from infrastructure.providers.wavespeed.formulas import NotUnderstood, PriceFormula, read_formula
from infrastructure.providers.wavespeed.inputs import SIZE, as_sent, read_size
from infrastructure.wire.answers import Answer, Unreadable
from infrastructure.wire.api import Api

LIST_SECONDS: Final = 60.0
LARGEST_LIST: Final = 64 * 1024 * 1024
MOST_MODELS: Final = 20_000
MOST_NAMED: Final = 12
SENT_ANYWAY: Final = frozenset({"enable_sync_mode", "enable_base64_output"})
"""The inputs that the adapter decides: how a submission is answered."""

# Its own words for what a model does, and the kinds of the catalogue that may be. What is not here makes nothing that
# this studio has a kind for, such as speech or text.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "text-to-image": ("text-to-image",),
    "image-to-image": ("image-edit",),
    "image-edit": ("image-edit",),
    "image-effects": ("image-edit",),
    "image-tools": ("image-edit",),
    "upscaler": ("upscale",),
    "image-to-text": ("caption",),
    "text-to-video": ("text-to-video",),
    "image-to-video": ("image-to-video",),
    "video-effects": ("image-to-video",),
    "digital-human": ("avatar",),
    "audio-to-video": ("avatar",),
    "lip-sync": ("avatar",),
    "video-to-video": ("video-edit",),
    "video-edit": ("video-edit",),
    "video-extend": ("video-extend",),
    "video-upscaler": ("video-upscale",),
    "video-to-audio": ("video-add-audio",),
    "image-to-3d": ("image-to-3d",),
    "text-to-3d": ("text-to-3d",),
}
TYPES: Final = {"string": "text", "integer": "integer", "number": "decimal", "boolean": "flag"}
FILES: Final = ("image", "video", "audio")
UPLOADS: Final = ("uploader", "uploaders", "mask-uploader", "image", "video", "audio", "images", "videos", "audios")


@dataclass(frozen=True, slots=True)
class _Price:
    """The sum that the formula of one model comes to; what is not sent is priced at the default that its schema has."""

    base: Decimal
    formula: PriceFormula | None
    defaults: Mapping[str, object]

    def __call__(self, inputs: Mapping[str, Value], seconds: Mapping[str, Decimal]) -> Decimal:
        if self.formula is None:
            return self.base
        sent = {name: as_sent(name, value) for name, value in inputs.items()}
        return self.formula.price(self.base, {**self.defaults, **sent}, seconds)


class ModelsListing:
    """The part of the API that lists models."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def offers(self, routes: Collection[str]) -> Offers:
        """All of them. Raises ProviderError."""
        answer = await self._api.read("GET", "models", within=LIST_SECONDS, limit=LARGEST_LIST)
        return await self._api.understood(answer, lambda whole: _offers(whole, routes))


def _offers(answer: Answer, routes: Collection[str]) -> Offers:
    """Those that may be of a kind that the catalogue has, and those that it has anyway. Raises Unreadable."""
    body = answer.object()
    listed = body.get("data")
    if body.get("code") not in (0, 200) or not isinstance(listed, list) or len(listed) > MOST_MODELS:
        raise Unreadable("the provider's list of models cannot be read")
    found, others, unread = [], Counter[str](), 0
    for item in listed:
        try:
            offered, kind = _offered(item)
        except NotUnderstood:
            unread += 1
            continue
        if offered.kinds or offered.route in routes:
            found.append(offered)
        else:
            others[kind] += 1
    return Offers(tuple(found), is_whole=not unread, notes=tuple(_notes(others, unread)))


def _notes(others: Counter[str], unread: int) -> list[str]:
    notes = []
    if others:
        named = ", ".join(f"{kind or 'no type'} ({count})" for kind, count in others.most_common(MOST_NAMED))
        notes.append(f"left out: {counted(others.total(), 'model')} of types that no kind here is for: {named}")
    if unread:
        notes.append(
            f"{counted(unread, 'entry', 'entries')} of the list cannot be read, so that nothing is said to be gone"
        )
    return notes


def _offered(item: Any) -> tuple[Offered, str]:
    """One model and its type there. Raises NotUnderstood where it is none, or cannot be believed."""
    if not isinstance(item, dict) or not isinstance(route := item.get("model_id"), str) or not route:
        raise NotUnderstood("an entry names no model")
    kind, about = (text if isinstance(text := item.get(name), str) else "" for name in ("type", "description"))
    schema = _schema(item)
    inputs = None if schema is None else tuple(_inputs(schema))
    formula = item.get("formula") if isinstance(item.get("formula"), str) else ""
    price, priced_by = _price(item.get("base_price"), str(formula), schema or {})
    told = str(formula) or f"base price {item.get('base_price')}"
    offered = Offered(route, about, KINDS.get(kind, ()), inputs, price, priced_by, told)
    if not is_believable(offered):
        raise NotUnderstood(f"the entry of {route} cannot be so")
    return offered, kind


def _schema(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The inputs that a submission may hold, or None if they are not told."""
    schemas = item.get("api_schema")
    listed = schemas.get("api_schemas") if isinstance(schemas, dict) else None
    first = listed[0] if isinstance(listed, list) and listed else None
    schema = first.get("request_schema") if isinstance(first, dict) else None
    return schema if isinstance(schema, dict) and isinstance(schema.get("properties"), dict) else None


def _inputs(schema: Mapping[str, Any]) -> list[OfferedInput]:
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    documented: Mapping[str, Any] = schema["properties"]
    return [
        _input(name, told if isinstance(told, dict) else {}, name in needed)
        for name, told in documented.items()
        if name not in SENT_ANYWAY
    ]


def _input(name: str, told: Mapping[str, Any], required: bool) -> OfferedInput:
    each, many = told, told.get("type") == "array"
    if many:
        each = told["items"] if isinstance(told.get("items"), dict) else {}
    choices = each.get("enum")
    kind = _type(name, told, each)
    return OfferedInput(
        name,
        kind,
        required,
        many,
        tuple(_as_sent(name, choice) for choice in choices if _is_value(choice)) if isinstance(choices, list) else (),
        _end(each.get("minimum")),
        _end(each.get("maximum")),
        _as_sent(name, told["default"]) if _is_value(told.get("default")) else None,
    )


def _type(name: str, told: Mapping[str, Any], each: Mapping[str, Any]) -> str:
    """In the catalogue's words: a file is a text whose name or whose field says so."""
    kind = TYPES.get(str(each.get("type")), "")
    if kind != "text":
        return kind
    if isinstance(each.get("enum"), list):
        return "choice"
    if name == SIZE and read_size(each.get("default")):
        return "size"
    words = name.removesuffix("s").removesuffix("_url").split("_")
    uploaded = str(told.get("x-ui-component", "")) in UPLOADS
    file = next((one for one in FILES if one in words), "")
    return file or ("image" if uploaded or "mask" in words else kind)


def _price(base: object, formula: str, schema: Mapping[str, Any]) -> tuple[_Price | None, tuple[str, ...]]:
    """The formula that it is billed by, if that can be understood, and the inputs that this hangs on."""
    if isinstance(base, bool) or not isinstance(base, int | Decimal) or base < 0:
        return None, ()
    if not formula:
        return _Price(Decimal(base), None, {}), ()
    try:
        read = read_formula(formula)
    except NotUnderstood:
        return None, ()
    properties = schema.get("properties", {})
    defaults = {
        name: told["default"] for name, told in properties.items() if isinstance(told, dict) and "default" in told
    }
    return _Price(Decimal(base), read, defaults), read.names


def _as_sent(name: str, choice: Value) -> Value:
    """As a task has it: sizes with an x."""
    size = read_size(choice) if name == SIZE else None
    return choice if size is None else f"{size[0]}x{size[1]}"


def _is_value(choice: object) -> bool:
    return isinstance(choice, Value)


def _end(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
