"""The archive as documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from infrastructure.showing.formats import iso

if TYPE_CHECKING:
    from application.keeping.walking import Problem
    from infrastructure.archiving.archiving import ArchivedPeriods
    from infrastructure.store.archive import SegmentRecord


def archive_document(done: ArchivedPeriods) -> dict[str, Any]:
    """The periods that were archived, or would be, and those that stay and why."""
    return {
        "dry_run": done.dry_run,
        "periods": [{"account": account, "period": name} for account, name in done.periods],
        **segments_document(done.segments),
        "left": [{"account": one.account, "period": one.name, "reason": one.reason} for one in done.left],
    }


def segments_document(segments: Sequence[SegmentRecord]) -> dict[str, Any]:
    """The files, by name and digest, with the positions and the counts of what they hold."""
    return {"segments": [_segment(one) for one in segments]}


def listed_document(found: tuple[Sequence[SegmentRecord], Sequence[str]]) -> dict[str, Any]:
    """The files, and the names of those that are not there."""
    segments, missing = found
    return {**segments_document(segments), "missing_segments": [*missing]}


def verified_document(count: int, found: Sequence[Problem]) -> dict[str, Any]:
    """How many segments there are, and what is amiss."""
    return {"segments": count, "problems": [problem.what for problem in found]}


def _segment(one: SegmentRecord) -> dict[str, Any]:
    positions = {"first": one.first, "last": one.last}
    counts = {"facts": one.facts, "taken": one.taken, "bytes": one.size}
    return {"name": one.name, **positions, **counts, "sha256": one.digest, "at": iso(one.at)}
