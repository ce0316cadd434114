"""Rates of exchange in catalogue files: `[[exchange]]` entries, of which a later file's takes the place of its like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from domain.errors import CatalogueError, InvalidMoney
from domain.exchange import ExchangeRate, ExchangeRates, exchange_of
from domain.money import check_currency
from infrastructure.catalogue.entries import FileTable, Instant, Rate, complaints


class ExchangeEntry(FileTable):
    """`[[exchange]]`: units of the currency `to` for one of `from`, as `source` said it, from the date `at` on."""

    base: str = Field(alias="from")
    target: str = Field(alias="to")
    rate: Rate
    source: Annotated[str, Field(min_length=1, max_length=200)]
    at: Instant

    @field_validator("base", "target")
    @classmethod
    def _a_currency(cls, code: str) -> str:
        try:
            return check_currency(code)
        except InvalidMoney as error:
            raise ValueError(error.message) from error

    @model_validator(mode="after")
    def _of_two(self) -> Self:
        if self.base == self.target:
            raise ValueError(f"from {self.base} to itself there is no rate")
        if not self.rate:
            raise ValueError("a rate is more than 0")
        return self

    def to_rate(self) -> ExchangeRate:
        return ExchangeRate(self.base, self.target, self.rate, self.source, self.at)


def exchange_in(files: Iterable[tuple[str, Iterable[Mapping[str, Any]]]]) -> ExchangeRates:
    """The rates of files by their names, in their order. Raises CatalogueError naming file and field."""
    found: dict[tuple[str, str, int], ExchangeRate] = {}
    for name, tables in files:
        met: set[tuple[str, str, int]] = set()
        for number, table in enumerate(tables):
            rate = _parsed(table, f"{name}: exchange[{number}]")
            pair = (rate.base, rate.target, rate.effective_from)
            if pair in met:
                told = f"{name}: exchange[{number}]: there is one of this pair from that instant already"
                raise CatalogueError(told, hint="correct the file")
            met.add(pair)
            found[pair] = rate
    return exchange_of(found.values())


def _parsed(table: Mapping[str, Any], where: str) -> ExchangeRate:
    try:
        return ExchangeEntry.model_validate(table).to_rate()
    except ValidationError as error:
        wrong = complaints(error, [one.alias or name for name, one in ExchangeEntry.model_fields.items()])
        raise CatalogueError("\n".join(f"{where}: {one}" for one in wrong), hint="correct the file") from error
