"""Why: an operation or a refusal explained in sentences, with the limits as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Account
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.explaining import Explanation

app = typer.Typer()


@command(app)
async def why(
    session: CommandSession,
    id: Annotated[str | None, Argument(metavar="[ID]", help="An operation's id, or a batch's.")] = None,
    refused: Annotated[
        bool, Option("--refused", help="Why requests were refused: the account's newest refusals.")
    ] = False,
    key: Annotated[
        str | None, Option("--key", "-k", metavar="KEY", help="The refusal under this idempotency key.")
    ] = None,
    account: Account = None,
) -> Report:
    """Say why an operation came out as it did, or why a request was refused.

    It tells the request, the model with the reason for it, every limit with its numbers at that moment, and the money.
    """
    from infrastructure.showing.changes import explanation_document
    from infrastructure.showing.hints import in_shell

    if (id is None) != (refused or key is not None):
        raise InvalidInput("ID", "name an operation, or ask for what was --refused", hint="such as: why --refused")
    async with session.reading() as reading:
        if id is not None:
            found = await reading.past.why(id, account)
        else:
            await session.catch_up(reading)
            found = await reading.past.refusals(session.account(account), key)
    documents = [explanation_document(one, in_shell) for one in found]
    document = documents[0] if id is not None and len(documents) == 1 else {"explanations": documents}
    return Report(document, lambda page: show_explanations(page, found))


def show_explanations(page: Page, found: Sequence[Explanation]) -> None:
    """Each with its sentences, a line each, and what is the operator's own below."""
    from infrastructure.showing.hints import in_shell

    if not found:
        page.line("Nothing was refused.", "dim")
    for number, one in enumerate(found):
        if number:
            page.line()
        page.title(f"{'Refusal' if one.refused else 'Operation'} {one.operation}")
        for sentence in one.sentences:
            page.prose(sentence, indent=2)
        for sentence in one.costs:
            page.prose(sentence, "dim", indent=2)
        if advice := in_shell(one.advice):
            page.prose(f"hint: {advice}", indent=2)
