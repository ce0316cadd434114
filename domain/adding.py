"""The decision to bring a file into the library: one fact, and none if people have brought it before.

not brought yet, or erased ── AssetAdded ──> kept
brought, in the trash ─────── AssetRestored ─> kept
brought, kept ─────────────── nothing
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.account import Standing
from domain.assets import NEVER_DECIDED, AssetAdded, AssetRestored, Disposal
from domain.entering import current_period
from domain.errors import IllegalTransition
from domain.ids import check_id
from domain.ledger import Fact, Ledger, known_account


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAsset:
    """A file that somebody brings: what it is, who brings it, and the content beside the log that tells which it is."""

    asset: str
    user: str
    project: str | None
    media_type: str
    size: int
    width: int | None
    height: int | None
    duration_ms: int | None
    content: str
    digest: str


def add_asset(ledger: Ledger, account: str, new: NewAsset, now: int) -> list[Fact]:
    """Have it in the library. Raises UnknownAccount, IllegalTransition if the account is suspended or closed."""
    check_id("user", new.user)
    if new.project is not None:
        check_id("project", new.project)
    terms = known_account(ledger, account)
    if terms.standing is not Standing.OPEN:
        raise IllegalTransition(f"account {account!r} is {terms.standing}: nothing is brought into its library")
    state = ledger.evidence.assets.get(new.asset, NEVER_DECIDED)
    if state.added and state.disposal is Disposal.KEPT:
        return []
    facts, current = current_period(ledger, terms, now)
    if state.added:
        return [*facts, AssetRestored(account, now, current.period, new.asset)]
    looks = (new.media_type, new.size, new.width, new.height, new.duration_ms)
    told = AssetAdded(account, now, current.period, new.asset, new.user, new.project, *looks, new.content, new.digest)
    return [*facts, told]
