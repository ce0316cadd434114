"""The video studio at the shell: each file beside this one has a few of its commands."""

from __future__ import annotations

import typer

from infrastructure.cli.video import create

app = typer.Typer(rich_markup_mode=None)
for part in (create,):
    app.add_typer(part.app)
