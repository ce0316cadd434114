"""The video studio at the shell: each file beside this one has a few of its commands."""

from __future__ import annotations

import typer

from infrastructure.cli.video import changing, listing, making

app = typer.Typer(rich_markup_mode=None)
for part in (making, changing, listing):
    app.add_typer(part.app)
