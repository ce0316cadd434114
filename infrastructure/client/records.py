"""Documents of the gateway as the library's own records; what a key may not see is None."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, replace
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from application.asking.approvals import ApprovalView
from application.asking.requests import Candidate, Estimate, OperationResult, Output, Rerouting, Result
from application.keeping.accountviews import AccountView, GrantView, LimitsView, WalletView
from application.keeping.keys import KeyView
from application.library.answers import AssetWords, ShownAsset
from application.library.lineage import AssetSpend, Kin, Lineage
from application.library.records import AssetLink, AssetPage, AssetRecord, AssetTotal, LibraryTotals
from application.ports import Asset
from domain.charging import CostSource
from domain.counting import LimitStanding
from domain.keys import KeyTerms
from domain.money import Money
from domain.operation import Given, Rejected
from domain.periods import EARLIEST, LATEST
from domain.refusals import Refusal, Unapproved
from domain.tariffs import OwnDiscount
from infrastructure.showing.formats import instant_of

T = TypeVar("T")
Pieces = Callable[[Asset], Iterator[bytes]]
"""Reads the file of an asset."""

INSTANTS: Final = frozenset(
    {"first_seen", "last_seen", "stood_at", "expires", "resets_at", "runs_out_at", "start", "end", "at"}
)
"""Fields that documents tell as instants in ISO 8601, and records in epoch microseconds."""


def record(shape: type[T], document: Mapping[str, Any]) -> T:
    """The record that a document is; of fields without a usual value those that are left out are None."""
    told = {one.name: None for one in fields(shape) if one.default is MISSING and one.default_factory is MISSING}  # type: ignore[arg-type]
    if "class" in document:
        told["model_class"] = document["class"]
    return msgspec.convert({**told, **_instants(document)}, shape)


def amounts_from(amounts: Mapping[str, Any]) -> dict[str, int | None]:
    """Amounts by measure: micro-units of money, counts of outputs."""
    return {measure: amount["micros"] if isinstance(amount, Mapping) else amount for measure, amount in amounts.items()}


def result_from(document: Mapping[str, Any], pieces: Pieces, where: str, *, repeated: bool = False) -> Result:
    """A result whose files are read by `pieces`, each from its address below `where`."""
    return Result(
        operation=document["operation"],
        operations=tuple(_operation(one, pieces, where) for one in document["operations"]),
        left=amounts_from(document["left"]),
        metadata=document["metadata"],
        repeated=repeated,
        warnings=tuple(document["warnings"]),
        tags=document["tags"],
    )


def estimate_from(document: Mapping[str, Any]) -> Estimate:
    """An estimate, with the models that would be asked."""
    known = {"cost_source": CostSource.UNKNOWN, **document, "left": amounts_from(document["left"]), "chain": []}
    chain = tuple(record(Candidate, one) for one in document["chain"])
    found = record(Estimate, known)
    return Estimate(**{one.name: getattr(found, one.name) for one in fields(found)} | {"chain": chain})


def refusal_from(document: Mapping[str, Any]) -> Refusal:
    """The figures of a refusal."""
    amounts = amounts_from({name: document.get(name) for name in ("limit", "asked", "used", "held", "left")})
    plain = {**document, **amounts, "window": document.get("window") or ""}
    return msgspec.convert({name: one for name, one in _instants(plain).items() if name in _REFUSAL}, Refusal)


def waiting_from(document: Mapping[str, Any]) -> Unapproved:
    """A request that waits for a person."""
    plain = {**_instants(document), "left": amounts_from(document["left"]), "known": document["price_known"]}
    price, above = _money(document["price"]), _money(document["above"])
    amounts = {"price": price.micros, "above": above.micros, "currency": price.currency}
    return msgspec.convert({name: one for name, one in {**plain, **amounts}.items() if name in _WAITING}, Unapproved)


def account_from(document: Mapping[str, Any]) -> AccountView:
    """An account as its ledger stands."""
    amounts = {name: amounts_from(document[name]) for name in ("used", "held", "left")}
    limits = {scope: amounts_from(one) for scope, one in document["limits"].items()}
    windows = {
        window: {scope: amounts_from(one) for scope, one in limited.items()}
        for window, limited in document["windows"].items()
    }
    balance = None if document["balance"] is None else document["balance"]["micros"]
    own = {"limits": limits, "windows": windows, "balance": balance, "discount": _discount(document["discount"])}
    return record(AccountView, {**document, **amounts, **own})


def wallet_from(document: Mapping[str, Any]) -> WalletView:
    """An account's money to spend."""
    overage, then = document["overage"], document["then"] or {"plan": "", "at": None}
    return WalletView(
        account=document["account"],
        currency=document["currency"],
        plan=document["plan"],
        price=document["price"]["micros"],
        allowance=document["allowance"]["micros"],
        overage=None if overage == "refused" else Decimal(overage),
        balance=None if document["balance"] is None else document["balance"]["micros"],
        next_plan=then["plan"],
        next_at=_at(then["at"]),
        grants=tuple(map(_grant, document["grants"])),
    )


def _grant(one: Mapping[str, Any]) -> GrantView:
    terms = (one["grant"], one["source"], one["priority"], _at(one["until"]), tuple(one["kinds"]))
    amount, left, held = (one[name]["micros"] for name in ("amount", "left", "held"))
    return GrantView(*terms, amount, left, held, one["revoked"])


def _discount(document: Mapping[str, Any] | None) -> OwnDiscount | None:
    if document is None:
        return None
    start, end = _at(document["from"]), _at(document["until"])
    span = (EARLIEST if start is None else start, LATEST if end is None else end)
    return OwnDiscount(Decimal(document["percent"]), *span)


def limits_from(document: Mapping[str, Any]) -> LimitsView:
    """Every limit of an account."""
    names = ("limit", "used", "held", "left", "projected")
    found = [{**one, **amounts_from({name: one[name] for name in names})} for one in document["limits"]]
    standings = tuple(record(LimitStanding, one) for one in found)
    return LimitsView(document["account"], document["currency"], document["zone"], standings)


def key_from(document: Mapping[str, Any]) -> KeyView:
    """An API key, without a trace of its secret."""
    above = document["approve_above"]
    terms = {**document, "approve_above": None if above is None else above["micros"]}
    amounts = {name: amounts_from(document[name]) for name in ("limits", "used", "held", "left")}
    instants = {name: _at(document[f"{name}_at"]) for name in ("issued", "revoked")}
    told = {name: one for name, one in document.items() if name in _KEY}
    own = {name: one for name, one in terms.items() if name in KeyTerms.__dataclass_fields__}
    return record(KeyView, {**told, **amounts, **instants, "terms": {**own, "expires": _at(document["expires"])}})


def approval_from(document: Mapping[str, Any]) -> ApprovalView:
    """Something that a person was asked to approve."""
    instants = {name: _at(document[name]) for name in ("asked_at", "expires")}
    told = {**document, **instants, "price": msgspec.to_builtins(_money(document["price"]))}
    return record(ApprovalView, told)


def page_from(document: Mapping[str, Any]) -> AssetPage:
    """A page of assets."""
    return AssetPage(tuple(asset_from(one) for one in document["assets"]), document.get("next"))


def asset_from(document: Mapping[str, Any]) -> AssetRecord:
    """One asset; whether its cost is partly known is false for whom no cost is shown."""
    return record(AssetRecord, {"cost_partial": False, **document})


def links_from(documents: list[Mapping[str, Any]]) -> tuple[AssetLink, ...]:
    """Places of assets in operations."""
    return tuple(record(AssetLink, one) for one in documents)


def shown_from(document: Mapping[str, Any]) -> ShownAsset:
    """One asset with its places and words; where its file is kept is told to administrators alone."""
    return ShownAsset(
        asset_from(document),
        links_from(document["made_by"]),
        links_from(document["used_by"]),
        document["digest"],
        document.get("path"),
        record(AssetWords, document["words"]),
        document.get("where"),
    )


def totals_from(document: Mapping[str, Any]) -> LibraryTotals:
    """Sums of assets; whether a cost is partly known is false for whom no cost is shown."""
    parts = tuple(record(AssetTotal, {"cost_partial": False, **one}) for one in document["parts"])
    found = record(LibraryTotals, {"cost_partial": False, **document, "parts": []})
    return replace(found, parts=parts)


def lineage_from(document: Mapping[str, Any]) -> Lineage:
    """An asset with both directions of its lineage."""
    up, down = (
        Kin(tuple(asset_from(one) for one in document[name]["assets"]), links_from(document[name]["links"]))
        for name in ("ancestors", "descendants")
    )
    whole = record(AssetSpend, {"cost_partial": False, **document["whole"]})
    return Lineage(asset_from(document["asset"]), up, down, whole)


def _at(text: str | None) -> int | None:
    return None if text is None else instant_of(text)


_KEY: Final = frozenset({"id", "account", "name", "standing", "currency"})
_REFUSAL: Final = frozenset(one.name for one in fields(Refusal))
_WAITING: Final = frozenset(one.name for one in fields(Unapproved))
_PLAIN: Final = (
    *("operation", "account", "user", "project", "status", "model", "provider", "reason"),
    *("asked", "lost", "losses", "unlike", "api_key", "usage"),
)
"""Fields of an operation's result that its document has as they are."""


def _operation(document: Mapping[str, Any], pieces: Pieces, where: str) -> OperationResult:
    rejected, price_source, cost_source = (document.get(name) for name in ("rejected", "price_source", "cost_source"))
    return OperationResult(
        **{name: document[name] for name in _PLAIN},
        price=_money(document["price"]),
        cost=_money(document["cost"]) if document.get("cost") else None,
        outputs=tuple(_output(one, pieces, where) for one in document["outputs"]),
        rejected=None if rejected is None else record(Rejected, rejected),
        price_source=None if price_source is None else CostSource(price_source),
        cost_source=None if cost_source is None else CostSource(cost_source),
        model_class=document["class"],
        notes=tuple(document["notes"]),
        given=tuple(record(Given, one) for one in document.get("given", ())),
        rerouted=tuple(record(Rerouting, one) for one in document["rerouted"]),
    )


def _output(document: Mapping[str, Any], pieces: Pieces, where: str) -> Output:
    asset = record(Asset, {**document, "id": document["asset"]})
    return Output(asset, None, None, f"{where}/v1/assets/{asset.id}/content", lambda: pieces(asset))


def _money(document: Mapping[str, Any]) -> Money:
    return record(Money, document)


def _instants(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its instants in epoch microseconds."""
    found = dict(document)
    for name, one in document.items():
        if isinstance(one, Mapping):
            found[name] = _instants(one)
        elif name in INSTANTS and isinstance(one, str):
            found[name] = instant_of(one, field=name)
    return found
