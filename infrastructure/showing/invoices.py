"""Providers' invoices as JSON, and invoices' lines as they are read from a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from domain.counts import counted
from domain.errors import InvalidInput
from domain.inputs import plain, shortened
from domain.invoices import CostDrifted, InvoiceLine, provider_in
from domain.money import Money
from domain.periods import local_day
from infrastructure.showing.formats import document, iso, money

if TYPE_CHECKING:
    from application.keeping.invoicedmonths import ModelDifference, MonthComparison, RecordedInvoice
    from domain.invoices import Invoice

COLUMNS: Final = ("name", "model", "quantity", "amount")


def recorded_document(one: RecordedInvoice, currency: str) -> dict[str, Any]:
    """An invoice that was recorded, with its month."""
    month = month_document(one.comparison)
    return {"invoice": invoice_document(one.invoice, currency, one.comparison.zone), "new": one.new, "month": month}


def invoices_document(provider: str, found: Sequence[Invoice], currency: str, zone: str) -> dict[str, Any]:
    """All invoices of a provider."""
    return {"provider": provider, "invoices": [invoice_document(one, currency, zone) for one in found]}


def invoice_document(one: Invoice, currency: str, zone: str) -> dict[str, Any]:
    return {
        "number": one.number,
        "month": local_day(one.period.start, zone)[:7],
        "amount": money(one.amount, currency),
        "lines": [_line(line, currency) for line in one.lines],
        "recorded": iso(one.recorded),
        "voided": None if one.voided is None else iso(one.voided),
        "voided_by": one.voided_by or None,
        "void_reason": one.void_reason or None,
        "drifted": one.drifted,
        "reason": one.reason or None,
    }


def months_document(provider: str, found: Sequence[MonthComparison]) -> dict[str, Any]:
    """A provider's months in order, without their models."""
    rows = [{name: value for name, value in month_document(one).items() if name != "models"} for one in found]
    return {"provider": provider, "months": rows}


def month_document(one: MonthComparison) -> dict[str, Any]:
    """A month's invoices against our costs; null is not known, and never zero."""
    amounts = {name: _money(getattr(one, name), one.currency) for name in ("invoiced", "computed", "delta")}
    return {
        "provider": one.provider,
        "month": one.month,
        **document(one.period),
        "zone": one.zone,
        "invoices": [invoice.number for invoice in one.invoices],
        **amounts,
        "delta_percent": _percent(one.delta_percent),
        "drifted": one.drifted,
        "partial": bool(one.unknown),
        "operations": one.operations,
        "unknown": one.unknown,
        "estimated": one.estimated,
        "open": one.open,
        "known_percent": _percent(one.known_percent),
        "covered_percent": _percent(one.covered_percent),
        "booked_difference": _money(one.booked, one.currency),
        "left": _money(one.left, one.currency),
        "models": [_model(model, one.currency) for model in one.models],
    }


def drift_document(fact: CostDrifted, zone: str) -> dict[str, Any]:
    """An alert about an invoice, as it was raised: the month's sums then, and how much of it was allowed to differ."""
    return {
        "provider": provider_in(fact.account),
        "invoice": fact.number,
        "month": local_day(fact.period.start, zone)[:7],
        "invoiced": _money(fact.invoiced, fact.currency),
        "computed": _money(fact.computed, fact.currency),
        "delta": _money(fact.invoiced - fact.computed, fact.currency),
        "unknown": fact.unknown,
        "allowed_percent": plain(fact.allowed),
        "told_at": iso(fact.at, precision="microseconds"),
    }


def drift_text(fact: CostDrifted, zone: str) -> str:
    """It in one sentence."""
    invoiced, computed = (Money(amount, fact.currency) for amount in (fact.invoiced, fact.computed))
    month, whose = local_day(fact.period.start, zone)[:7], provider_in(fact.account)
    unknown = f", {counted(fact.unknown, 'operation')} of unknown cost" if fact.unknown else ""
    sums = f"invoiced {invoiced}, computed {computed}{unknown}"
    return f"invoice {fact.number} of {whose} for {month}: {sums}; more than {plain(fact.allowed)} % apart"


def _model(one: ModelDifference, currency: str) -> dict[str, Any]:
    return {
        "model": one.model or None,
        "name": one.name or None,
        "invoiced": _money(one.invoiced, currency),
        "computed": _money(one.computed, currency),
        "difference": _money(one.difference, currency),
        "operations": one.operations,
        "unknown": one.unknown,
        "quantity": None if one.quantity is None else plain(one.quantity),
    }


def _line(one: InvoiceLine, currency: str) -> dict[str, Any]:
    quantity = None if one.quantity is None else plain(one.quantity)
    return {"name": one.name, "model": one.model or None, "quantity": quantity, "amount": money(one.amount, currency)}


def _money(micros: int | None, currency: str) -> dict[str, Any] | None:
    return None if micros is None else money(micros, currency)


def _percent(share: Decimal | None) -> str | None:
    return None if share is None else plain(share)


def lines_of_text(text: str, currency: str) -> list[InvoiceLine]:
    """The lines of a file: a JSON list of objects, or else CSV with a head; both have name, amount, maybe more.

    Raises InvalidInput naming the line.
    """
    rows = _json_rows(text) if text.lstrip().startswith(("[", "{")) else _csv_rows(text)
    return [invoice_line(row, currency, place) for place, row in enumerate(rows, 1)]


def invoice_line(row: Mapping[str, Any], currency: str, place: int) -> InvoiceLine:
    """One line; amounts and quantities are text, such as "12.50". Raises InvalidInput, InvalidMoney."""
    for name in row:
        if name not in COLUMNS:
            raise InvalidInput("lines", f"line {place} has {shortened(str(name))}", hint=f"it has {', '.join(COLUMNS)}")
    name, model = (row.get(field) or "" for field in ("name", "model"))
    amount, quantity = row.get("amount"), row.get("quantity")
    texts = all(isinstance(one, str) for one in (name, model, amount)) and isinstance(quantity, str | None)
    if not texts or not (name or model):
        raise InvalidInput("lines", f"line {place} needs a name and an amount", hint='write amounts as text: "12.50"')
    return InvoiceLine(str(name or model), Money.parse(str(amount), currency).micros, str(model), _quantity(quantity))


def _quantity(text: str | None) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation as error:
        raise InvalidInput("lines", f"{shortened(text)} is not a quantity", hint='write it as "1200"') from error


def _json_rows(text: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("lines", f"are not JSON: {error}", hint="give a list of objects, or CSV") from error
    rows = found.get("lines") if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput("lines", "are not a list of objects", hint='such as [{"name": "…", "amount": "12.50"}]')
    return rows


def _csv_rows(text: str) -> list[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), restkey="more than the head has", strict=True)
    try:
        rows: list[Mapping[str, Any]] = list(reader)
    except csv.Error as error:
        raise InvalidInput("lines", f"are not CSV: {error}", hint=f"its head is {','.join(COLUMNS)}") from error
    if not rows:
        raise InvalidInput("lines", "there is none", hint=f"give a head, such as {','.join(COLUMNS)}, and lines")
    return rows
