"""From the fields that OpenAI's clients send to a request of ours.

    model    ──> our id for the kind           n, user  ──> as they are
    size     ──> a wish of exact pixels        quality  ──> the model's own word for it
    "auto"   ──> left out                      others   ──> inputs of the model, if it has them

A field that says how the picture has to be, and that the model cannot do, is refused: what is sold is what was asked
for. A field that only advises, or that nobody knows, is ignored and named in a header; a client that asks to be strict
gets an error instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from application.asking.requests import File, Request
from application.ports import Scalar
from domain.catalogue import Model
from domain.errors import InvalidInput
from domain.inputs import is_accepted, plain, shortened
from domain.tags import check_tags
from domain.wishes import Wishes
from infrastructure.gateway.aliases import ClientModels
from infrastructure.wire.content import decode_json, read_data_uri

PARTIAL: Final = "partial_images"
MOST_GLIMPSES: Final = 3
METADATA: Final = "metadata"
"""The caller's own words about what is asked, as OpenAI has them: they are tags."""
OWN: Final = frozenset({"model", "n", "size", "quality", "response_format", "stream", PARTIAL, "user", METADATA})
ADVICE: Final = frozenset({"style", "moderation", "safety_identifier"})
"""Fields that a picture may be made without."""

BINDING: Final = frozenset(
    {
        "background",
        "output_format",
        "output_compression",
        "input_fidelity",
        "complexity",
        "frame_count",
        "frame_duration_ms",
        "svg",
    }
)
"""Fields that say how the picture has to be."""

USUAL: Final[Mapping[str, Any]] = {"background": "opaque", "output_format": "png", "output_compression": 100}
"""The values that a picture of a model without such an input has anyway."""

QUALITIES: Final[Mapping[str, tuple[str, ...]]] = {
    "standard": ("standard", "medium"),
    "hd": ("hd", "high"),
    "medium": ("medium", "standard"),
    "high": ("high", "hd"),
    "low": ("low", "draft"),
}
"""The words for a quality, each with those of other models for the same."""


LONGEST_NUMBER: Final = 9
"""Digits."""


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A request, how its files are wanted, and the fields that had no effect."""

    request: Request
    as_url: bool | None
    stream: bool
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Makes requests of fields; `strict` refuses what it would ignore."""

    models: ClientModels
    strict: bool = False

    def picture(
        self, kind: str, account: str, fields: Mapping[str, Any], media: Mapping[str, Sequence[File]], **more: Any
    ) -> ClientRequest:
        """The request for pictures; `more` are fields of the request. Raises InvalidInput."""
        id, model = self.meant(fields, kind)
        inputs, ignored = self.inputs(fields, model, OWN)
        quality, unheard = _quality(text_of(fields, "quality"), model)
        size = text_of(fields, "size")
        wishes = Wishes(size="" if size == "auto" else size, gladly={"quality": quality} if quality else {})
        n, stream, glimpses = whole_number(fields, "n", 1), flag(fields, "stream"), _glimpses(fields)
        if stream and n == 1 and glimpses and model is not None and PARTIAL in model.inputs:
            inputs[PARTIAL] = glimpses
        elif glimpses:
            ignored.append(PARTIAL)
        tags = tags_in(fields)
        request = Request(kind, account, inputs, media, model=id, n=n, wishes=wishes, tags=tags, **more)
        return ClientRequest(request, _as_url(fields), stream, self.heard([*ignored, *unheard]))

    def meant(self, fields: Mapping[str, Any], kind: str) -> tuple[str, Model | None]:
        """The id or strategy for a client's word, and the model that it names."""
        id = self.models.meant(text_of(fields, "model") or "auto", kind)
        catalogue = self.models.catalogue
        return id, catalogue.get(id) if id in catalogue else None

    def heard(self, ignored: Sequence[str]) -> tuple[str, ...]:
        """The fields that have no effect, each once. Raises InvalidInput for the first if there may be none."""
        if ignored and self.strict:
            raise InvalidInput(ignored[0], "has no effect here", hint="leave it out, or do not ask to be strict")
        return tuple(dict.fromkeys(ignored))

    def inputs(
        self, fields: Mapping[str, Any], model: Model | None, own: frozenset[str]
    ) -> tuple[dict[str, Scalar], list[str]]:
        """The model's own inputs among the fields, and the names of those that have no effect; `own` ones are read
        otherwise."""
        inputs: dict[str, Scalar] = {}
        ignored = []
        for name, value in fields.items():
            takes = name == "prompt" or (name in model.inputs if model is not None else self._is_input(name))
            if name in own or name.startswith(f"{METADATA}[") or value in (None, "") or (value == "auto" and not takes):
                continue
            if takes:
                inputs[name] = _scalar(name, value)
            elif name not in BINDING:
                ignored.append(name)
            elif str(value) != str(USUAL.get(name)):
                told = f"model {model.id!r} does not take it" if model is not None else "no model takes it"
                raise InvalidInput(name, told, hint="leave it out, or name another model")
        return inputs, ignored

    def _is_input(self, name: str) -> bool:
        """Of some model, where a strategy chooses among those that take it; what only advises chooses none."""
        return name not in ADVICE and any(name in model.inputs for model in self.models.catalogue)


def _quality(word: str, model: Model | None) -> tuple[tuple[str, ...], list[str]]:
    """The words for the model to choose from, and "quality" if it has none at all. Raises InvalidInput."""
    if word in ("", "auto"):
        return (), []
    words = QUALITIES.get(word, (word,))
    if model is None:
        return words, []
    spec = model.inputs.get("quality")
    if spec is None:
        return (), ["quality"]
    if not any(is_accepted(spec, one) for one in words):
        raise InvalidInput("quality", f"{shortened(word)} is none of model {model.id!r}", hint=f"it takes {_all(spec)}")
    return words, []


def _all(spec: Any) -> str:
    return ", ".join(map(str, spec.choices)) or "other values"


def _as_url(fields: Mapping[str, Any]) -> bool | None:
    """Whether addresses were asked for; None if nothing was said."""
    word = fields.get("response_format")
    if word in (None, ""):
        return None
    if word not in ("url", "b64_json"):
        raise InvalidInput("response_format", f"{shortened(word)} is neither url nor b64_json", hint="choose one")
    return bool(word == "url")


def tags_in(fields: Mapping[str, Any]) -> dict[str, str]:
    """The tags that `metadata` has: one object, or of a form its text, or a field for each. Raises InvalidInput."""
    told, head = fields.get(METADATA), f"{METADATA}["
    if told in (None, ""):
        told = {name.removeprefix(head).removesuffix("]"): one for name, one in fields.items() if name.startswith(head)}
    elif isinstance(told, str):
        try:
            told = decode_json(told.encode())
        except ValueError as error:
            raise InvalidInput(METADATA, f"is no JSON: {error}", hint="send an object of texts") from error
    if told:
        check_tags(told, METADATA)
    return dict(told or {})


def whole_number(fields: Mapping[str, Any], name: str, usual: int) -> int:
    """A whole number, which a form has as text. Raises InvalidInput."""
    value = fields.get(name)
    if value in (None, ""):
        return usual
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= LONGEST_NUMBER:
        return int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value() and value.adjusted() < LONGEST_NUMBER:
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput(name, f"must be a whole number, not {shortened(value)}", hint="such as 1")
    return value


def _glimpses(fields: Mapping[str, Any]) -> int:
    """How many pictures are wanted on the way. Raises InvalidInput."""
    number = whole_number(fields, PARTIAL, 0)
    if not 0 <= number <= MOST_GLIMPSES:
        raise InvalidInput(PARTIAL, f"{number} pictures on the way", hint=f"ask for 0 to {MOST_GLIMPSES}")
    return number


def flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name)
    if value in (None, "", False, "false", "False", "0"):
        return False
    if value in (True, "true", "True", "1"):
        return True
    raise InvalidInput(name, f"must be true or false, not {shortened(value)}", hint="leave it out for false")


def text_of(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(name, f"must be text, not {shortened(value)}", hint="write it in quotes")
    return (value or "").strip()


def _scalar(name: str, value: Any) -> Scalar:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, str | int | bool):
        return value
    raise InvalidInput(name, f"must be one value, not {shortened(value)}", hint="give text, a number, true or false")


def file_at(field: str, address: object) -> File:
    """The file that an address names: within it, as a data URI, or elsewhere. Raises InvalidInput."""
    if not isinstance(address, str) or not address:
        raise InvalidInput(field, f"must be an address, not {shortened(address)}", hint="give https://… or a data URI")
    if not address.startswith("data:"):
        return address
    found = read_data_uri(address)
    if found is None:
        raise InvalidInput(field, "is no readable data URI", hint="write data:image/png;base64,…")
    return found.content
