"""Sums of a service's usage as the library's own, from its documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infrastructure.showing.formats import instant_of, iso
from infrastructure.showing.sums import COUNTS, FILTERS, NONE
from projections.calendars import GRAINS, Span
from projections.holding import Holding
from projections.summing import PERIOD, Summed, SumQuestion, UsageSums
from projections.tagged import GONE
from projections.tagsums import TAG
from projections.views.quarters import KNOWN


def parameters_of_question(asked: SumQuestion) -> tuple[str, dict[str, str]]:
    """The account that is asked for, and the other wishes as parameters."""
    filters = {name: getattr(asked.wanted, name) for name in FILTERS}
    ends = {"from": asked.since, "to": asked.until}
    params = {
        "group_by": ",".join(asked.by),
        "tz": asked.zone,
        **{name: iso(at) for name, at in ends.items() if at is not None},
        **{name: value or NONE for name, value in filters.items() if value is not None},
        **({} if asked.top is None else {"top": asked.top}),
        **({} if asked.tag is None else {"tag": "=".join(asked.tag)}),
    }
    return asked.wanted.account or "", params


def sums_from(asked: SumQuestion, documents: Sequence[Mapping[str, Any]]) -> UsageSums:
    """The answer that the documents of its pages are."""
    last = documents[-1]
    ends = last["from"], last["to"]
    return UsageSums(
        asked,
        tuple(_row(asked, one) for document in documents for one in document["usage"]),
        tuple(Summed({}, None, one["currency"], _sums(one), _other(one)) for one in last["total"]),
        tuple(_holding(one) for one in last["open"]),
        None if None in ends else (instant_of(ends[0]), instant_of(ends[1])),
        last["position"],
        last.get("next"),
        last.get("tags_erased", False),
    )


def _row(asked: SumQuestion, told: Mapping[str, Any]) -> Summed:
    span: Span | None = None
    if asked.grain is not None:
        span = (instant_of(told["start"]), instant_of(told["end"]))
    group = {one: _value(one, told, span) for one in asked.by}
    return Summed(group, span, told["currency"], _sums(told), _other(told))


def _value(name: str, told: Mapping[str, Any], span: Span | None) -> str | int:
    if name in GRAINS:
        assert span is not None, "a part of a calendar has ends"
        return span[0]
    if told.get("erased") and name.partition(":")[0] == TAG:
        return GONE
    return instant_of(told[name]) if name == PERIOD else told[name] or ""


def _other(told: Mapping[str, Any]) -> str:
    """The currency of the cost, empty if it is the group's or nothing of it is told."""
    currency = (told.get("cost") or told)["currency"]
    return "" if currency == told["currency"] else str(currency)


def _sums(told: Mapping[str, Any]) -> dict[str, int]:
    sums = {name: told[name] for name in COUNTS} | {
        name: told[name]["micros"] for name in ("price", "adjusted", "held")
    }
    sums["estimated"] = told["estimated"]
    if "cost" in told:
        sums |= {"cost": (told["cost"] or {"micros": 0})["micros"], "cost_unknown": told["cost_unknown"]}
        known = told["cost_known"]
        sums |= {name: known.get(source, {"micros": 0})["micros"] for source, name in KNOWN.items()}
    return sums


def _holding(told: Mapping[str, Any]) -> Holding:
    group = {name: value or "" for name, value in told.items() if name not in ("currency", "operations", "held")}
    return Holding(group, told["currency"], told["operations"], told["held"]["micros"])
