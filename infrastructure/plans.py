"""Loads the plans: those that are built in, then those of the setting `plans`, which may stand in their place.

    [[plan]] id, price, allowance, overage, limits, windows, trial ──> checked by its shape ──> Plan

Every mistake is a CatalogueError naming file, plan and field, and nothing is loaded. An account's log has the terms of
its plan, so a changed file changes nothing for whoever is on the plan until they are put on it again.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from domain.errors import CatalogueError, InvalidInput, InvalidMoney
from domain.inputs import shortened
from domain.meant import meant
from domain.money import Money, check_currency, parse_rate
from domain.plans import AT_ONE, PLANS, Limits, Plan, Trial
from infrastructure.catalogue.entries import Count, FileTable, Id, Measure, complaints
from infrastructure.texts import text_in, toml_of

CORRECT = "correct the file"
REFUSED = "refused"
Shape = TypeVar("Shape", bound=FileTable)


def _amount(value: object) -> int:
    """Micro-units of whichever currency; an amount is text, as a bare number is not exact."""
    if not isinstance(value, str):
        raise ValueError('write it as text, such as "29.00": a bare number is not exact')
    try:
        micros = Money.parse(value, "USD").micros
    except InvalidMoney as error:
        raise ValueError(f"{error.message}; {error.hint}") from error
    if micros < 0:
        raise ValueError("is negative")
    return micros


def _overage(value: object) -> Decimal | None:
    if value == REFUSED:
        return None
    try:
        return parse_rate(value) if isinstance(value, str) else parse_rate("")
    except InvalidMoney as error:
        raise ValueError(f'write {REFUSED!r}, or a factor as text, such as "1.25"') from error


Amount = Annotated[int, BeforeValidator(_amount)]
Overage = Annotated[Decimal | None, BeforeValidator(_overage)]


class LimitsEntry(FileTable):
    """`limits = { images = 10, spend = "25.00" }`: what is not named has no limit."""

    images: Measure | None = None
    edits: Measure | None = None
    videos: Measure | None = None
    models_3d: Measure | None = Field(None, alias="3d")
    upscales: Measure | None = None
    other: Measure | None = None
    spend: Amount | None = None

    def to_limits(self) -> Limits:
        return Limits(**self.model_dump())


class WindowsEntry(FileTable):
    """`windows.day = { images = 5 }`: limits over other windows than the period."""

    hour: LimitsEntry | None = None
    day: LimitsEntry | None = None
    life: LimitsEntry | None = None

    def to_windows(self) -> dict[str, Limits]:
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: one.to_limits() for name, one in given.items() if one is not None}


class TrialEntry(FileTable):
    """`trial = { days = 14, limits = { images = 5 }, then = "free" }`."""

    days: Count
    limits: LimitsEntry = LimitsEntry()
    windows: WindowsEntry = WindowsEntry()
    allowance: Amount = 0
    then: str = ""

    def to_trial(self) -> Trial:
        limits, windows = self.limits.to_limits(), self.windows.to_windows()
        return Trial(self.days, limits, windows, self.allowance, self.then)


class PlanEntry(FileTable):
    """`[[plan]]`; the keys are the fields of `domain.plans.Plan`."""

    id: Id
    price: Amount
    limits: LimitsEntry = LimitsEntry()
    windows: WindowsEntry = WindowsEntry()
    allowance: Amount = 0
    overage: Overage = AT_ONE
    trial: TrialEntry | None = None
    tariff: str = ""

    def to_plan(self, currency: str) -> Plan:
        """The plan. Raises InvalidInput for what is no plan as a whole."""
        return Plan(
            self.id,
            self.price,
            self.limits.to_limits(),
            self.windows.to_windows(),
            allowance=self.allowance,
            overage=self.overage,
            trial=None if self.trial is None else self.trial.to_trial(),
            currency=currency,
            tariff=self.tariff,
        )


class PlansEntry(FileTable):
    """A whole file. Plans are read one by one, so that what is wrong names its plan; tariffs are read elsewhere."""

    currency: str = "USD"
    tariff: list[dict[str, Any]] = Field(default_factory=list)
    plan: list[dict[str, Any]] = Field(default_factory=list)


def load_plans(
    own: Sequence[Path] = (), *, charged: bool = True, more: Sequence[tuple[str, str]] = ()
) -> Mapping[str, Plan]:
    """All plans by their ids: ours, then those of `own` files in their order, then of `more` names and texts.

    If their prices are not `charged` here, because another program bills them, they are nothing. Raises CatalogueError.
    """
    plans = _loaded((*((str(path), read_text(path)) for path in own), *more))
    return plans if charged else MappingProxyType({id: replace(plan, price=0) for id, plan in plans.items()})


@lru_cache(8)
def _loaded(files: tuple[tuple[str, str], ...]) -> Mapping[str, Plan]:
    plans, places = dict(PLANS), dict[str, str]()
    for name, text in files:
        met: set[str] = set()
        for where, plan in _plans(name, text):
            if plan.id in met:
                raise CatalogueError(f"{where}: there is one already", hint=CORRECT)
            met.add(plan.id)
            plans[plan.id], places[plan.id] = plan, where
    for id, where in places.items():
        follows = plans[id].trial
        if follows is not None and follows.then and follows.then not in plans:
            told = f"{where}: trial.then: there is no plan {follows.then!r}"
            raise CatalogueError(told, hint=meant(follows.then, plans, CORRECT))
    return MappingProxyType(plans)


def read_text(path: Path) -> str:
    """The text of a file. Raises CatalogueError naming it."""
    try:
        return text_in(path)
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read: {error.strerror}", hint="check the path") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path}: is not TOML: {error}", hint=CORRECT) from error


def _plans(name: str, text: str) -> Iterator[tuple[str, Plan]]:
    try:
        data = toml_of(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{name}: is not TOML: {error}", hint=CORRECT) from error
    file = _parsed(PlansEntry, data, name)
    try:
        check_currency(file.currency)
    except InvalidMoney as error:
        raise CatalogueError(f"{name}: currency: {error.message}", hint=error.advice) from error
    for number, table in enumerate(file.plan):
        where = f"{name}: plan {shortened(table.get('id', number + 1))}"
        try:
            yield where, _parsed(PlanEntry, table, where).to_plan(file.currency)
        except InvalidInput as error:
            raise CatalogueError(f"{where}: {error.message}", hint=error.advice) from error


def _parsed(shape: type[Shape], data: Mapping[str, Any], where: str) -> Shape:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        wrong = complaints(error, [one.alias or name for name, one in shape.model_fields.items()])
        raise CatalogueError("\n".join(f"{where}: {one}" for one in wrong), hint=CORRECT) from error
