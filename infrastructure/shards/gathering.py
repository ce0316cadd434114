"""One answer of all shards about work, money and seals, where rows in one order are not enough.

queue          lines of all, longest first; a provider's room is counted in the directory, and so once
a bill         a job that one shard knows is no stranger, whatever the others say
approvals      the newest of all, with one cursor
a moment       the moment of each
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Final, cast

from application.asking.approvals import ApprovalPage, ApprovalView
from application.keeping.reconciliation import MISSING_HERE, ReconciledJob
from application.keeping.repricing import Repricings
from application.keeping.seals import SignedSeal
from application.keeping.simulating import SimulatedSales
from application.keeping.watch import WatchStanding
from application.ledger.moments import Moment, MomentOfShards
from application.ledger.positions import Positions
from application.library.answers import ErasedAssets
from application.performing.standing import ProviderQueue, QueueStanding, WorkingProcess
from application.ports.hooks import HookLag
from infrastructure.store.queues import MOST_LINES
from projections.engine.asking import cursor
from projections.views.approvals import APPROVALS

PLACED: Final = attrgetter("asked_at", "account", "quote")


def gathered_queue(answers: Mapping[str, QueueStanding], _account: str | None = None) -> QueueStanding:
    """The lines of all shards, and who works on what of any."""
    lines = sorted(chain(*(one.lines for one in answers.values())), key=lambda one: (-one.waiting, one.account))
    return QueueStanding(
        tuple(map(_provider, _named(answers, "providers", "provider"))),
        tuple(lines[:MOST_LINES]),
        tuple(map(_process, _named(answers, "processes", "owner"))),
    )


def _named(answers: Mapping[str, QueueStanding], field: str, name: str) -> Iterable[Sequence[Any]]:
    """The parts of all answers, those of one name together."""
    by_name = attrgetter(name)
    found = sorted(chain(*(getattr(one, field) for one in answers.values())), key=by_name)
    return [[*same] for _, same in groupby(found, by_name)]


def _provider(same: Sequence[ProviderQueue]) -> ProviderQueue:
    """Its room is the same in each."""
    since = min((one.since for one in same if one.since is not None), default=None)
    return replace(same[0], waiting=sum(one.waiting for one in same), since=since)


def _process(same: Sequence[WorkingProcess]) -> WorkingProcess:
    counts = sum(one.operations for one in same), sum(one.over for one in same)
    return WorkingProcess(same[0].owner, *counts, max(one.until for one in same))


def gathered_approvals(
    answers: Mapping[str, ApprovalPage], _account: str | None = None, *, limit: int = 100, **_asked: Any
) -> ApprovalPage:
    """A page of all, the newest first."""
    rows: list[ApprovalView] = sorted(chain(*(one.approvals for one in answers.values())), key=PLACED, reverse=True)
    shown = tuple(rows[:limit])
    if len(shown) == len(rows) and not any(one.next for one in answers.values()):
        return ApprovalPage(shown, None)
    last = SimpleNamespace(asked=shown[-1].asked_at, account=shown[-1].account, quote=shown[-1].quote)
    return ApprovalPage(shown, cursor(APPROVALS, cast("Any", last)))


def gathered_jobs(answers: Mapping[str, Sequence[ReconciledJob]], *_asked: Any, **_named: Any) -> list[ReconciledJob]:
    """Every job once: a bill that is nobody's in one shard may be of an operation in another."""
    found: dict[str, ReconciledJob] = {}
    for one in chain(*answers.values()):
        if one.job not in found or found[one.job].status == MISSING_HERE:
            found[one.job] = one
    return [found[job] for job in sorted(found)]


def gathered_repricing(answers: Mapping[str, Repricings], *_asked: Any, **_named: Any) -> Repricings:
    """The lines of all accounts; each is in one shard."""
    found = [*answers.values()]
    lines = sorted(chain(*(one.lines for one in found)), key=lambda one: (one.account, one.model))
    counts = sum(one.booked for one in found), sum(one.short for one in found)
    return Repricings(found[0].book, tuple(lines), *counts)


def gathered_simulation(answers: Mapping[str, SimulatedSales], *_asked: Any, **_named: Any) -> SimulatedSales:
    """The lines and fees of all accounts; each is in one shard."""
    lines = sorted(chain(*(one.lines for one in answers.values())), key=lambda one: (one.account, one.model))
    return SimulatedSales(tuple(lines), tuple(chain(*(one.fees for one in answers.values()))))


def gathered_seals(answers: Mapping[str, Sequence[SignedSeal]]) -> list[SignedSeal]:
    """The seals of all, the newest last; each names its ledger."""
    return sorted(chain(*answers.values()), key=lambda one: one.at)


def gathered_watches(answers: Mapping[str, WatchStanding]) -> WatchStanding:
    """How far each log was verified, and what was found in any; `at` is when the reading ended that is oldest."""
    return WatchStanding(
        position=Positions({name: one.position for name, one in answers.items()}),
        verified=Positions({name: one.verified for name, one in answers.items()}),
        problems=tuple(f"shard {name}: {told}" for name, one in answers.items() for told in one.problems),
        owner=", ".join(sorted({one.owner for one in answers.values() if one.owner})),
        at=min(one.at for one in answers.values()),
    )


def gathered_moment(answers: Mapping[str, Moment], *_asked: Any, **_named: Any) -> MomentOfShards:
    """The moment of each, at the latest instant of them."""
    where = Positions({name: one.position for name, one in answers.items()})
    return MomentOfShards(where, max(one.at for one in answers.values()), dict(answers))


def gathered_erasure(answers: Mapping[str, ErasedAssets]) -> ErasedAssets:
    """The assets that were erased in all."""
    assets = tuple(chain(*(one.assets for one in answers.values())))
    return ErasedAssets(assets, sum(one.files for one in answers.values()))


def gathered_names(answers: Mapping[str, Sequence[str]], *_asked: Any, **_named: Any) -> list[str]:
    """Names that any of them has, each once."""
    return sorted(set(chain(*answers.values())))


def gathered_drifts(answers: Mapping[str, Sequence[Any]], *_asked: Any, **_named: Any) -> list[Any]:
    """The alerts about invoices of all providers, the newest first."""
    return sorted(chain(*answers.values()), key=lambda one: -one.raised.at)


def gathered_messages(answers: Mapping[str, HookLag], _now: int) -> HookLag:
    """The messages that wait in all."""
    oldest = min((one.oldest for one in answers.values() if one.oldest is not None), default=None)
    return HookLag(sum(one.waiting for one in answers.values()), oldest)
