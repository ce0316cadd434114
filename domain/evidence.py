"""Facts about an account that decisions need beside those in memory: loaded for them, and forgotten after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.approvals import Approval
from domain.assets import AssetState
from domain.booking import GoodwillGiven
from domain.operation import State
from domain.totals import PeriodState


@dataclass(frozen=True, slots=True)
class Spent:
    """The use of an idempotency key; an empty fingerprint was erased with its content and fits any request.

    If that was `refused`, the refusal is the key's answer until what refused has changed.
    """

    reference: str
    fingerprint: str
    refused: bool = False


@dataclass(slots=True)
class Evidence:
    """The rows that the decisions at hand name, beside those that are always in memory.

    An account has few open operations and any number of closed ones, so only the open are remembered. The writer loads
    the rest under the account's lock, as far as a decision names it (`application.ledger.group`), and forgets it after.
    So a decision stays a pure function: whatever it asks is there, and nobody else can change it meanwhile.
    """

    found: dict[str, State] = field(default_factory=dict)
    """Operations that are closed, or of an ended period."""
    keys: dict[str, Spent] = field(default_factory=dict)
    """The idempotency keys that were used before."""
    jobs: dict[tuple[str, str], str] = field(default_factory=dict)
    """The operation that a provider's job is of, by provider and job."""
    assets: dict[str, AssetState] = field(default_factory=dict)
    """Earlier decisions about the assets that are named."""
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of operations that are named, if their tags are changed."""
    approvals: dict[str, Approval | None] = field(default_factory=dict)
    """Those that are named; None was never asked for."""
    alarms: dict[str, bool] = field(default_factory=dict)
    """Of those that are named, whether they were raised."""
    earlier: PeriodState | None = None
    """An earlier period, if a decision names its stream."""
    goodwill: tuple[GoodwillGiven, ...] = ()
    """All goodwill that the account was given, if a correction is decided."""
    charged: int | None = None
    """The charges of the period that is corrected less refunds; None if no goodwill counts against them."""
    end: tuple[int, str] | None = None
    """The version and the hash (hex) at which a stream ends, if a decision names it."""
    recent: Sequence[Any] = ()
    """The facts of the current period from an instant on, if a decision needs them: any of `domain.ledger.Fact`."""

    def forget(self) -> None:
        self.found.clear()
        self.keys.clear()
        self.jobs.clear()
        self.assets.clear()
        self.tags.clear()
        self.approvals.clear()
        self.alarms.clear()
        self.earlier = self.end = self.charged = None
        self.goodwill = ()
        self.recent = ()
