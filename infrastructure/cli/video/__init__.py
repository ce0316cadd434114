"""The video studio at the shell: each file beside this one has a few of its commands."""

from __future__ import annotations

import typer

from infrastructure.cli.video import changing, editing, finishing, listing, making

app = typer.Typer(rich_markup_mode=None)
for part in (making, changing, editing, finishing, listing):
    app.add_typer(part.app)
