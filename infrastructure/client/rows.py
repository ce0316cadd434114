"""Rows of views as the library's own, from the documents of a service: by what each column of the view holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from domain.errors import InvalidInput
from infrastructure.showing.formats import MILLION, instant_of, iso

if TYPE_CHECKING:
    from projections.engine.view import AnyView

ROUTES: Final[Mapping[str, str]] = {
    "usage_summary": "usage",
    "period_totals": "periods",
    "daily_spend": "spend",
    "model_costs": "costs",
    "operation_log": "operations",
}
"""The list of each view that a service has one of."""


def route_of(view: AnyView) -> str:
    """The name of its list. Raises InvalidInput if a service has none."""
    if view.name not in ROUTES:
        raise InvalidInput("view", f"{view.name} is not asked of a service", hint=f"there are: {', '.join(ROUTES)}")
    return ROUTES[view.name]


def parameters_of_filter(view: AnyView, wanted: Any) -> tuple[str, dict[str, str]]:
    """The account that is asked for, and the other wishes as parameters. Raises InvalidInput."""
    told = {} if wanted is None else {one.name: getattr(wanted, one.name) for one in fields(wanted)}
    said = {name: value for name, value in told.items() if value is not None}
    account = str(said.pop("account", ""))
    for name in ("requested", "holding"):
        if name in said:
            raise InvalidInput(name, "is not asked of a service", hint=f"leave it out of the filter of {view.name}")
    return account, {name: _parameter(name, value) for name, value in said.items()}


def _parameter(name: str, value: Any) -> str:
    if name == "at":
        return iso(value, precision="auto")
    return "=".join(value) if name == "tag" else str(value)


def row_from(view: AnyView, document: Mapping[str, Any]) -> Any:
    """The row that a document is; what a key may not see is None."""
    kinds = {column.name: column.kind.name for column in view.columns}
    return view.row(**{one.name: _value(kinds[one.name], document, one.name) for one in fields(view.row)})


def _value(kind: str, document: Mapping[str, Any], name: str) -> Any:
    value = document.get(name)
    if kind in ("MONEY", "COST") and name in document:
        return 0 if value is None else value["micros"]  # what nobody knows is in no sum, and counted beside it
    if value is None:
        return None
    if kind == "INSTANT":
        return instant_of(value, field=name)
    if kind == "UNITS":
        return int(Decimal(value) * MILLION)
    return tuple(value) if kind == "WORDS" else value
