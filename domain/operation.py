"""One operation, from request to money: at most one submission a dispatch, exactly one terminal money fact.

    Requested ─┬─ Rejected                              (a refusal is a fact, with its reason)
               └─ Validated ─ Dispatched ─ (Submitted) ─┬─ ProviderCompleted ─ Charged ─ (Adjusted …)
                  the hold    may be sent   job id      └─ ProviderFailed ─ Released

`Rerouted` replaces the hold after a definite refusal; after `Postponed` anybody may send it again. After a release by
policy a late success is delivered with its cost, never charged. The order of facts is in `domain.lifecycle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import Final

from domain.charging import CostSource
from domain.periods import Period
from domain.pricing import Quote
from domain.value import SPARE, value
from domain.wallet import Backs, Draws

POLICY, CANCELLED = "policy", "cancelled"
"""Reasons of a release: time ran out without an answer, and somebody asked for it."""
LATE = "late_success"

Corrections = tuple[tuple[str, int, int], ...]
"""A recorded correction: the reference, and the changes of price and cost, with which a repeat is compared."""


@value
class Operation:
    """Who asked for what, where and when: carried whole by every fact, so that no view needs a join."""

    id: str
    batch: str
    account: str
    user: str
    project: str | None
    period: Period
    day: str
    kind: str
    family: str
    model: str
    provider: str
    api_key: str | None = None


@value
class Stored:
    """An output as the log knows it: SHA-256 in hex, bytes, pixels, milliseconds, and the asset's id."""

    digest: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    id: str = ""


@value
class Given:
    """A file that a request came with, as the log knows it: the input it was for, and the id of the asset that it is.

    The id is keyed and there is no digest, so the log alone never tells which file it was.
    """

    field: str
    id: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None


# Facts


@value
class OperationFact:
    """The part that every fact about an operation carries: the operation, whole, and the instant."""

    operation: Operation
    at: int


@value
class Requested(OperationFact):
    """A request was made; `digest` is a keyed hash of the content, which itself is kept erasable elsewhere. The files
    it came with are `inputs`; of a refused one none is kept or named."""

    key: str | None
    digest: str
    outputs: int
    inputs: tuple[Given, ...] = ()


@value
class Rejected(OperationFact):
    """The business refused: which limit of which scope, what was asked of it, used and held, and what is left.

    `currency` is the account's. A limit's `window` begins anew at `resets_at`, by the clock of the account's `zone`.
    """

    reason: str
    scope: str
    measure: str
    limit: int | None
    asked: int
    used: int | None
    held: int | None
    left: int | None
    currency: str
    window: str = ""
    resets_at: int | None = None
    zone: str = ""


@value
class Substituted(OperationFact):
    """Another model by the account's terms, in the place of the one asked, which would have passed a limit of money.

    The operation is as it goes on; `model`, `provider`, `price` were asked; `reason` is the limit, with what it left.
    """

    model: str
    provider: str
    price: int
    currency: str
    reason: str
    scope: str
    measure: str
    window: str
    limit: int | None
    left: int | None


@value
class Validated(OperationFact):
    """Admitted: the quoted price and the outputs are held against every limit; `drawn` is held of grants."""

    quote: Quote
    drawn: Draws | None = field(default=None, metadata=SPARE)


@value
class Dispatched(OperationFact):
    """May be sent from now on, once, by `sender`."""

    attempt: int
    sender: str


@value
class Submitted(OperationFact):
    """The provider took it under a job id of its own."""

    job: str


@value
class Rerouted(OperationFact):
    """Another model after a definite refusal: the operation as it is now, and its new hold."""

    quote: Quote
    code: str
    drawn: Draws | None = field(default=None, metadata=SPARE)


@value
class Postponed(OperationFact):
    """Definitely refused for now (`code`), and nothing was begun: held in the queue, to be sent from `until` on."""

    code: str
    until: int


@value
class ProviderCompleted(OperationFact):
    """The provider delivered; `cost` is what it says it bills, if it says so, and `usage` what it counted.

    `lost` outputs were delivered and could not be kept, `losses` of them for each reason. Of `rough` counts some were
    not told apart, and are taken for the dearest that they can be. `unlike` of the assets are of another size or length
    than the request and its model's entry said exactly.
    """

    assets: tuple[Stored, ...]
    cost: int | None
    late: bool
    usage: Mapping[str, int] = field(default_factory=dict)
    lost: int = 0
    losses: Mapping[str, int] = field(default_factory=dict)
    rough: bool = False
    unlike: int = 0


@value
class Charged(OperationFact):
    """The charge: what the account pays, what the provider bills us, and by which price book.

    A cost of None is not known; `cost_currency` and `held` are said if not the price's, `asked` if the request was made
    in another quarter of an hour; `drawn` is grants'.
    """

    outputs: int
    unit: str
    units: Decimal
    price: int
    cost: int | None
    currency: str
    price_book: str
    price_source: CostSource | None = None
    cost_source: CostSource | None = None
    cost_currency: str = ""
    listed: int | None = None
    drawn: Draws | None = field(default=None, metadata=SPARE)
    held: int | None = field(default=None, metadata=SPARE)
    asked: int | None = field(default=None, metadata=SPARE)


@value
class ProviderFailed(OperationFact):
    """The provider definitely failed; `code` is one of the adapter's own words, and `usage` what it counted."""

    code: str
    usage: Mapping[str, int] = field(default_factory=dict)


@value
class Released(OperationFact):
    """The hold is void: `price` and `outputs` are free again. The provider bills `cost` all the same, None if it is not
    known. `why` is the reason that a canceller gave."""

    reason: str
    outputs: int
    price: int
    cost: int | None
    currency: str
    cost_source: CostSource | None = None
    why: str = ""
    cost_currency: str = ""
    asked: int | None = field(default=None, metadata=SPARE)


@value
class Adjusted(OperationFact):
    """A later correction, booked in the period in which it was made: negative price is a refund.

    `cost_source` says how our cost is known since, None if nothing new is known of it; `revealed` if it was not
    known before. `windows` are the hour and the day in which the operation was admitted, if they are not over. The
    operation was `worth` so much before, and its cost known as `was` says. `back` are a refund's parts from grants.
    """

    period: Period
    day: str
    price: int
    cost: int
    currency: str
    reason: str
    reference: str
    cost_source: CostSource | None = None
    revealed: bool = False
    windows: tuple[str, ...] = ()
    worth: int = 0
    was: CostSource | None = None
    cost_currency: str = ""
    back: Backs | None = field(default=None, metadata=SPARE)
    asked: int | None = field(default=None, metadata=SPARE)


OPERATION_FACTS: tuple[type[OperationFact], ...] = (
    *(Requested, Rejected, Substituted, Validated, Dispatched, Submitted, Rerouted, Postponed),
    *(ProviderCompleted, Charged, ProviderFailed, Released, Adjusted),
)


# States


@value
class Asked:
    """Requested, and not yet answered."""

    operation: Operation


@value
class Held:
    """Admitted at an instant, as all that follow know it, after `attempts` submissions that were definitely refused."""

    operation: Operation
    quote: Quote
    attempts: int = 0
    admitted: int = 0
    drawn: Draws | None = None


@value
class Sent:
    """May have reached the provider."""

    operation: Operation
    quote: Quote
    attempts: int
    sender: str
    admitted: int = 0
    drawn: Draws | None = None


@value
class Running:
    """The provider works on it."""

    operation: Operation
    quote: Quote
    attempts: int
    job: str
    admitted: int = 0
    drawn: Draws | None = None


@value
class Delivered:
    """Outputs are safe, or lost; the charge follows in the same append."""

    operation: Operation
    quote: Quote
    outputs: int
    cost: int | None
    admitted: int = 0
    drawn: Draws | None = None


@value
class Settled:
    """Charged; `adjusted` is the sum of later corrections of the price, each known by its reference, `cost` what is
    known of ours with all corrections, `cost_source` how, and `drawn` what grants have paid and not got back."""

    operation: Operation
    charged: int
    currency: str
    adjusted: int = 0
    corrections: Corrections = ()
    cost_known: bool = True
    admitted: int = 0
    cost: int = 0
    cost_source: CostSource | None = None
    cost_currency: str = ""
    drawn: Draws | None = None


@value
class Refused:
    """Never held anything."""

    operation: Operation
    reason: str


@value
class Dropped:
    """Released without a charge; `quote` was its hold, `late` once a success after a release by policy was booked."""

    operation: Operation
    reason: str
    quote: Quote
    late: bool = False
    corrections: Corrections = ()
    cost_known: bool = True
    cost: int = 0
    admitted: int = 0


Open = Held | Sent | Running | Delivered
Closed = Settled | Dropped | Refused
State = Asked | Open | Closed

TO_BE_SENT: Final = (Held, Sent)
UNDER_WAY: Final = (Held, Sent, Running)
CORRECTABLE: Final = (Settled, Dropped)
"""As tuples, since a union is made anew wherever it is written, which takes as long as making a state."""
CLOSED_STATES: Final = frozenset({Settled, Dropped, Refused})

PHASES: dict[type[State], str] = {
    Asked: "requested",
    Held: "validated",
    Sent: "dispatched",
    Running: "submitted",
    Delivered: "completed",
    Settled: "charged",
    Dropped: "released",
    Refused: "rejected",
}
"""The stored name of each state."""

CLOSED_PHASES = frozenset(PHASES[state] for state in CLOSED_STATES)
