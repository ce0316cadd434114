"""Questions before what cannot be undone; whoever cannot be asked says so beforehand."""

from __future__ import annotations

import sys

import typer

from domain.errors import InvalidInput


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if `yes` was given or a person says so. Raises InvalidInput if there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        hint = "if so, add --yes: it cannot be undone"
        raise InvalidInput("--yes", f"is missing, and nobody can be asked here: {question}", hint=hint)
    typer.confirm(question, abort=True, err=True)
