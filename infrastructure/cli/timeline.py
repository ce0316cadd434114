"""An operation's story on a page: a headline, and a line a fact."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from domain.actor import ActorKind
from infrastructure.cli.rendering import Page, PageColumn, amounts, state_style
from infrastructure.showing.formats import iso, tags_text
from infrastructure.showing.stories import in_words, row_of, short, summary

if TYPE_CHECKING:
    from application.keeping.stories import Event, Story
    from application.ledger.moments import Moment
    from infrastructure.past import Past
    from infrastructure.showing.stories import Telling
    from projections.queries import Views

NAMED = (f"{ActorKind.OPERATOR}:", f"{ActorKind.KEY}:")
UNKNOWN = "the operation log does not know it; see: imagestudio projections status"


async def rows_of(
    views: Views, stories: Sequence[Story], tags: Callable[[str], Mapping[str, str]] | None = None
) -> list[dict[str, Any]]:
    """The operation log's row of each, with its tags if they are asked for."""

    def row(id: str) -> dict[str, Any]:
        return row_of(views, id) if tags is None else {**row_of(views, id), "tags": dict(tags(id))}

    return await asyncio.to_thread(lambda: [row(story.operation) for story in stories])


async def rows_at(past: Past, stories: Sequence[Story], moment: Moment, account: str | None) -> list[dict[str, Any]]:
    """The operation log's row of each as it was at a moment."""
    from infrastructure.showing.rows import row_document
    from projections.views.operations import OPERATIONS

    found = {row.id: row for row in await past.operations([one.operation for one in stories], moment, account)}
    return [row_document(OPERATIONS, found[one.operation], OPERATIONS.stored) for one in stories]


def show_stories(page: Page, stories: Sequence[Story], rows: Sequence[Mapping[str, Any]]) -> None:
    """Each with its row in the operation log, one below the other."""
    for number, (story, row) in enumerate(zip(stories, rows, strict=True)):
        if number:
            page.line()
        show_story(page, story, row)


def show_story(page: Page, story: Story, row: Mapping[str, Any]) -> None:
    tellings = [in_words(event.fact) for event in story.events]
    page.title(f"Operation {story.operation}")
    for line in summary(row) if "state" in row else [UNKNOWN]:
        page.prose(line, "dim", indent=2)
    if row.get("tags"):
        page.prose(f"tags: {tags_text(row['tags'])}", "dim", indent=2)
    at, clock = _clock("AT", [event.fact.at for event in story.events], story.zone)
    page.table(
        PageColumn(at, clock),
        PageColumn("FACT", [short(event.topic) for event in story.events], style=state_style),
        amounts("AMOUNT", [telling.amount for telling in tellings]),
        PageColumn("", [_by(event, telling) for event, telling in zip(story.events, tellings, strict=True)], wrap=24),
    )


def _by(event: Event, telling: Telling) -> str:
    """A fact in words, and who did it if an operator or a key did; the rest is the user's, or the studio's own."""
    return f"{telling.words}; by {event.actor}" if event.actor.startswith(NAMED) else telling.words


def _clock(title: str, instants: Sequence[int], zone: str) -> tuple[str, list[str]]:
    """Instants to the millisecond; where all are of one day, that day is the title."""
    written = [iso(instant, zone, "milliseconds") for instant in instants]
    days = {instant[:10] for instant in written}
    return (days.pop(), [instant[11:] for instant in written]) if len(days) == 1 else (title, written)
