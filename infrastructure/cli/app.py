"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer
from typer import Context, Option

from infrastructure.cli import accounts, audit, catalogue, config, log, models, providers, reconcile, run, upkeep, views
from infrastructure.cli.commands import NO_VALUE, Group

PANELS = {
    "Operations": (run.app, models.app),
    "What happened": (views.app, log.app),
    "Operators": (audit.app, reconcile.app, upkeep.app, config.app),
}
GROUPS = (
    ("account", accounts.app, "Accounts: open, show, and change plan, limits, zone and credit."),
    ("catalogue", catalogue.app, "The catalogue: held against what its providers list now."),
    ("providers", providers.app, "Providers: what each lacks here, and whether it answers."),
    ("projections", upkeep.projections, "The views: how far they are, and building them anew."),
    ("db", upkeep.db, "The database's schema."),
)

app = typer.Typer(
    cls=Group,
    rich_markup_mode=None,  # help is plain: what would colour it takes as long to load as all else
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="A ledger for AI image and video operations: none is lost, charged twice, or let past a limit.",
)


@app.callback(invoke_without_command=True)
def root(
    context: Context, version: Annotated[bool, Option("--version", metavar=NO_VALUE, help="Print the version.")] = False
) -> None:
    if version:
        typer.echo(_version())
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("image-studio")
    except PackageNotFoundError:
        return "not installed: run from its source"


for panel, commands in PANELS.items():
    for part in commands:
        for one in part.registered_commands:
            one.rich_help_panel = panel
        app.add_typer(part)
for name, group, about in GROUPS:
    app.add_typer(group, cls=Group, name=name, help=about, rich_help_panel="Groups")
