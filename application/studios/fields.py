"""The fields that a kind of operation can be given, for whoever draws a form: read from the catalogue, always current.

models of a kind ── their inputs, by name ──> Field: type, range, choices, default, who takes it ──> FieldMap
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.catalogue import Catalogue, Class, Model
from domain.inputs import MEDIA_TYPES, Input, InputType, Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input over all models that have it: `minimum`, `maximum` and `choices` are the widest of theirs.

    It is `required` if every model of the kind needs it; `default` is what all that have it share, and `models` tells
    each that takes it, with what it says otherwise.
    """

    name: str
    type: str
    required: bool
    is_file: bool
    default: Scalar | None
    choices: tuple[Scalar, ...]
    minimum: Decimal | None
    maximum: Decimal | None
    multiple_of: int | None
    max_chars: int | None
    many: int
    media_types: tuple[str, ...]
    models: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class FieldMap:
    """All fields of a kind, those that every model needs first; of `one_of` a model needs at least one."""

    kind: str
    fields: tuple[Field, ...]
    one_of: Mapping[str, tuple[str, ...]]


def field_map(catalogue: Catalogue, kind: str, at: int) -> FieldMap:
    """The fields of a kind, of the models that can be used at an instant. Raises UnknownKind."""
    found = [model for model in catalogue.for_kind(kind) if not model.why_unavailable(at)]
    models = [model for model in found if model.class_ is not Class.TEST and model.prices]
    names = dict.fromkeys(name for model in models for name in model.inputs)
    fields = [_field(name, models) for name in names]
    groups = {model.id: model.one_of for model in models if model.one_of}
    return FieldMap(kind, tuple(sorted(fields, key=lambda one: (not one.required, not one.is_file))), groups)


def _field(name: str, models: Sequence[Model]) -> Field:
    specs = {model.id: model.inputs[name] for model in models if name in model.inputs}
    one = next(iter(specs.values()))
    defaults = {spec.default for spec in specs.values()}
    return Field(
        name=name,
        type=str(InputType.SIZE if any(spec.type is InputType.SIZE for spec in specs.values()) else one.type),
        required=len(specs) == len(models) and all(spec.required for spec in specs.values()),
        is_file=one.is_file,
        default=defaults.pop() if len(defaults) == 1 else None,
        choices=_joined(spec.choices for spec in specs.values()),
        minimum=_widest([spec.minimum for spec in specs.values()], min),
        maximum=_widest([spec.maximum for spec in specs.values()], max),
        multiple_of=one.multiple_of if len({spec.multiple_of for spec in specs.values()}) == 1 else None,
        max_chars=max(spec.max_chars for spec in specs.values()) if one.type == "text" else None,
        many=max(spec.many for spec in specs.values()),
        media_types=_joined(spec.media_types or MEDIA_TYPES[spec.type] for spec in specs.values() if spec.is_file),
        models={id: _said(spec) for id, spec in specs.items()},
    )


def _widest(limits: Sequence[Decimal | None], pick: Any) -> Decimal | None:
    """The limit within which some model takes a value; None if one has no limit."""
    known = [limit for limit in limits if limit is not None]
    widest: Decimal | None = pick(known) if len(known) == len(limits) else None
    return widest


def _joined(several: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for values in several for value in values))


def _said(spec: Input) -> dict[str, Any]:
    """All that an entry says of an input, without what it leaves open."""
    usual = Input(name=spec.name, type=spec.type)
    told = ("required", "default", "choices", "minimum", "maximum", "multiple_of", "many", "max_chars", "max_bytes")
    more = ("min_side", "max_side", "min_pixels", "max_pixels", "min_aspect", "max_aspect")
    return {name: getattr(spec, name) for name in (*told, *more) if getattr(spec, name) != getattr(usual, name)}
