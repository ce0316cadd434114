"""Loads the catalogue: the files that installed distributions offer, then the operator's, which add models and prices.

    [preset.NAME] ──> inputs by name ─┐      [metering.NAME] ──> meters of prices
    [[model]] ────────────────────────┴──> Model ──┐
    [[change]] ──> what is otherwise of it ────────┤
    [[price]] ──> added, or in place of its like ──┴──> Catalogue, PriceBook
    [[exchange]] ──> rates of exchange
    [[known]] ──> routes that are not wanted here

A file of another distribution's brings models; those of other files are changed by the operator's files alone.
A model that is `like` another of its file has whatever that has, but for what it says itself.

Every mistake is a CatalogueError naming file, model and field, and nothing is loaded. A process that opens many studios
parses equal files once; files are read each time, so that a changed one is seen.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from domain.catalogue import Catalogue, Model
from domain.errors import CatalogueError, InvalidMoney
from domain.inputs import Input
from domain.money import check_currency
from domain.pricebook import price_book_of
from domain.pricing import PriceBook, PriceRule, Unit
from infrastructure.catalogue.checks import check_group, check_input, check_rule, check_rules
from infrastructure.catalogue.entries import (
    ChangeEntry,
    FileEntry,
    InputEntry,
    LaterPrice,
    Meterings,
    ModelEntry,
    PriceEntry,
    complaints,
)
from infrastructure.catalogue.exchanging import exchange_in
from infrastructure.plugins import catalogue_files, more_models
from infrastructure.texts import text_in, toml_of

Presets = Mapping[str, Mapping[str, InputEntry]]
E = TypeVar("E", bound=BaseModel)
T = TypeVar("T")
CORRECT: Final = "correct the file"
OTHERWISE: Final = "say all of a new model; of one that there is, [[price]] says another rate, and [[change]] all else"


@dataclass(frozen=True, slots=True, eq=False)
class CatalogueSource:
    """One file, with the name that errors give it, and whether another distribution brought it; the same object as long
    as it says the same."""

    name: str
    entry: FileEntry
    is_guest: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A rule and where it stands: file, and field within the model or among the file's prices."""

    rule: PriceRule
    file: str
    place: str


@dataclass(slots=True)
class ModelDraft:
    """A model while later files may still change its prices."""

    entry: ModelEntry
    file: str
    inputs: Mapping[str, Input]
    rules: list[Written] = field(default_factory=list)


def load_catalogue(overlays: Sequence[Path] = ()) -> tuple[Catalogue, PriceBook]:
    """Read the installed files, then `overlays` in their order; of two prices for one case the later file's holds.

    Raises CatalogueError naming file, model and field, PluginError for a distribution whose file is not there.
    """
    return _loaded(_sources(overlays))


def with_overlay(overlays: Sequence[Path], text: str, name: str) -> tuple[Catalogue, PriceBook]:
    """As `load_catalogue` with one overlay more, of which this is the text. Raises CatalogueError, PluginError."""
    return _loaded((*_sources(overlays), _source(text, name)))


def _sources(overlays: Sequence[Path]) -> tuple[CatalogueSource, ...]:
    installed = (_read(file.path, file.name, is_guest=file.is_guest) for file in catalogue_files())
    return (*installed, *(_read(path, str(path)) for path in overlays))


@lru_cache(8)
def _loaded(sources: tuple[CatalogueSource, ...]) -> tuple[Catalogue, PriceBook]:
    currency = _currency(sources)
    meterings = _meterings(sources)
    drafts = _drafts(sources)
    for source in sources:
        _change(source, drafts, meterings)
        _add_prices(source, drafts, meterings)
    models = {id: _finish(draft) for id, draft in sorted(drafts.items())}
    exchange = exchange_in((source.name, source.entry.exchange) for source in sources)
    return Catalogue(MappingProxyType(models), more_models), price_book_of(models.values(), currency, exchange)


def known_routes(overlays: Sequence[Path] = ()) -> dict[str, frozenset[str]]:
    """The routes of each provider that it offers and that are not wanted here. Raises CatalogueError, PluginError."""
    routes: dict[str, frozenset[str]] = {}
    for source in _sources(overlays):
        for known in source.entry.known:
            routes[known.provider] = routes.get(known.provider, frozenset()) | frozenset(known.routes)
    return routes


def _read(path: Path, name: str, *, is_guest: bool = False) -> CatalogueSource:
    try:
        return _source(text_in(path), name, is_guest=is_guest)
    except OSError as error:
        hint = "have its distribution install the file, as its package data" if is_guest else "check the path"
        raise CatalogueError(f"{name}: cannot be read: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{name}: is not TOML: {error}", hint="correct the file") from error


@lru_cache(64)
def _source(text: str, name: str, *, is_guest: bool = False) -> CatalogueSource:
    try:
        data = toml_of(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{name}: is not TOML: {error}", hint="correct the file") from error
    return CatalogueSource(name, _parse(FileEntry, data, name), is_guest)


def _parse(shape: type[E], data: Mapping[str, Any], where: str, joint: str = ": ") -> E:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        names = [one.alias or name for name, one in shape.model_fields.items()]
        partial = shape is ModelEntry and any(one["type"] == "missing" for one in error.errors())
        raise _wrong(where, complaints(error, names), joint, hint=OTHERWISE if partial else CORRECT) from error


def _wrong(where: str, what: Iterable[str], joint: str = ": ", *, hint: str = "") -> CatalogueError:
    return CatalogueError("\n".join(f"{where}{joint}{each}" for each in what), hint=hint or CORRECT)


def _currency(sources: Sequence[CatalogueSource]) -> str:
    """All prices are in one currency: they are compared and never converted."""
    if not sources:
        what = "no installed distribution brings a catalogue, and this program's own is not installed"
        raise CatalogueError(
            what, hint="install it: python -m pip install image-studio, or in its folder: pip install -e ."
        )
    currency = sources[0].entry.currency
    for source in sources:
        try:
            check_currency(source.entry.currency)
        except InvalidMoney as error:
            raise _wrong(source.name, [f"currency: {error.message}"]) from error
        if source.entry.currency != currency:
            raise _wrong(source.name, [f"currency: {source.entry.currency} beside prices in {currency}"])
    return currency


@lru_cache(8)
def _presets(sources: tuple[CatalogueSource, ...]) -> Presets:
    for source in sources:
        for name, inputs in source.entry.preset.items():
            for input_name, entry in inputs.items():
                _check_input(entry, input_name, f"{source.name}: preset.{name}")
    return _named(sources, "preset", lambda entry: entry.preset)


@lru_cache(8)
def _meterings(sources: tuple[CatalogueSource, ...]) -> Meterings:
    return _named(sources, "metering", lambda entry: entry.metering)


def _named(
    sources: Sequence[CatalogueSource], key: str, tables: Callable[[FileEntry], Mapping[str, T]]
) -> dict[str, T]:
    """The tables of one key of all files, each under a name of its own."""
    found: dict[str, T] = {}
    for source in sources:
        for name, table in tables(source.entry).items():
            if name in found:
                raise _wrong(source.name, [f"{key}.{name}: there is one already"])
            found[name] = table
    return found


def _drafts(sources: Sequence[CatalogueSource]) -> dict[str, ModelDraft]:
    shared = tuple(source for source in sources if source.entry.preset or source.entry.metering)
    drafts: dict[str, ModelDraft] = {}
    for source in sources:
        for where, draft in _written(source, shared):
            _add(replace(draft, rules=list(draft.rules)), drafts, where)
    return drafts


def _add(draft: ModelDraft, drafts: dict[str, ModelDraft], where: str) -> None:
    if draft.entry.id in drafts:
        raise _wrong(where, [f"id: {drafts[draft.entry.id].file} has it already"], hint=OTHERWISE)
    drafts[draft.entry.id] = draft


@lru_cache(64)
def _written(source: CatalogueSource, shared: tuple[CatalogueSource, ...]) -> list[tuple[str, ModelDraft]]:
    """The models of one file and where they stand, with what those files share; to be copied, not changed."""
    presets, meterings = _presets(shared), _meterings(shared)
    found = []
    for number, data in enumerate(source.entry.model):
        where = f"{source.name}: model {data.get('id', number + 1)!r}"
        entry = _parse(ModelEntry, _alike(data, source, where), where)
        found.append((where, _draft(entry, source.name, where, presets, meterings)))
    return found


def _alike(data: Mapping[str, Any], source: CatalogueSource, where: str) -> Mapping[str, Any]:
    """The entry of a model, with the entry of the one that it is like."""
    if "like" not in data:
        return data
    other = next((one for one in source.entry.model if one.get("id") == data["like"] and "like" not in one), None)
    if other is None:
        raise _wrong(where, [f"like: there is no model {data['like']!r} in this file that is like no other"])
    return {**other, **{name: value for name, value in data.items() if name != "like"}}


def _draft(entry: ModelEntry, file: str, where: str, presets: Presets, meterings: Meterings) -> ModelDraft:
    if not entry.route and not entry.unavailable:
        raise _wrong(where, ["route: is missing; a model without one says why it is unavailable"])
    entries: dict[str, InputEntry] = {}
    for number, name in enumerate(entry.extends):
        if name not in presets:
            raise _wrong(where, [f"extends[{number}]: there is no preset {name!r}"])
        entries |= presets[name]
    entries |= entry.inputs
    inputs = {name: _check_input(each, name, where) for name, each in entries.items()}
    groups = {"one_of": entry.one_of, "not_both": entry.not_both}
    if wrong := [each for key, names in groups.items() for each in check_group(key, names, inputs)]:
        raise _wrong(where, wrong)
    draft = ModelDraft(entry, file, MappingProxyType(inputs))
    for number, price in enumerate(entry.prices):
        place = f"{where}: prices[{number}]"
        _put(draft, Written(_rule(price, entry.unit, meterings, place), file, place))
    return draft


def _rule(price: PriceEntry, unit: Unit, meterings: Meterings, place: str) -> PriceRule:
    if price.metering and price.metering not in meterings:
        raise _wrong(place, [f"metering: there is none of the name {price.metering!r}"], ".")
    return price.to_rule(unit, meterings)


def _check_input(entry: InputEntry, name: str, where: str) -> Input:
    spec = entry.to_input(name)
    if wrong := list(check_input(spec, entry.model_fields_set)):
        raise _wrong(f"{where}: inputs.{name}", wrong, ".")
    return spec


def _change(source: CatalogueSource, drafts: Mapping[str, ModelDraft], meterings: Meterings) -> None:
    for number, data in enumerate(source.entry.change):
        where = f"{source.name}: model {data.get('model')!r}: change[{number}]"
        change = _parse(ChangeEntry, data, where, ".")
        draft = _spoken_of(change.model, source, drafts, where)
        if missing := [name for name in change.without if name not in draft.inputs]:
            raise _wrong(where, [f"without: {name!r} is no input of the model" for name in missing], ".")
        draft.inputs = _changed_inputs(draft, change, where)
        written = change.model_fields_set & {"retires", "unavailable"}
        if change.lasts:
            draft.entry = draft.entry.model_copy(update={"retires": None})
        omits = list(dict.fromkeys([*draft.entry.omits, *change.omits]))
        update = {name: getattr(change, name) for name in written} | {"omits": omits}
        draft.entry = draft.entry.model_copy(update=update)
        if change.prices is not None:
            draft.rules = []
            for place, price in enumerate(change.prices):
                at = f"{where}.prices[{place}]"
                _put(draft, Written(_rule(price, draft.entry.unit, meterings, at), source.name, at))
        for rule in draft.rules:
            if wrong := list(check_rule(rule.rule, draft.inputs)):
                raise _wrong(where, [f"does not fit {rule.place}: {each}" for each in wrong], " ")


def _changed_inputs(draft: ModelDraft, change: ChangeEntry, where: str) -> Mapping[str, Input]:
    kept = {name: spec for name, spec in draft.inputs.items() if name not in change.without}
    inputs = kept | {name: _check_input(entry, name, where) for name, entry in change.inputs.items()}
    if wrong := list(check_group("one_of", draft.entry.one_of, inputs)):
        raise _wrong(where, wrong, ".")
    return MappingProxyType(inputs)


def _add_prices(source: CatalogueSource, drafts: Mapping[str, ModelDraft], meterings: Meterings) -> None:
    for number, data in enumerate(source.entry.price):
        where = f"{source.name}: model {data.get('model')!r}: price[{number}]"
        entry = _parse(LaterPrice, data, where, ".")
        draft = _spoken_of(entry.model, source, drafts, where)
        _put(draft, Written(_rule(entry, draft.entry.unit, meterings, where), source.name, where))


def _spoken_of(id: str, source: CatalogueSource, drafts: Mapping[str, ModelDraft], where: str) -> ModelDraft:
    if id not in drafts:
        raise _wrong(where, [f"model: there is no model {id!r}"], ".")
    if source.is_guest and drafts[id].file != source.name:
        theirs = f"model: {id!r} is of {drafts[id].file}, and a plug-in changes the models of its own file alone"
        raise _wrong(where, [theirs], ".")
    return drafts[id]


def _put(draft: ModelDraft, new: Written) -> None:
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


def _finish(draft: ModelDraft) -> Model:
    rules = tuple(written.rule for written in draft.rules)
    if undecided := check_rules(rules):
        files = " and ".join(dict.fromkeys([draft.file, *(written.file for written in draft.rules)]))
        raise _wrong(f"{files}: model {draft.entry.id!r}", [f"prices: {undecided}"])
    return draft.entry.to_model(draft.inputs, rules)
