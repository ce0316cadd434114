"""Answers of use cases, as JSON: results, estimates, accounts and models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from domain.inputs import plain
from domain.periods import EARLIEST, LATEST
from infrastructure.showing.formats import document, iso, measured, money, since

if TYPE_CHECKING:
    from application.asking.requests import Estimate, Result
    from application.keeping.accountviews import AccountView, LimitsView
    from application.ports import Asset
    from domain.catalogue import Model
    from domain.counting import LimitStanding
    from domain.tariffs import OwnDiscount

NO_COPIES: Mapping[tuple[str, int], Path] = MappingProxyType({})


def result_document(result: Result, copies: Mapping[tuple[str, int], Path] = NO_COPIES) -> dict[str, object]:
    """All of a result; `copies` are where files were copied to, by operation and place."""
    operations = [
        {
            **classed(document(one)),
            "outputs": [
                {
                    **file_document(output.asset),
                    "path": output.path,
                    "where": output.where,
                    "copy": document(copies.get((one.operation, place))),
                }
                for place, output in enumerate(one.outputs)
            ],
        }
        for one in result.operations
    ]
    return {
        "operation": result.operation,
        "status": result.status,
        "repeated": result.repeated,
        "model": result.model,
        "provider": result.provider,
        "class": result.model_class,
        "rerouted": document(result.rerouted),
        "price": document(result.price),
        "price_source": document(result.price_source),
        "cost": document(result.cost),
        "cost_source": document(result.cost_source),
        "cost_partial": result.cost_partial,
        "asked": result.asked,
        "delivered": len(result.assets),
        "lost": result.lost,
        "losses": dict(result.losses),
        "unlike": result.unlike,
        "left": measured(result.left, result.price.currency),
        "metadata": dict(result.metadata),
        "warnings": list(result.warnings),
        "notes": list(result.notes),
        "tags": dict(result.tags),
        "operations": operations,
    }


def file_document(file: Asset) -> dict[str, Any]:
    """A stored file by the id of the asset that it is."""
    written: dict[str, Any] = document(file)
    return {"asset": written.pop("id"), **written}


def estimate_document(found: Estimate) -> dict[str, object]:
    """An estimate: what an operation would cost, whether it would be admitted, and who would be asked."""
    chain = [classed(document(one)) for one in found.chain]
    return {**classed(document(found)), "left": measured(found.left, found.currency), "chain": chain}


def account_document(view: AccountView) -> dict[str, object]:
    """An account with its limits, what is used, held and left of each, and its balance."""
    written: dict[str, object] = document(view)
    for name in ("used", "held", "left"):
        written[name] = measured(getattr(view, name), view.currency)
    written["limits"] = {scope: measured(limits, view.currency) for scope, limits in view.limits.items()}
    written["windows"] = {
        window: {scope: measured(limits, view.currency) for scope, limits in limited.items() if limits}
        for window, limited in view.windows.items()
    }
    written["balance"] = None if view.balance is None else money(view.balance, view.currency)
    written["discount"] = None if view.discount is None else discount_document(view.discount)
    return written


def discount_document(off: OwnDiscount) -> dict[str, object]:
    """A discount in percent, and its first and last instant; null where there is none."""
    start, end = None if off.start == EARLIEST else iso(off.start), None if off.end == LATEST else iso(off.end)
    return {"percent": plain(off.percent), "from": start, "until": end}


def limits_document(view: LimitsView) -> dict[str, object]:
    """Every limit as it stands, from the narrowest window; null of `resets_at` is never."""
    limits = [_standing(one, view) for one in view.limits]
    return {"account": view.account, "currency": view.currency, "zone": view.zone, "limits": limits}


def _standing(one: LimitStanding, view: LimitsView) -> dict[str, object]:
    amounts = {name: getattr(one, name) for name in ("limit", "used", "held", "left", "projected")}
    shown = {name: measured({one.measure: amount}, view.currency)[one.measure] for name, amount in amounts.items()}
    instants = {"resets_at": one.resets_at, "runs_out_at": one.runs_out_at}
    told = {name: None if at is None else iso(at) for name, at in instants.items()}
    return {"scope": one.scope, "measure": one.measure, "window": one.window, **shown, **told}


def model_document(model: Model, at: int, off: Mapping[str, str]) -> dict[str, object]:
    """A model of the catalogue, as it stands at an instant; `off` are the providers that are switched off."""
    from application.providing.standing import status_of

    written: dict[str, object] = document(model)
    written["class"] = written.pop("class_")
    written["enabled"] = model.provider not in off
    written["status"] = str(status_of(model, at))
    written["retires"] = iso(model.retires) if model.retires is not None else None
    written["warning"] = model.warning(at)
    written["prices"] = [{**document(rule), "effective_from": since(rule.effective_from)} for rule in model.prices]
    return written


def price_text(model: Model, currency: str) -> str:
    """The least and most a unit costs by the rules of the catalogue; where it is metered, the most a call does."""
    rates = sorted({rule.rate for rule in model.prices if rule.rate is not None})
    if not rates:
        return "metered, unbounded" if model.prices else "unknown"
    if any(rule.meters for rule in model.prices):
        return f"at most {plain(rates[-1])} {currency}/{model.prices[0].unit}"
    span = plain(rates[0]) if len(rates) == 1 else f"{plain(rates[0])}-{plain(rates[-1])}"
    return f"{span} {currency}/{model.prices[0].unit}"


def classed(written: dict[str, Any]) -> dict[str, Any]:
    """A document under the word that catalogue files have for the class of a model."""
    written["class"] = written.pop("model_class")
    return written
