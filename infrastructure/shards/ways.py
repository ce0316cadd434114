"""How the answers of calls that name no account are put together, call by call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from infrastructure.shards import gathering, merging

ACROSS: Final[Mapping[str, Callable[..., Any]]] = {
    "accounts.list_after": merging.merged_accounts,
    "alerts.check": merging.merged_lists,
    "approvals.list": gathering.gathered_approvals,
    "audit.asset_ids": merging.merged_streams,
    "audit.bills": merging.merged_streams,
    "audit.books": merging.merged_streams,
    "audit.compare": merging.merged_replay,
    "audit.differences": merging.merged_streams,
    "audit.mend": merging.merged_streams,
    "audit.rebuild": merging.merged_positions,
    "audit.verify": merging.merged_streams,
    "books.balance": merging.merged_balance,
    "books.log.end": merging.merged_positions,
    "invoices.check": merging.merged_lists,
    "invoices.drifts": gathering.gathered_drifts,
    "invoices.providers": gathering.gathered_names,
    "library.erase_due": gathering.gathered_erasure,
    "log.reader.end": merging.merged_positions,
    "operations.close": merging.merged_none,
    "past.balance": merging.merged_balance,
    "past.find": merging.merged_found,
    "past.moment": gathering.gathered_moment,
    "past.rows": merging.merged_all_rows,
    "past.sum_up": merging.merged_usage,
    "providers.reconcile": gathering.gathered_jobs,
    "queues.standing": gathering.gathered_queue,
    "reader.end": merging.merged_positions,
    "repricing.run": gathering.gathered_repricing,
    "seals.kept": gathering.gathered_seals,
    "seals.watch.standing": gathering.gathered_watches,
    "webhooks.sending.tables.lag": gathering.gathered_messages,
    "simulations.run": gathering.gathered_simulation,
    "upkeep.recover": merging.merged_lists,
    "upkeep.working": merging.merged_working,
    "views.catch_up": merging.merged_total,
    "views.find": merging.merged_found,
    "views.one": merging.merged_one,
    "views.retry": merging.merged_none,
    "views.rows": merging.merged_all_rows,
    "views.status": merging.merged_status,
    "views.sum_up": merging.merged_usage,
    "views.tags": merging.merged_tags,
}
