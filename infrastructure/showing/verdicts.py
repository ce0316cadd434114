"""An audit's verdict, a seal and rows made anew, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from application.keeping.ends import Seal
    from application.keeping.tables import Discrepancy
    from application.keeping.verdict import Verdict
    from projections.engine.replay import Replay, ReplayedView


def verdict_document(verdict: Verdict[Replay]) -> dict[str, Any]:
    """All that an audit found; each view with the first rows that differ."""
    views = verdict.comparison.views if verdict.comparison is not None else ()
    sealed = {"seals": {name: str(one) for name, one in verdict.seals.items()}} if verdict.seals else {}
    return {
        "verdict": "clean" if verdict.clean else "differences",
        "facts": verdict.comparison.facts if verdict.comparison is not None else None,
        "chains": list(verdict.chains),
        "index": list(verdict.index),
        "tables": list(verdict.tables),
        "assets": list(verdict.assets),
        "bills": list(verdict.bills),
        "books": list(verdict.books),
        "replay": verdict.replay or None,
        "views": [_view_document(view) for view in views],
        "seal": str(verdict.seal) if verdict.seal is not None else None,
        **sealed,
    }


def _view_document(view: ReplayedView) -> dict[str, Any]:
    return {
        "view": view.view,
        "position": view.position,
        "rows": view.rows,
        "differing": view.differing,
        "differences": [{"key": one.key, "live": one.live, "replayed": one.replayed} for one in view.differences],
    }


def seal_document(seal: Seal) -> dict[str, Any]:
    """A seal, whole and by its parts."""
    return {"seal": str(seal), "position": seal.position, "streams": seal.streams, "root": seal.root}


def mended_document(one: Discrepancy) -> dict[str, Any]:
    """A row that was not as the log says."""
    return {"table": one.table, "account": one.account, "key": dict(one.key), "what": str(one)}
