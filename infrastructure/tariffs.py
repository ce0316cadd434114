"""Loads the tariffs: what is sold for how much, from the files of the setting `plans`, beside the plans.

    [[tariff]] id, from, rules, discounts ──> checked by its shape, and that one rule always holds ──> Tariff
    [[plan]] id, tariff ──> which tariff a plan is sold by ──────────────────────────────────────────> Selling

Every mistake is a CatalogueError naming file, tariff and field, and nothing is loaded. Whether a file is TOML at all is
found when its plans are read, which is first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from domain.agreeing import check_percent
from domain.errors import CatalogueError, InvalidInput, InvalidMoney
from domain.inputs import shortened
from domain.kinds import KINDS
from domain.meant import meant
from domain.money import Money, parse_rate
from domain.periods import EARLIEST, LATEST
from domain.plans import Plan
from domain.pricing import PriceBook
from domain.selling import COST, NOTHING, ONE
from domain.tariffs import FAMILY, Discount, Rule, Selling, Tariff, Tier, tariff_of
from infrastructure.catalogue.entries import EVERY_KIND, FileTable, Id, Instant, Measure, complaints
from infrastructure.plans import load_plans, read_text
from infrastructure.texts import toml_of

CORRECT: Final = "correct the file"
LARGEST_FACTOR: Final = Decimal(1000)
_NAMES: Final = ("plan", "provider", "kind", "model")


def _factor(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError('write it as text, such as "1.30": a bare number is not exact')
    try:
        factor = parse_rate(value)
    except InvalidMoney as error:
        raise ValueError(f"{error.message}; {error.hint}") from error
    if factor > LARGEST_FACTOR:
        raise ValueError(f"is more than {LARGEST_FACTOR}")
    return factor


def _micros(value: object) -> int:
    """Micro-units of the price book's currency."""
    if not isinstance(value, str):
        raise ValueError('write it as text, such as "0.01": a bare number is not exact')
    try:
        micros = Money.parse(value, "USD").micros
    except InvalidMoney as error:
        raise ValueError(f"{error.message}; {error.hint}") from error
    if micros < 0:
        raise ValueError("is negative")
    return micros


def _percent(value: object) -> Decimal:
    try:
        return check_percent(parse_rate(value if isinstance(value, str) else ""))
    except (InvalidInput, InvalidMoney) as error:
        raise ValueError('write a share in percent from 0 to 100 as text, such as "12.5"') from error


def _names(value: object) -> frozenset[str]:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError("write a name, or a list of names")
    return frozenset(names)


def _kinds(names: frozenset[str]) -> frozenset[str]:
    for name in names:
        if name not in KINDS:
            raise ValueError(f"there is no kind of operation {name!r}; {meant(name, KINDS, EVERY_KIND)}")
    return names


Factor = Annotated[Decimal, BeforeValidator(_factor)]
Micros = Annotated[int, BeforeValidator(_micros)]
Percent = Annotated[Decimal, BeforeValidator(_percent)]
Names = Annotated[frozenset[str], BeforeValidator(_names)]
Kinds = Annotated[frozenset[str], BeforeValidator(_names), AfterValidator(_kinds)]


class TierEntry(FileTable):
    """`{ after = 1000, factor = "1.2", add = "0.005" }`; what is not written is as in the rule."""

    after: Measure
    factor: Factor | None = None
    add: Micros | None = None


class WhenEntry(FileTable):
    """The work that a rule or a discount is for: of each name one, or a list of several."""

    plan: Names | None = None
    provider: Names | None = None
    kind: Kinds | None = None
    model: Names | None = None

    @property
    def when(self) -> Mapping[str, frozenset[str]]:
        named = {name: getattr(self, name) for name in _NAMES}
        return {name: values for name, values in named.items() if values is not None}


class RuleEntry(WhenEntry):
    """`{ provider = "fal", of = "cost", factor = "1.3", add = "0.002" }`: a factor on the cost, or on the price book's
    price (`of = "list"`), and an amount an output."""

    of: Literal["cost", "list"] = COST
    factor: Factor = ONE
    add: Micros = 0
    by: Literal["family", "model"] = FAMILY
    tiers: list[TierEntry] = Field(default_factory=list)

    def to_rule(self) -> Rule:
        later = (
            Tier(
                one.after,
                self.factor if one.factor is None else one.factor,
                self.add if one.add is None else one.add,
            )
            for one in self.tiers
        )
        return Rule(tiers=(Tier(0, self.factor, self.add), *later), when=self.when, of=self.of, by=self.by)


class DiscountEntry(WhenEntry):
    """`{ percent = "10", plan = "pro", from = 2026-12-01, until = 2027-01-01 }`."""

    percent: Percent
    start: Instant = Field(default=EARLIEST, alias="from")
    end: Instant = Field(default=LATEST, alias="until")

    def to_discount(self) -> Discount:
        if self.start >= self.end:
            raise InvalidInput("until", "ends before it begins", hint=CORRECT)
        return Discount(percent=self.percent or NOTHING, when=self.when, start=self.start, end=self.end)


class TariffEntry(FileTable):
    """`[[tariff]]`: the rules and discounts of a name from a date on."""

    id: Id
    effective_from: Instant = Field(default=EARLIEST, alias="from")
    rules: list[RuleEntry] = Field(default_factory=list)
    discounts: list[DiscountEntry] = Field(default_factory=list)

    def to_tariff(self) -> Tariff:
        """The tariff. Raises InvalidInput for what does not decide."""
        rules = [one.to_rule() for one in self.rules]
        return tariff_of(self.id, self.effective_from, rules, [one.to_discount() for one in self.discounts])


def load_sales(
    own: Sequence[Path], price_book: PriceBook, *, charged: bool = True, more: Sequence[tuple[str, str]] = ()
) -> tuple[Mapping[str, Plan], Selling | None]:
    """All plans by their ids, and how prices to customers are made, None if they are the price book's.

    They stand in files, and in `more` names with their texts. Raises CatalogueError.
    """
    plans = load_plans(own, charged=charged, more=more)
    tariffs = _loaded((*((str(path), read_text(path)) for path in own), *more))
    for plan in plans.values():
        if plan.tariff and plan.tariff not in tariffs:
            told = f"plan {plan.id!r}: tariff: there is no tariff {plan.tariff!r}"
            raise CatalogueError(told, hint=meant(plan.tariff, tariffs, CORRECT))
    if not tariffs and not price_book.exchange.rates:
        return plans, None
    sold_by = {plan.id: plan.tariff for plan in plans.values() if plan.tariff}
    return plans, Selling(price_book.currency, tariffs, sold_by, price_book.exchange)


@lru_cache(8)
def _loaded(files: tuple[tuple[str, str], ...]) -> Mapping[str, Sequence[Tariff]]:
    tariffs: dict[str, list[Tariff]] = {}
    for name, text in files:
        for where, tariff in _tariffs(name, text):
            known = tariffs.setdefault(tariff.id, [])
            if any(one.effective_from == tariff.effective_from for one in known):
                raise CatalogueError(f"{where}: from: there is one from that instant already", hint=CORRECT)
            known.append(tariff)
    return {id: sorted(several, key=lambda one: one.effective_from) for id, several in tariffs.items()}


def _tariffs(name: str, text: str) -> Iterator[tuple[str, Tariff]]:
    for number, table in enumerate(toml_of(text, parse_float=Decimal).get("tariff", [])):
        where = f"{name}: tariff {shortened(table.get('id', number + 1))}"
        try:
            entry = TariffEntry.model_validate(table)
            yield where, entry.to_tariff()
        except ValidationError as error:
            wrong = complaints(error, [one.alias or field for field, one in TariffEntry.model_fields.items()])
            raise CatalogueError("\n".join(f"{where}: {one}" for one in wrong), hint=CORRECT) from error
        except InvalidInput as error:
            raise CatalogueError(f"{where}: {error.message}", hint=error.advice) from error
