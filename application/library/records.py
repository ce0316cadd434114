"""Records of an account's assets, and the port that they are read through.

    log ── views ── AssetRecords ──> AssetRecord, AssetLink

Every question names the account: another's asset is not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.money import Money
from domain.value import value


@value
class AssetRecord:
    """One file of an account: what it is, who made or brought it, and what was paid for it.

    `made` operations delivered it and `used` ones came with it. Operation, kind, model and provider are of the one that
    made it first, None if none here did; then nothing was paid for it here either, and price and cost are None. The
    cost is None, too, if nothing of it is known, and `cost_partial` if not all of it is. Pixels are as shown; instants
    are epoch microseconds. `standing` is kept, trashed or erased, since `stood_at`; it `expires` then, None: never.
    """

    account: str
    id: str
    media_type: str
    size: int
    width: int | None
    height: int | None
    duration_ms: int | None
    made: int
    used: int
    user: str
    project: str | None
    operation: str | None
    kind: str | None
    model: str | None
    provider: str | None
    first_seen: int
    last_seen: int
    standing: str
    stood_at: int
    expires: int | None
    price: Money | None
    cost: Money | None
    cost_partial: bool


@value
class AssetLink:
    """One place of an asset in an operation: among its `files` inputs or outputs, by `role`, the one at `place`.

    `field` is the input that it was for.
    """

    operation: str
    batch: str
    role: str
    place: int
    files: int
    asset: str
    field: str | None
    at: int


@value
class AssetQuery:
    """Which assets, and in which order (see ORDERS): None is any.

    `type` is image, video, audio, model or text; `made` whether an operation here made it; `seen` the span
    [since, until) of its first sight; `sizes` the bytes from and up to. `text` is looked for in titles, descriptions,
    tags and prompts: words, "a phrase", beginn*, -without.
    """

    standing: str | None = "kept"
    type: str | None = None
    kind: str | None = None
    model: str | None = None
    provider: str | None = None
    user: str | None = None
    project: str | None = None
    made: bool | None = None
    seen: tuple[int, int] | None = None
    sizes: tuple[int, int] | None = None
    text: str | None = None
    tag: str | None = None
    favourite: bool = False
    collection: str | None = None
    sort: str = "newest"


ORDERS = ("newest", "oldest", "largest", "smallest", "dearest", "cheapest", "title")
"""By first sight, bytes, price and title. Of what nothing was charged for, and of untitled ones, all come last."""

ALL_KEPT = AssetQuery()


@value
class AssetTotal:
    """Assets of one media type that one kind of operation made with one model; None if they were brought.

    Price and cost are None if nothing was charged; `cost_partial` if some cost is not known.
    """

    media_type: str
    kind: str | None
    model: str | None
    assets: int
    size: int
    price: Money | None
    cost: Money | None
    cost_partial: bool


@value
class LibraryTotals:
    """All assets that are wanted, together and by what they are and what made them.

    `favourites` is None of a moment of the past, as marks have none.
    """

    assets: int
    size: int
    favourites: int | None
    price: Money | None
    cost: Money | None
    cost_partial: bool
    parts: tuple[AssetTotal, ...]


@dataclass(frozen=True, slots=True)
class AssetPage:
    """Assets in their order, and the cursor after which more follow, if any do."""

    assets: tuple[AssetRecord, ...]
    next: str | None


class AssetRecords(Protocol):
    """Reads what is folded from the log about assets; blocking. Raises StoreUnavailable."""

    def page(self, account: str, wanted: AssetQuery, after: str | None, limit: int | None) -> AssetPage:
        """Raises InvalidInput for a word or a cursor that there is not."""

    def totals(self, account: str, wanted: AssetQuery) -> LibraryTotals:
        """Counts, bytes and money of all that is wanted. Raises InvalidInput as `page`."""

    def one(self, account: str, id: str) -> AssetRecord | None: ...

    def due(self, account: str | None, now: int, trashed_before: int, limit: int) -> Sequence[AssetRecord]:
        """Assets that have expired, or are in the trash since before an instant; None: of all accounts."""

    def places(self, account: str, id: str) -> Sequence[AssetLink]:
        """Everywhere that operations made or used the asset."""

    def ancestors(self, account: str, id: str) -> tuple[Sequence[AssetRecord], Sequence[AssetLink]]:
        """The asset with all that it came from, and the places that connect them."""

    def descendants(self, account: str, id: str) -> tuple[Sequence[AssetRecord], Sequence[AssetLink]]:
        """The asset with all that came of it, and the places that connect them."""

    def of_operation(self, account: str, operation: str) -> Sequence[AssetLink]:
        """The inputs and outputs of an operation, or of all of a batch."""
