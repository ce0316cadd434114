"""Changes of an account, and explanations, as documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from application.ledger.log import fact_name
from infrastructure.showing.documents import limits_document
from infrastructure.showing.formats import document, iso, money
from infrastructure.showing.moments import moment_document
from infrastructure.showing.stories import in_words

if TYPE_CHECKING:
    from application.keeping.comparing import AccountDifference, ModelChange
    from application.keeping.history import HistoryEntry, TermChange
    from domain.advice import Hint
    from infrastructure.explaining import Explanation


def history_document(account: str, found: Sequence[HistoryEntry]) -> dict[str, Any]:
    """All that changed an account: what it was, and is since; null is none."""
    return {"account": account, "history": [_entry(one) for one in found]}


def _entry(one: HistoryEntry) -> dict[str, Any]:
    return {
        "position": one.position,
        "at": iso(one.fact.at, precision="microseconds"),
        "type": fact_name(one.topic),
        "actor": one.actor,
        "reason": one.reason,
        "told": in_words(one.fact).words,
        "changes": _changes(one.changes),
    }


def _changes(found: Sequence[TermChange]) -> list[dict[str, Any]]:
    return [{"what": one.what, "from": one.before, "to": one.after} for one in found]


def difference_document(found: AccountDifference) -> dict[str, Any]:
    """An account at two moments."""
    return {
        "account": found.account,
        "since": moment_document(found.since),
        "until": moment_document(found.until),
        "terms": _changes(found.terms),
        "figures": _changes(found.figures),
        "models": [_model(one) for one in found.models],
    }


def _model(one: ModelChange) -> dict[str, Any]:
    amounts = {name: money(getattr(one, name), one.currency) for name in ("price", "adjusted", "cost")}
    return {**document(one), **amounts, "cost": None if one.cost_unknown and not one.cost else amounts["cost"]}


def explanation_document(found: Explanation, worded: Callable[[Hint], str]) -> Mapping[str, Any]:
    """An explanation; of its `cost`, operators alone are told."""
    return {
        "operation": found.operation,
        "account": found.account,
        "refused": found.refused,
        "as_of": moment_document(found.moment),
        "sentences": list(found.sentences),
        "cost": list(found.costs),
        "advice": worded(found.advice),
        "limits": limits_document(found.limits)["limits"],
    }
