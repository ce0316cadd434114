"""Loads the catalogue: the files beside this one, then a user's own, which add models and prices.

    [preset.NAME] ──> inputs by name ─┐
    [[model]] ────────────────────────┴──> Model ──┐
    [[price]] ──> added, or in place of its like ──┴──> Catalogue, PriceBook

Every mistake is a CatalogueError naming file, model and field, and nothing is loaded.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from domain.catalogue import Catalogue, Model
from domain.errors import CatalogueError, InvalidMoney
from domain.inputs import Input
from domain.money import check_currency
from domain.pricing import PriceBook, PriceRule, price_book
from infrastructure.catalogue.checks import check_input, check_one_of, check_rule, check_rules
from infrastructure.catalogue.entries import FileEntry, InputEntry, LaterPrice, ModelEntry, complaints

BUILT_IN: Final = tuple(sorted(Path(__file__).parent.glob("*.toml")))

Presets = Mapping[str, Mapping[str, InputEntry]]
E = TypeVar("E", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Source:
    """One file, with the name that errors give it."""

    name: str
    entry: FileEntry


@dataclass(frozen=True, slots=True)
class Written:
    """A rule and where it stands: file, and field within the model or among the file's prices."""

    rule: PriceRule
    file: str
    place: str


@dataclass(slots=True)
class Draft:
    """A model while later files may still change its prices."""

    entry: ModelEntry
    file: str
    inputs: Mapping[str, Input]
    rules: list[Written] = field(default_factory=list)


def load_catalogue(overlays: Sequence[Path] = ()) -> tuple[Catalogue, PriceBook]:
    """Read the built-in files, then `overlays` in their order; of two prices for one case the later file's holds.

    Raises CatalogueError naming file, model and field.
    """
    sources = [_read(path, path.name) for path in BUILT_IN] + [_read(path, str(path)) for path in overlays]
    currency = _currency(sources)
    drafts = _drafts(sources, _presets(sources))
    for source in sources:
        _add_prices(source, drafts)
    models = {id: _finish(draft) for id, draft in sorted(drafts.items())}
    return Catalogue(MappingProxyType(models)), price_book(models.values(), currency)


def _read(path: Path, name: str) -> Source:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise CatalogueError(f"{name}: cannot be read: {error.strerror}", hint="check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CatalogueError(f"{name}: is not TOML: {error}", hint="correct the file") from error
    return Source(name, _parse(FileEntry, data, name))


def _parse(shape: type[E], data: Mapping[str, Any], where: str, joint: str = ": ") -> E:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise _wrong(where, complaints(error), joint) from error


def _wrong(where: str, what: Iterable[str], joint: str = ": ") -> CatalogueError:
    return CatalogueError("\n".join(f"{where}{joint}{each}" for each in what), hint="correct the file")


def _currency(sources: Sequence[Source]) -> str:
    """All prices are in one currency: they are compared and never converted."""
    currency = sources[0].entry.currency
    for source in sources:
        try:
            check_currency(source.entry.currency)
        except InvalidMoney as error:
            raise _wrong(source.name, [f"currency: {error.message}"]) from error
        if source.entry.currency != currency:
            raise _wrong(source.name, [f"currency: {source.entry.currency} beside prices in {currency}"])
    return currency


def _presets(sources: Iterable[Source]) -> Presets:
    presets: dict[str, Mapping[str, InputEntry]] = {}
    for source in sources:
        for name, inputs in source.entry.preset.items():
            if name in presets:
                raise _wrong(source.name, [f"preset.{name}: there is one already"])
            presets[name] = inputs
            for input_name, entry in inputs.items():
                _check_input(entry, input_name, f"{source.name}: preset.{name}")
    return presets


def _drafts(sources: Iterable[Source], presets: Presets) -> dict[str, Draft]:
    drafts: dict[str, Draft] = {}
    for source in sources:
        for number, data in enumerate(source.entry.model):
            where = f"{source.name}: model {data.get('id', number + 1)!r}"
            entry = _parse(ModelEntry, data, where)
            if entry.id in drafts:
                raise _wrong(where, [f"id: {drafts[entry.id].file} has it already"])
            drafts[entry.id] = _draft(entry, source.name, where, presets)
    return drafts


def _draft(entry: ModelEntry, file: str, where: str, presets: Presets) -> Draft:
    if not entry.route and not entry.unavailable:
        raise _wrong(where, ["route: is missing; a model without one says why it is unavailable"])
    entries: dict[str, InputEntry] = {}
    for number, name in enumerate(entry.extends):
        if name not in presets:
            raise _wrong(where, [f"extends[{number}]: there is no preset {name!r}"])
        entries |= presets[name]
    entries |= entry.inputs
    inputs = {name: _check_input(each, name, where) for name, each in entries.items()}
    if wrong := list(check_one_of(entry.one_of, inputs)):
        raise _wrong(where, wrong)
    draft = Draft(entry, file, MappingProxyType(inputs))
    for number, price in enumerate(entry.prices):
        _put(draft, Written(price.to_rule(entry.unit), file, f"{where}: prices[{number}]"))
    return draft


def _check_input(entry: InputEntry, name: str, where: str) -> Input:
    spec = entry.to_input(name)
    if wrong := list(check_input(spec, entry.model_fields_set)):
        raise _wrong(f"{where}: inputs.{name}", wrong, ".")
    return spec


def _add_prices(source: Source, drafts: Mapping[str, Draft]) -> None:
    for number, data in enumerate(source.entry.price):
        where = f"{source.name}: model {data.get('model')!r}: price[{number}]"
        entry = _parse(LaterPrice, data, where, ".")
        if entry.model not in drafts:
            raise _wrong(where, [f"model: there is no model {entry.model!r}"], ".")
        draft = drafts[entry.model]
        _put(draft, Written(entry.to_rule(draft.entry.unit), source.name, where))


def _put(draft: Draft, new: Written) -> None:
    """Add a rule, or put it in the place of an earlier file's for the same case."""
    if wrong := list(check_rule(new.rule, draft.inputs)):
        raise _wrong(new.place, wrong, ".")
    for number, old in enumerate(draft.rules):
        if new.rule.same_case(old.rule):
            if new.file == old.file:
                raise _wrong(new.place, [f"rate: {old.place} is for the same case"], ".")
            draft.rules[number] = new
            return
    draft.rules.append(new)


def _finish(draft: Draft) -> Model:
    rules = tuple(written.rule for written in draft.rules)
    if undecided := check_rules(rules):
        files = " and ".join(dict.fromkeys([draft.file, *(written.file for written in draft.rules)]))
        raise _wrong(f"{files}: model {draft.entry.id!r}", [f"prices: {undecided}"])
    return draft.entry.to_model(draft.inputs, rules)
