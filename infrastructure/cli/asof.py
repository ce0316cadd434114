"""The option `--as-of`: a command that shows what is shows what was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from infrastructure.showing.moments import moment_document, moment_text

if TYPE_CHECKING:
    from application.ledger.moments import Moment
    from infrastructure.cli.rendering import Page
    from infrastructure.reading import ReadingLedger


@dataclass(frozen=True, slots=True)
class Then:
    """When it is shown as of."""

    as_of: Annotated[
        str | None,
        Option(
            "--as-of",
            metavar="TIME|POSITION",
            help="As the log knew it then: at a day or an instant, or at a position of the log.",
        ),
    ] = None

    async def moment(self, reading: ReadingLedger, account: str | None, zone: str) -> Moment | None:
        """The moment that is asked for, if one is. Raises InvalidInput."""
        return None if self.as_of is None else await reading.past.moment(self.as_of, account, zone)


def dated_document(document: Mapping[str, Any], moment: Moment | None) -> Mapping[str, Any]:
    """The document, with the moment that it is of."""
    return document if moment is None else {**document, "as_of": moment_document(moment)}


def dated_page(show: Callable[[Page], None], moment: Moment | None, zone: str) -> Callable[[Page], None]:
    """The page, with the moment that it is of below."""

    def shown(page: Page) -> None:
        show(page)
        if moment is not None:
            page.line(f"  as of {moment_text(moment, zone)}", "dim")

    return shown
