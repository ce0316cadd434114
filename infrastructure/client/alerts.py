"""Alerts at a service: the methods of `application.notifying.alerts.Alerts`, over HTTP, for administrators' keys.

Each takes the account first, as the library's do; an empty one is the key's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from application.notifying.alerts import USUAL_HISTORY, AlertView
from domain.alerting import AlertTerms
from domain.alerts import Alert, AlertRaised
from domain.money import Money
from domain.periods import Period
from infrastructure.client.sending import sent_as_json
from infrastructure.client.wire import Call, Wire
from infrastructure.showing.alerts import alert_terms_of, watched_text
from infrastructure.showing.formats import instant_of

PATH: Final = "/v1/alerts"


@dataclass(frozen=True, slots=True)
class RemoteAlerts:
    """Alerts of an account. The log names the key for whatever is done."""

    wire: Wire

    async def set(self, account: str, terms: AlertTerms, *, reason: str = "") -> AlertView:
        """Have it told when thresholds are reached. Raises InvalidInput."""
        shares = [f"{one}%" for one in terms.shares]
        amounts = [watched_text(one, terms.measure, "USD").split(" ")[0].replace(",", "") for one in terms.amounts]
        told = {
            "at": [*shares, *amounts],
            "scope": terms.scope,
            "measure": terms.measure,
            "window": terms.window,
            "lock": terms.locks,
            "reason": reason,
        }
        return _view(await self.wire.document(Call(method="PUT", path=PATH, account=account, body=sent_as_json(told))))

    async def list(self, account: str = "") -> Sequence[AlertView]:
        """The account's alerts, by what they watch."""
        found = await self.wire.document(Call(method="GET", path=PATH, account=account))
        return [_view(one) for one in found["alerts"]]

    async def remove(self, account: str, alert: str) -> None:
        """Tell nothing of it any more. Raises UnknownAlert."""
        await self.wire.ask(Call(method="DELETE", path=f"{PATH}/{quote(alert, safe='')}", account=account, again=False))

    async def history(self, account: str = "", limit: int = USUAL_HISTORY) -> Sequence[AlertRaised]:
        """The last that were raised, the newest first."""
        call = Call(method="GET", path=f"{PATH}/history", account=account, params={"limit": str(limit)})
        return [_raised(one) for one in (await self.wire.document(call))["raised"]]


def _view(told: Mapping[str, Any]) -> AlertView:
    whose = (told["scope"], told["measure"], told["window"])
    currency: str = told["currency"]
    terms = alert_terms_of(told["at"], currency, scope=whose[0], measure=whose[1], window=whose[2], locks=told["locks"])
    raised = None if told["raised"] is None else _raised(told["raised"])
    since = instant_of(told["since"])
    alert = Alert(told["id"], *whose, terms.shares, terms.amounts, terms.locks, since, raised)
    span = Period(instant_of(told["start"]), instant_of(told["end"]))
    value, limit = _amount(told["value"]), _amount(told["limit"])
    return AlertView(alert, told["account"], currency, span, value, limit)


def _raised(told: Mapping[str, Any]) -> AlertRaised:
    currency, threshold = told["currency"], told["threshold"]
    if isinstance(told["value"], Mapping) and not threshold.endswith("%"):
        threshold = str(Money.parse(threshold, currency).micros)
    return AlertRaised(
        told["account"],
        instant_of(told["told_at"]),
        told["id"],
        told["scope"],
        told["measure"],
        told["window"],
        instant_of(told["start"]),
        instant_of(told["end"]),
        threshold=threshold,
        value=_amount(told["value"]) or 0,
        limit=_amount(told["limit"]),
        currency=currency,
        reached=instant_of(told["reached_at"]),
        position=told["position"],
        locked=told["locked"],
    )


def _amount(told: Any) -> int | None:
    if isinstance(told, Mapping):
        return int(told["micros"])
    return told if told is None else int(str(told).rstrip("%"))
