"""The files beside the log: moved to another place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.cli.turns import turns_report
from infrastructure.shards.turns import each_in_turn_blocking
from infrastructure.showing.formats import document, size

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.files.moving import MovedFiles
    from infrastructure.settings import Settings

app = typer.Typer()


@command(app)
async def move(
    session: CommandSession,
    to: Annotated[str, Option("--to", metavar="PLACE", help="A folder, or s3://BUCKET/PREFIX.")],
) -> Report:
    """Copy the files to another place, and use that from then on.

    It may be stopped, and goes on when it is run again. Nothing is deleted. Processes that run go on with the old place
    until they are started again with IMAGESTUDIO_ASSETS set to the new one; then run it once more for what they wrote.
    """
    from infrastructure.files.moving import open_move
    from infrastructure.settings import checked_place

    with session.progress("move") as report:

        def told(done: int, total: int) -> None:
            report(done / max(total, 1), f"{done:,} of {counted(total, 'file')}")

        def run(settings: Settings) -> MovedFiles:
            place = f"{to.rstrip('/')}/{settings.shard}" if settings.shard else to
            with open_move(settings, checked_place("to", place), told) as moving:
                return moving.run()

        done = await each_in_turn_blocking(await session.settings_by_shard(), run)
    if not done.several:
        return Report(document(done.done[""]), lambda page: _show(page, done.done[""], to))
    return turns_report(done, document, lambda page, _shard, one: _show(page, one, to))


def _show(page: Page, moved: MovedFiles, to: str) -> None:
    page.title(f"Copied {counted(moved.copied, 'file')}, {size(moved.size)}, to {moved.target}")
    rows = [
        ("there before", f"{moved.present:,}"),
        ("damaged", f"{moved.damaged:,}, left in {moved.source}"),
        ("in neither", f"{moved.missing:,}, lost before"),
    ]
    counts = (moved.present, moved.damaged, moved.missing)
    if told := [row for row, count in zip(rows, counts, strict=True) if count]:
        page.pairs(told)
    page.prose(f"from now on set IMAGESTUDIO_ASSETS to {to}, and start again what still runs", indent=2)
    page.line(f"  then, for what that wrote meanwhile: imagestudio files move --to {to}", "dim")
