"""Requests and their results: one shape for every kind of operation."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from application.ports import Asset, Scalar
from domain.actor import Actor
from domain.charging import CostSource, least_certain
from domain.money import Money
from domain.operation import Given, Rejected
from domain.selling import Sale
from domain.value import value
from domain.wishes import Wishes

CLASSES = ("real", "stand-in", "test")
"""Of models, from what does what was asked for to what does what it is told."""

File = bytes | Path | str
"""A file's content, its path, its http or https address, or "asset:" and the id of an asset of the account."""

OF_ASSET = "asset:"
ADDRESSES = ("http://", "https://")
NAMED = (*ADDRESSES, OF_ASSET)
"""Beginnings of texts that name a file which is no path."""


@value
class Variant:
    """One variation of a request, with inputs, a model and wishes of its own, each said over the request's."""

    inputs: Mapping[str, Scalar] = field(default_factory=dict, repr=False)
    model: str = ""
    wishes: Wishes | None = field(default=None, repr=False)


@value
class Request:
    """One request: `n` variations of one kind of operation, for one account.

    `model` is an id, "auto", or a strategy ("cheapest", "best", "balanced"). A strategy, and a fallback after a
    definite refusal, take real models alone, and besides them the classes that `allow` or the account's terms name:
    "stand-in", "test". A fallback costs at most what was held, or together with all else of the request `max_price`,
    in the account's currency, which then nothing exceeds. `media` holds files by input name, as bytes, paths, or text
    that is an http or https address. `wishes` are put into the inputs of each model that is asked, in its own words,
    and pass over those that cannot meet them. `user` defaults to the account. The same `key` never does or charges the
    same thing twice; what was asked is compared with addresses as they are written, and other files by content.
    Prices are those of `priced_at`, an instant of a moment ago at which they were quoted, or else of now. `quote` names
    what a person approved of the same request: it is then done once, by that model, at that price at most.
    `each` has inputs of every variation's own, or a `Variant` with more, said over the request's: as many operations,
    admitted or refused together. With a `max_price` of them all, none falls back to what costs more than is held.
    """

    kind: str
    account: str
    inputs: Mapping[str, Scalar] = field(default_factory=dict, repr=False)
    media: Mapping[str, Sequence[File]] = field(default_factory=dict, repr=False)
    user: str | None = None
    project: str | None = None
    model: str = "auto"
    n: int = 1
    key: str | None = None
    allow: str | Collection[str] = ()
    max_price: Money | Decimal | str | None = None
    by: Actor | None = None
    """Who asks, as the log names them; otherwise the user."""
    wishes: Wishes | None = field(default=None, repr=False)
    each: Sequence[Mapping[str, Scalar] | Variant] = field(default=(), repr=False)
    priced_at: int | None = None
    on_limit: str = ""
    """With "refuse" a limit of money refuses it, also if the account's terms name a cheaper model for that."""
    quote: str | None = None
    priority: str = "normal"
    """In the queue, before or after the same account's others: "high", "normal" or "low"."""
    tags: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Words of the caller's about it, by names of their own, to find it and to sum up by; erasable, beside the log."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model of the kind, and what the whole request would hold there (None: not known).

    `skipped` says why it would not be asked, and is empty for those that would be, each if the one before refuses.
    """

    model: str
    provider: str
    model_class: str
    price: Money | None
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class GrantShare:
    """The part of a price that one grant pays, and where the grant came from."""

    grant: str
    source: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Estimate:
    """A request's hold and choice. `refused` names the reason if it would be refused just now, with what is left.

    `held` is the most that it can be charged, None if nothing may be held for it. A price or cost of None is not
    known; `price_source` and `cost_source` say how each is. `rate` is None if it is not known, or if the calls
    that the request is made in have different ones. `listed` is the price book's price, if the provider itself
    quoted the cost or it is sold for another; `sale` has the terms, those of the first operation. `warnings` are what
    to know ahead of the model, such as that it will be retired. `chain` are the models that would be asked, in their
    order, and then those of the kind that would not, each with the reason. `asks` is what the request takes of each
    measure that may be limited, as `left` has them. `needs_approval` says whether a person would have to agree, by the
    terms of the key that asks. `grants` are the parts of what is held that grants pay, in the order in which they are
    spent, and `own` the rest, which is the account's own money.
    """

    model: str
    provider: str
    unit: str
    units: str
    rate: str | None
    price: Money | None
    price_source: CostSource
    cost: Money | None
    cost_source: CostSource
    held: Money | None
    currency: str
    price_book: str
    operations: int
    refused: str | None
    listed: Money | None
    left: Mapping[str, int | None]
    asks: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    model_class: str = "real"
    chain: tuple[Candidate, ...] = ()
    notes: tuple[str, ...] = ()
    needs_approval: bool = False
    sale: Sale | None = None
    grants: tuple[GrantShare, ...] = ()
    own: Money | None = None


@value
class Output:
    """One file delivered: its kind, where it is kept, and its bytes if they are few enough to be kept in memory.

    `path` is its file on this machine; None if it is kept in a bucket, whose address `where` has. Content that is not
    `held` is read when it is asked for, by a thread that may wait: `await asyncio.to_thread(output.save_to, target)`.
    """

    asset: Asset
    held: bytes | None = field(repr=False)
    path: str | None
    where: str
    pieces: Callable[[], Iterator[bytes]] = field(repr=False, compare=False)

    @property
    def media_type(self) -> str:
        return self.asset.media_type

    @property
    def content(self) -> bytes:
        """All of the file's bytes; read each time if they are not held. Raises as `stream`."""
        return b"".join(self.stream()) if self.held is None else self.held

    def stream(self) -> Iterator[bytes]:
        """The file in pieces; the last comes once its digest is known to be the same.

        Raises AssetMissing, AssetDamaged, StoreUnavailable.
        """
        return self.pieces() if self.held is None else iter((self.held,))

    def save_to(self, target: Path) -> None:
        """Write the file to `target`, whole or not at all, without holding it in memory; to a device as it comes.

        Raises as `stream`, and OSError of the target.
        """
        if target.exists() and not target.is_file():
            with target.open("wb") as device:
                device.writelines(self.stream())
            return
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with partial.open("xb") as copy:
                copy.writelines(self.stream())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Rerouting:
    """A model definitely refused (`code`), and the next was asked instead, with another hold."""

    code: str
    model: str
    provider: str
    price: Money
    next_model: str
    next_provider: str
    next_price: Money

    def __str__(self) -> str:
        return (
            f"{self.code} at {self.model} ({self.provider}, {self.price} held): "
            f"{self.next_model} ({self.next_provider}) instead, {self.next_price} held"
        )


@value
class OperationResult:
    """The end of one operation of a request: charged, rejected, released, or still open (pending).

    A cost of None is not known; `price_source` and `cost_source` say how each amount is known, None if facts before
    0.3 do not say. Of `asked` outputs `lost` ones were delivered and could not be kept, `losses` for each reason;
    `unlike` ones are of another size or length than the request and its model's entry said exactly. `notes` say what
    else to know, such as that another model was put in the place of the one asked.
    `model_class` says whether the model is a real one, a stand-in or one for tests; None if nothing was held, or
    before that was noted. `rerouted` are the models that refused before. `api_key` is the id of the key that asked.
    `usage` is what the provider counted, such as tokens, by the name of each meter; empty if it counted nothing.
    `given` are the files that it came with.
    """

    operation: str
    account: str
    user: str
    project: str | None
    status: str
    model: str
    provider: str
    price: Money
    cost: Money | None
    outputs: tuple[Output, ...]
    reason: str = ""
    rejected: Rejected | None = None
    price_source: CostSource | None = None
    cost_source: CostSource | None = None
    asked: int = 0
    lost: int = 0
    losses: Mapping[str, int] = field(default_factory=dict)
    model_class: str | None = None
    rerouted: tuple[Rerouting, ...] = ()
    unlike: int = 0
    api_key: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    given: tuple[Given, ...] = ()


@value
class Result:
    """The standard result of a request: the sum over its operations, which are all there too.

    `left` is what remains of each limit after it (None: unlimited; money in micro-units). `warnings` are what to know
    ahead of the models that were used, such as that one will be retired. `tags` are the request's, unless erased.
    """

    operation: str
    operations: tuple[OperationResult, ...]
    left: Mapping[str, int | None]
    metadata: Mapping[str, str] = field(default_factory=dict)
    repeated: bool = False
    warnings: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def assets(self) -> tuple[Output, ...]:
        return tuple(output for one in self.operations for output in one.outputs)

    @property
    def model(self) -> str:
        return self.operations[0].model

    @property
    def provider(self) -> str:
        return self.operations[0].provider

    @property
    def model_class(self) -> str | None:
        """Of the operations' models the least real class: "real", "stand-in" or "test"; None if it is not known."""
        classes = [one.model_class for one in self.operations]
        return None if None in classes else max(classes, key=CLASSES.index)

    @property
    def rerouted(self) -> tuple[Rerouting, ...]:
        """Every model that refused, with the one that was asked instead."""
        return tuple(moved for one in self.operations for moved in one.rerouted)

    @property
    def price(self) -> Money:
        return _sum([one.price for one in self.operations])

    @property
    def cost(self) -> Money | None:
        """The sum of what is known, and so at least that where `cost_partial`; None if nothing is."""
        known = [one.cost for one in self.operations if one.cost is not None]
        return _sum(known) if known else None

    @property
    def cost_partial(self) -> bool:
        """Whether the cost of some operation is not known."""
        return any(one.cost is None for one in self.operations)

    @property
    def price_source(self) -> CostSource | None:
        """How the price is known, as the least certain of its parts is."""
        return least_certain([one.price_source for one in self.operations])

    @property
    def cost_source(self) -> CostSource | None:
        """How the cost is known, as the least certain of its parts is."""
        return least_certain([one.cost_source for one in self.operations])

    @property
    def asked(self) -> int:
        return sum(one.asked for one in self.operations)

    @property
    def lost(self) -> int:
        """Outputs that were delivered and could not be kept."""
        return sum(one.lost for one in self.operations)

    @property
    def unlike(self) -> int:
        """Outputs of another size or length than was promised exactly."""
        return sum(one.unlike for one in self.operations)

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on how it was done, such as that another model was put in the place of the one asked."""
        return tuple(dict.fromkeys(note for one in self.operations for note in one.notes))

    @property
    def losses(self) -> Mapping[str, int]:
        """How many outputs were lost, by the reason why."""
        found: dict[str, int] = {}
        for one in self.operations:
            for reason, count in one.losses.items():
                found[reason] = found.get(reason, 0) + count
        return found

    @property
    def status(self) -> str:
        """The operations' common status, or "mixed"."""
        found = {one.status for one in self.operations}
        return found.pop() if len(found) == 1 else "mixed"


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that was admitted and goes on by itself; `studio.operations.wait(begun.operation, account=…)` waits."""

    operation: str
    operations: tuple[str, ...]
    repeated: bool


def _sum(amounts: Sequence[Money]) -> Money:
    total = amounts[0]
    for amount in amounts[1:]:
        total = total + amount
    return total
