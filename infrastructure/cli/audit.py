"""The audit: hash chains, the index of operations, and every view against a replay of the whole log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from domain.errors import LogCorrupted, ViewStopped
from infrastructure.cli.commands import Answer, command
from infrastructure.cli.failures import OTHER
from infrastructure.cli.formats import counted
from infrastructure.cli.options import OneAccount
from infrastructure.cli.session import Session

if TYPE_CHECKING:
    from application.chains import Problem, Seal
    from infrastructure.cli.rendering import Page
    from infrastructure.service import Studio
    from projections.audit import Compared, Comparison, Difference

app = typer.Typer()

MOST = 100
"""Problems shown of each kind; where there are more, the last line says so."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit found. `comparison` is None where the log cannot be replayed; the reason is among the problems."""

    chains: tuple[str, ...]
    index: tuple[str, ...]
    comparison: Comparison | None
    replay: str
    seal: Seal | None

    @property
    def clean(self) -> bool:
        return not self.chains and not self.index and self.comparison is not None and self.comparison.equal

    def document(self) -> dict[str, Any]:
        views = self.comparison.views if self.comparison is not None else ()
        return {
            "verdict": "clean" if self.clean else "differences",
            "facts": self.comparison.facts if self.comparison is not None else None,
            "chains": list(self.chains),
            "index": list(self.index),
            "replay": self.replay or None,
            "views": [_view_document(view) for view in views],
            "seal": str(self.seal) if self.seal is not None else None,
        }


@command(app)
async def audit(
    session: Session,
    account: OneAccount = None,
    seal: Annotated[
        str | None, Option("--seal", metavar="SEAL", help="Check that the log still begins as it was sealed.")
    ] = None,
) -> Answer:
    """Verify the log, replay it, and compare every view.

    Ends with 1, and the differences, where anything is not as the log says.
    """
    from application.chains import Seal

    sealed = Seal.parse(seal) if seal is not None else None
    async with session.studio() as studio:
        if account is not None:
            await studio.accounts.show(account)
        with session.progress("audit") as report:
            verdict = await audited(studio, account, sealed, report)
    return Answer(verdict.document(), lambda page: show_verdict(page, verdict), 0 if verdict.clean else OTHER)


@command(app)
async def seal(session: Session) -> Answer:
    """Print the log's seal, to be kept elsewhere.

    With it, imagestudio audit --seal shows even a database that was rewritten as a whole.
    """
    from application.chains import take_seal

    async with session.studio() as studio:
        found = await asyncio.to_thread(take_seal, studio.reader)
    document = {"seal": str(found), "position": found.position, "streams": found.streams, "digest": found.digest}
    return Answer(document, lambda page: page.line(str(found)))


async def audited(
    studio: Studio,
    account: str | None = None,
    sealed: Seal | None = None,
    report: Callable[[float, str], None] = lambda _fraction, _message: None,
) -> Verdict:
    """Audit all accounts, or one; what is damaged is in the verdict, never an error."""
    from application.chains import take_seal, verify_chains, verify_index

    report(0.1, "verifying hash chains")
    chains = await _problems(lambda: verify_chains(studio.reader, account, sealed))
    report(0.4, "reading the index")
    index = await _problems(lambda: verify_index(studio.reader, studio.codec, account))
    report(0.6, "replaying the log")
    comparison, replay = None, ""
    try:
        await studio.catch_up()
        comparison = await studio.compare(account)
    except (ViewStopped, LogCorrupted) as error:
        replay = str(error)
    end = None if chains or account is not None else await asyncio.to_thread(take_seal, studio.reader)
    return Verdict(chains, index, comparison, replay, end)


async def _problems(find: Callable[[], Iterable[Problem]]) -> tuple[str, ...]:
    return await asyncio.to_thread(_collected, find)


def _collected(find: Callable[[], Iterable[Problem]]) -> tuple[str, ...]:
    found: list[str] = []
    try:
        for problem in find():
            found.append(str(problem))
            if len(found) == MOST:
                return (*found, f"and maybe more: only {MOST} are shown")
    except LogCorrupted as error:
        found.append(str(error))
    return tuple(found)


def show_verdict(page: Page, verdict: Verdict) -> None:
    """The verdict in a few lines, and every difference after it."""
    facts = verdict.comparison.facts if verdict.comparison is not None else 0
    page.title("Audit")
    page.pairs(
        [
            ("facts replayed", f"{facts:,}"),
            ("hash chains", "damaged" if verdict.chains else "intact"),
            ("index", "differs" if verdict.index else "equal"),
        ]
    )
    views = verdict.comparison.views if verdict.comparison is not None else ()
    _show_views(page, views)
    _show_problems(page, [*verdict.chains, *verdict.index, *([verdict.replay] if verdict.replay else [])])
    for view in views:
        for difference in view.differences:
            _show_difference(page, difference)
    page.line()
    _show_conclusion(page, verdict)


def _show_views(page: Page, views: Sequence[Compared]) -> None:
    from infrastructure.cli.rendering import Column, state_style

    if views:
        page.line()
        page.table(
            Column("VIEW", [view.view for view in views]),
            Column("ROWS", [f"{view.rows:,}" for view in views], right=True),
            Column("DIFFER", [f"{view.differing:,}" for view in views], right=True),
            Column("", ["differs" if view.differing else "equal" for view in views], style=state_style),
        )


def _show_conclusion(page: Page, verdict: Verdict) -> None:
    if not verdict.clean:
        page.title("The audit found differences.")
        return
    page.title("Every fact is as it was written, and every view says what the facts say.")
    if verdict.seal is not None:
        page.line(f"  seal {verdict.seal}", "dim")


def _show_problems(page: Page, problems: Sequence[str]) -> None:
    if problems:
        page.line()
        page.line(counted(len(problems), "problem") + ":", "red")
    for problem in problems:
        page.prose(problem, indent=2)


def _show_difference(page: Page, difference: Difference) -> None:
    key = ", ".join(f"{name}={value}" for name, value in difference.key.items())
    page.line()
    page.prose(f"{difference.view} {key}", "red", indent=2)
    for name, live, replayed in _fields(difference):
        page.line(f"    {name}: the view says {live}, the log {replayed}")


def _fields(difference: Difference) -> list[tuple[str, object, object]]:
    if difference.live is None or difference.replayed is None:
        live, replayed = ("a row" if side else "no row" for side in (difference.live, difference.replayed))
        return [("row", live, replayed)]
    sides = difference.live, difference.replayed
    return [(name, sides[0][name], sides[1][name]) for name in sides[0] if sides[0][name] != sides[1][name]]


def _view_document(view: Compared) -> dict[str, Any]:
    return {
        "view": view.view,
        "position": view.position,
        "rows": view.rows,
        "differing": view.differing,
        "differences": [{"key": one.key, "live": one.live, "replayed": one.replayed} for one in view.differences],
    }
