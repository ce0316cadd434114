"""The audit of an open ledger, whether a studio works on it or it is only read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Final

from application.keeping.ends import Seal
from application.keeping.tables import Ground
from application.keeping.verdict import Verdict, audited
from application.ledger.log import Codec
from application.library.naming import AssetNames
from application.ports import Progress, silent
from infrastructure.archiving.archiving import segment_problems
from infrastructure.clock import SECOND
from infrastructure.opening import open_source
from infrastructure.settings import Settings
from infrastructure.shards.facades import RoutedAudit
from infrastructure.store.database import Database
from infrastructure.store.desks import SqlDesks
from infrastructure.store.identity import ImportedKeys, asset_key
from infrastructure.store.milestones import SqlMilestones
from infrastructure.store.reader import SqlReader
from projections.audit import Audit
from projections.engine.replay import Replay
from projections.queries import Views

NONE: Final[Mapping[str, Sequence[Seal]]] = {}


def audit_of(settings: Settings, database: Database, codec: Codec, views: Views, clock: Callable[[], int]) -> Audit:
    """Chains, tables and views held against the log, at the clock's instant."""
    reader = SqlReader(database)

    def ground() -> Ground:
        return Ground(SqlDesks(database), reader, codec, clock(), settings.lease_seconds * SECOND)

    return Audit(
        database=database,
        reader=reader,
        codec=codec,
        views=views,
        ground=ground,
        open_source=partial(open_source, settings),
        names=lambda: AssetNames(asset_key(database), ImportedKeys(database)),
        segments=partial(segment_problems, database, whole=False),
        forget_milestones=SqlMilestones(database, lambda: nullcontext(database)).forget,
    )


async def verdict_of(
    audit: Audit,
    account: str | None = None,
    seals: Mapping[str, Sequence[Seal]] = NONE,
    report: Progress = silent,
    *,
    lost: str = "",
) -> Verdict[Replay]:
    """Audit all accounts, or one, in each ledger that they are in; `seals` are by shard, of the only ledger by "".

    Raises as `audited` does.
    """
    if not isinstance(audit, RoutedAudit):
        return await audited(audit, account, seals.get("", ()), report, lost=lost)
    from infrastructure.shards.merging import merged_verdict

    each = await asyncio.to_thread(audit.of, account)
    found = {name: await audited(one, account, seals.get(name, ()), report) for name, one in each.items()}
    return merged_verdict(found, lost, await asyncio.to_thread(audit.misplaced, account))
