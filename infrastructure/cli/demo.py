"""A story on a fresh ledger: two users of one account, what becomes of what they ask, and where every cent went.

It needs nothing but this machine, and keeps its pictures in a temporary folder.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from application import ports
from application.asking.requests import Result
from application.keeping.stories import stories_of
from application.keeping.verdict import audited
from domain.catalogue import Model
from domain.errors import OperationFailed, OperationRefused, PluginError
from infrastructure.bootstrap import open_studio
from infrastructure.cli import assetpages as pages
from infrastructure.cli.audit import show_verdict
from infrastructure.cli.failures import guarded
from infrastructure.cli.rendering import Page
from infrastructure.cli.timeline import rows_of, show_stories
from infrastructure.cli.viewpages import Viewer, show_costs, show_usage
from infrastructure.plugins import more_models, plugins
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.showing.codes import OTHER
from infrastructure.store.urls import sqlite_url
from projections.views.costs import COSTS
from projections.views.usage import USAGE, UsageFilter

ACCOUNT = "acme"
STAND_IN = "stand-in"
ANN: dict[str, Any] = {"account": ACCOUNT, "user": "ann", "allow": STAND_IN}
BOB: dict[str, Any] = {"account": ACCOUNT, "user": "bob", "allow": STAND_IN}
PICTURES_OF_BOB = 5
LAKE, LIGHTHOUSE, FOREST = "a mountain lake at dawn", "a lighthouse under the stars", "a forest in autumn"
EDIT = "sepia, vignette"
KEY = "lake-1"
BILLED = "0.015"
"""The provider's bill for its failure, in whole units."""

ENDS = {OperationRefused: "[yellow]refused, recorded", OperationFailed: "[yellow]failed, released"}

Work = Callable[[ports.Progress], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells each act in one line, with a bar that fills while it goes on, and keeps the pictures."""

    console: Console
    page: Page
    pictures: Path

    async def act(self, who: dict[str, Any], what: str, work: Work) -> Result:
        """The delivery of the work; a refusal or failure is told, then raised."""
        columns = ("  {task.fields[who]}  {task.description:<38}", "{task.fields[end]}")
        about, end = (TextColumn(column) for column in columns)
        with Progress(about, BarColumn(12), end, console=self.console) as bar:
            line = bar.add_task(what, total=1.0, who=who["user"], end="")
            try:
                result = await work(lambda fraction, _: bar.update(line, completed=fraction))
            except (OperationRefused, OperationFailed) as error:
                bar.update(line, completed=0.0, end=ENDS[type(error)])
                raise
            told = "[cyan]charged nothing" if result.repeated else f"[green]charged {result.price}"
            told += f", {result.model_class}" if result.model_class == STAND_IN else ""
            bar.update(line, completed=1.0, end=told)
        return result

    def why(self, text: str) -> None:
        """A line under an act."""
        self.page.prose(text, "dim", indent=7)

    def keep(self, name: str, result: Result) -> Path:
        """Copy the pictures where they are easily found; the first one's path."""
        places = range(1, len(result.assets) + 1)
        paths = [self.pictures / (f"{name}-{place}.png" if len(places) > 1 else f"{name}.png") for place in places]
        for path, output in zip(paths, result.assets, strict=True):
            output.save_to(path)
        return paths[0]


def painting(studio: Studio, who: dict[str, Any], prompt: str, **options: Any) -> Work:
    """An image from words, still to be made."""
    return lambda report: studio.operations.generate(prompt, **who, **options, progress=report)


async def pictures(studio: Studio, teller: Teller) -> str:
    """Deliveries that are charged; the id of the operation whose price is the oddest."""

    lake = teller.keep("1-lake", await teller.act(ANN, LAKE, painting(studio, ANN, LAKE, key=KEY)))
    teller.keep("2-lighthouse", await teller.act(BOB, LIGHTHOUSE, painting(studio, BOB, LIGHTHOUSE)))
    edit = await teller.act(
        ANN, f"edit it: {EDIT}", lambda report: studio.operations.edit(lake, EDIT, **ANN, progress=report)
    )
    sepia = teller.keep("3-lake-in-sepia", edit)
    large = await teller.act(
        ANN, "enlarge that twice", lambda report: studio.operations.upscale(sepia, **ANN, progress=report)
    )
    teller.keep("4-lake-enlarged", large)
    teller.keep("5-forest", await teller.act(BOB, f"{FOREST}, 3 times", painting(studio, BOB, FOREST, n=3)))
    return large.operation


async def troubles(studio: Studio, teller: Teller) -> None:
    """Refusals, failures and repeats, none of which is charged."""

    await studio.accounts.change_limit(ACCOUNT, "images", PICTURES_OF_BOB, scope=f"user:{BOB['user']}")
    try:
        await teller.act(BOB, f"{FOREST}, 3 more", painting(studio, BOB, FOREST, n=3))
    except OperationRefused as refusal:
        teller.why(refusal.message)
    script = {"model": failing(studio).id, "outcome": "fail-billed", "cost": BILLED}
    try:
        await teller.act(ANN, "one that the provider spoils", painting(studio, ANN, LAKE, **script))
    except OperationFailed as failure:
        teller.why(failure.message)
    await teller.act(ANN, f"{LAKE}, again", painting(studio, ANN, LAKE, key=KEY))
    teller.why(f"the key {KEY} is known: this is the operation of the first line")


def failing(studio: Studio) -> Model:
    """A model that fails when its input says so."""
    off = studio.providers.off
    models = [model for model in studio.catalogue.for_kind("text-to-image") if model.provider not in off]
    return next(model for model in models if "outcome" in model.inputs and model.prices)


async def explained(studio: Studio, page: Page, operation: str) -> bool:
    """One operation's facts, all views, and the audit; whether that found everything equal."""
    await asyncio.to_thread(studio.views.catch_up)
    asked = Viewer(ACCOUNT, (await studio.accounts.show(ACCOUNT)).zone)
    stories = await stories_of(studio.log, studio.accounts, operation)
    page.line()
    show_stories(page, stories, await rows_of(studio.views, stories))
    page.line()
    show_usage(page, await asyncio.to_thread(studio.views.find, USAGE, UsageFilter(account=ACCOUNT)), asked)
    page.line()
    show_costs(page, await asyncio.to_thread(studio.views.find, COSTS))
    page.line()
    verdict = await audited(studio.audit)
    show_verdict(page, verdict)
    return verdict.clean


async def shelved(studio: Studio, page: Page) -> None:
    """The library: each picture with its own price, and with all that it came from."""
    records = (await studio.library.list(ACCOUNT)).assets
    pages.show_shelf(page, [await studio.library.lineage(ACCOUNT, one.id) for one in records], ACCOUNT)


async def story(workspace: Path, teller: Teller) -> int:
    """All of it, on a SQLite file in the workspace; the exit code, 0 where the audit found everything equal."""
    page = teller.page
    page.title("Image Studio: two users of one account, and a log that explains every cent")
    page.prose("No key is needed: this machine paints, which only stands in for a model, and says so.", "dim", indent=2)
    async with open_studio(settings_for(workspace)) as studio:
        await studio.accounts.open(ACCOUNT, plan="pro")
        oddest = await pictures(studio, teller)
        await troubles(studio, teller)
        clean = await explained(studio, page, oddest)
        page.line()
        await shelved(studio, page)
    page.line(f"The pictures are in {teller.pictures}; to look around:")
    page.line(f"  export IMAGESTUDIO_HOME={workspace} IMAGESTUDIO_ACCOUNT={ACCOUNT}", "cyan")
    page.line(f"  {_program()} operations", "cyan")
    return 0 if clean else OTHER


def settings_for(workspace: Path) -> Settings:
    """A ledger of its own, and no provider that is paid, whatever keys the environment holds."""
    off: dict[str, Any] = {f"{name}_enabled": False for name, plugin in plugins().items() if not plugin.is_free}
    database = sqlite_url(workspace / "ledger.db")
    return Settings(home=workspace, database_url=database, scripted_enabled=True, **off)


def _program() -> str:
    """The command line as it is called from here."""
    beside = Path(sys.executable).with_name("imagestudio")
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside.name)


def main() -> int:
    """Play the story in a new temporary folder, which stays."""
    return guarded(_play, [])


def _play() -> int:
    if lacking := more_models():
        raise PluginError("the story is painted by the workshop, which is not installed", hint=lacking)
    workspace = Path(tempfile.mkdtemp(prefix="imagestudio-demo-"))
    folder = workspace / "pictures"
    folder.mkdir()
    page = Page.on_stdout()
    return asyncio.run(story(workspace, Teller(Console(width=page.width), page, folder)))


if __name__ == "__main__":
    sys.exit(main())
