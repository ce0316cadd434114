"""A statement's content as a document, by the form that it was issued in, and the digest that vouches for it.

    Statement ── content_of (form 1) ── canonical JSON: sorted names, no spaces, UTF-8 ── SHA-256 = digest

A form is never changed once something was issued in it: whoever wants other content writes the next one. Our own
costs are not part of the content, so that whoever gets it can check its digest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from application.ledger.contents import canonical
from domain.closing import period_name
from domain.ledger import CREDIT, period_stream
from domain.money import MICROS, Money
from domain.periods import Period, local_day
from domain.plans import SPEND
from domain.statement import Statement, rounded
from domain.statementlines import AdjustmentLine, GrantLine, UsageLine

Content = dict[str, Any]
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CORRECTION: Final = "Correction"
"""FOCUS's class of a charge that is billed in another period than the one it was incurred in."""


def content_of(statement: Statement, form: int) -> Content:
    """The statement as JSON; all amounts are exact text in the statement's currency."""
    return FORMS[form](statement)


def content_digest(content: Content) -> str:
    """SHA-256, in hex, of the content as canonical JSON."""
    return sha256(canonical(content).encode()).hexdigest()


def _first_form(one: Statement) -> Content:
    return {
        "form": 1,
        "account": one.account,
        "plan": one.plan,
        "currency": one.currency,
        "period": _period(one.period, one.zone),
        **_of_wallet(one),
        "usage": [_usage(line, one) for line in one.usage],
        "adjustments": [_adjustment(line, one) for line in one.adjustments],
        "credits": [
            {"at": utc_text(line.at), "key": line.key.removeprefix(CREDIT), "reason": line.reason}
            | {"amount": exact(line.amount, one.currency)}
            for line in one.credits
        ],
        "allowances": [
            {"measure": line.measure, "limit": _measured(line.measure, line.limit, one.currency)}
            | {"used": _measured(line.measure, line.used, one.currency)}
            for line in one.allowances
        ],
        "totals": _totals(one),
        "balance": None
        if one.opening is None or one.closing is None
        else {
            "opening": exact(one.opening, one.currency),
            "paid_in": exact(one.paid_in, one.currency),
            "charged": exact(one.total, one.currency),
            "closing": exact(one.closing, one.currency),
        },
        "carried": {"operations": one.open, "held": exact(one.held, one.currency)},
        "log": {"stream": period_stream(one.account, one.period), "version": one.version, "hash": one.head},
    }


def _of_wallet(one: Statement) -> Content:
    """The parts that only an account has whose plan has a price, or that was granted credit."""
    told: Content = {}
    if one.subscription:
        told["subscription"] = [
            {"plan": line.plan, "from": utc_text(line.covers.start), "to": utc_text(line.covers.end)}
            | _amounts(line.amount, one.currency)
            for line in one.subscription
        ]
    if one.grants or one.granted:
        opening, closing = exact(one.granted, one.currency), exact(one.left_of_grants, one.currency)
        told["grants"] = {"opening": opening, "lines": [_grant(line, one) for line in one.grants], "closing": closing}
    return told


def _grant(line: GrantLine, one: Statement) -> Content:
    """`used` is what it paid, and `rounded` the same as it is taken off the total; `ended` is null, expired or
    revoked."""
    return {
        "grant": line.grant,
        "source": line.source,
        "expires": None if line.expires is None else utc_text(line.expires),
        "given": exact(line.given, one.currency),
        "used": exact(line.used, one.currency),
        "lapsed": exact(line.lapsed, one.currency),
        "revoked": exact(line.revoked, one.currency),
        "ended": line.ended or None,
        "revoked_at": None if line.revoked_at is None else utc_text(line.revoked_at),
        "reason": line.reason or None,
        "rounded": exact(-rounded(line.used, one.currency), one.currency),
    }


def _totals(one: Statement) -> Content:
    """All but the first are in whole minor units, and add up to the total."""
    usage = sum(rounded(line.amount, one.currency) for line in one.usage)
    adjustments = sum(rounded(line.amount, one.currency) for line in one.adjustments)
    extra: Content = {}
    if one.subscription:
        subscription = sum(rounded(line.amount, one.currency) for line in one.subscription)
        extra["subscription"] = exact(subscription, one.currency)
    if one.grants:
        extra["grants"] = exact(-sum(rounded(line.used, one.currency) for line in one.grants), one.currency)
    return {
        "exact": exact(one.total, one.currency),
        **extra,
        "usage": exact(usage, one.currency),
        "adjustments": exact(adjustments, one.currency),
        "rounding": exact(one.rounding, one.currency),
        "total": exact(one.rounded_total, one.currency),
    }


def _usage(line: UsageLine, one: Statement) -> Content:
    return {
        "model": line.model,
        "provider": line.provider,
        "kind": line.kind,
        "user": line.user,
        "project": line.project,
        "operations": line.operations,
        "outputs": line.outputs,
        "units": _units(line.units),
        "unit": line.unit,
        **_class(line.charged, one),
        **_amounts(line.amount, one.currency),
    }


def _adjustment(line: AdjustmentLine, one: Statement) -> Content:
    return {
        "what": line.what,
        "at": utc_text(line.at),
        "operation": line.operation or None,
        "reference": line.reference,
        "reason": line.reason,
        **_class(None if line.charged == one.period else line.charged, one),
        **_amounts(line.amount, one.currency),
    }


def _class(charged: Period | None, one: Statement) -> Content:
    """The period in which it was incurred, and the class that says that it is billed in another."""
    if charged is None:
        return {"class": None, "charge_period": None}
    return {"class": CORRECTION, "charge_period": period_name(charged, one.zone)}


def _period(period: Period, zone: str) -> Content:
    return {
        "name": period_name(period, zone),
        "zone": zone,
        "start": utc_text(period.start),
        "end": utc_text(period.end),
        "last_day": local_day(period.end - 1, zone),
    }


def _amounts(micros: int, currency: str) -> Content:
    """An amount, and the same in whole minor units, as it is added up to the total."""
    return {"amount": exact(micros, currency), "rounded": exact(rounded(micros, currency), currency)}


def exact(micros: int, currency: str) -> str:
    """An exact amount without its currency, such as "12.50"."""
    return str(Money(micros, currency)).split(" ")[0]


def _measured(measure: str, count: int, currency: str) -> str | int:
    return exact(count, currency) if measure == SPEND else count


def _units(millionths: int) -> str:
    whole, rest = divmod(millionths, MICROS)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".") if rest else str(whole)


def utc_text(at: int) -> str:
    """An instant in UTC, to the microsecond, such as 2026-04-01T00:00:00.000000Z."""
    return (EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z")


FORMS: Final[Mapping[int, Callable[[Statement], Content]]] = MappingProxyType({1: _first_form})
