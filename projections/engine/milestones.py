"""Milestones: what the sums of views came to at some positions, so that the past is not folded from its beginning.

asked: as of P ── the last milestone before ── the facts from there ── P
                   └─ none for many facts: one is made every SPAN of them, and kept for the next who asks

A milestone is disposable. It is ignored if the log has another fact at its position, or if a view has another shape.
It has all rows of views that sum, and of those that have a row an operation only what the others read of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, Protocol

import msgspec
from sqlalchemy import text

from projections.engine.scratch import Scratch
from projections.engine.view import AnyView

SPAN = 5_000
"""Facts from one milestone to the next, or as many as it has rows, if it has more."""
EVERYBODY = ""
"""The scope of a milestone of all accounts."""

Rows = list[list[Any]]


@dataclass(frozen=True, slots=True)
class Milestone:
    """The sums of one account, or of everybody, up to a position whose entry has this hash; `body` is packed."""

    scope: str
    position: int
    hash: bytes
    shape: str
    body: bytes


class MilestoneStore(Protocol):
    """The milestones that are kept. All of it blocks."""

    def nearest(self, scope: str, position: int) -> Milestone | None:
        """The last one up to a position."""

    def keep(self, made: Milestone, erased: int) -> None:
        """Keep one that was folded when so many users were erased; nothing, if more are by now, or nobody may write."""

    def forget(self, scope: str | None = None) -> None:
        """Delete all, or those of a scope, if anybody may."""


class MilestoneRows(msgspec.Struct):
    """The versions of the streams, and each view's rows."""

    ends: dict[str, int]
    views: dict[str, Rows]


def may_begin(view: AnyView) -> bool:
    """Whether a view can be asked from a milestone, which has all of its rows."""
    return view.milestone == ""


def summing(views: Iterable[AnyView]) -> tuple[AnyView, ...]:
    """The views of which a milestone has rows."""
    return tuple(view for view in views if view.milestone is not None)


@cache
def shape_of_milestones(views: tuple[AnyView, ...]) -> str:
    """A digest of the views' columns, and of the part of their rows that is kept."""
    told = [
        [view.name, view.milestone, [[one.name, one.role.name, one.kind.name] for one in view.stored]] for view in views
    ]
    return sha256(msgspec.json.encode(told)).hexdigest()[:16]


def pack(scratch: Scratch, ends: Mapping[str, int]) -> tuple[bytes, int]:
    """The body of a milestone of a scratch database, and how many rows it has; the others are dropped there."""
    found: dict[str, Rows] = {}
    for view in scratch.views:
        if view.milestone:
            scratch.drop(view, f"({view.milestone}) IS NOT TRUE")
        names = ", ".join(f'"{column.name}"' for column in view.stored)
        found[view.name] = [list(row) for row in scratch.rows(text(f"SELECT {names} FROM {view.name}"))]
    body = msgspec.json.encode(MilestoneRows(dict(ends), found))
    return zlib.compress(body, 1), sum(map(len, found.values()))


def unpack(milestone: Milestone) -> MilestoneRows | None:
    """None if the body is damaged."""
    try:
        return msgspec.json.decode(zlib.decompress(milestone.body), type=MilestoneRows)
    except (zlib.error, msgspec.MsgspecError):
        return None


def fill(scratch: Scratch, body: MilestoneRows) -> None:
    """Put a milestone's rows into the tables of a scratch database."""
    for view in scratch.views:
        scratch.fill(view, [column.name for column in view.stored], body.views.get(view.name, []))
