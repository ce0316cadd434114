"""Credit that is granted and revoked, and payments that are taken back: the commands of `account` about wallets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option, Typer

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Account, Why
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import instant_of
from infrastructure.showing.wallets import wallet_document

if TYPE_CHECKING:
    from application.keeping.accountviews import AccountView, GrantView, WalletView
    from infrastructure.cli.rendering import Page


def add_to(app: Typer, answer: Callable[[AccountView], Report]) -> None:
    """Add the commands to the group of accounts; `answer` shows an account."""
    command(app)(grant)
    command(app)(grants)
    command(app)(revoke)

    async def chargeback(
        payment: Annotated[str, Argument(metavar="KEY", help="The key under which it was paid in.")],
        amount: Annotated[str, Argument(metavar="AMOUNT", help="All of the payment, or a part of it.")],
        reason: Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded for ever.")],
        session: CommandSession,
        grant: Annotated[bool, Option("--grant", help="It was for a grant, whose reference KEY is.")] = False,
        suspend: Annotated[bool, Option("--suspend", help="Admit nothing more until the account is resumed.")] = False,
        account: Account = None,
    ) -> Report:
        """Take a payment back, once; the balance may become less than nothing, and then nothing is admitted.

        Of a grant goes first what is left of it.
        """
        from domain.money import Money

        async with session.studio() as studio:
            known = await studio.accounts.show(session.account(account))
            taken = Money.parse(amount, known.currency)
            view = await studio.accounts.charge_back(known.id, payment, taken, reason, of_grant=grant, suspend=suspend)
        return answer(view)

    command(app)(chargeback)


async def grant(
    amount: Annotated[str, Argument(metavar="AMOUNT", help="In the account's currency, such as 25.00.")],
    session: CommandSession,
    reference: Annotated[str, Option("--reference", metavar="ID", help="Yours; it counts once.")],
    paid: Annotated[bool, Option("--paid", help="It was paid for; otherwise it is promotional.")] = False,
    priority: Annotated[int, Option("--priority", metavar="N", help="0 is spent first.")] = 0,
    until: Annotated[str | None, Option("--until", metavar="DAY", help="Until this day or instant.")] = None,
    kind: Annotated[
        list[str] | None, Option("--kind", metavar="KIND", help="Only for this kind of work, or family; repeatable.")
    ] = None,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Grant credit, which is spent before the account's own money."""
    from domain.money import Money
    from domain.wallet import Source

    async with session.studio() as studio:
        known = await studio.accounts.show(session.account(account))
        view = await studio.accounts.grant(
            known.id,
            Money.parse(amount, known.currency),
            reference,
            source=Source.PAID if paid else Source.PROMOTIONAL,
            priority=priority,
            expires=None if until is None else instant_of(until, known.zone, "--until"),
            kinds=tuple(kind or ()),
            reason=reason,
        )
    return Report(wallet_document(view), lambda page: show_wallet(page, view))


async def revoke(
    grant: Annotated[str, Argument(metavar="REFERENCE", help="That of the grant, which was given for nothing.")],
    reason: Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded for ever.")],
    session: CommandSession,
    account: Account = None,
) -> Report:
    """Take back what is left of a promotional grant; open operations can still spend what they hold of it."""
    async with session.studio() as studio:
        view = await studio.accounts.revoke_grant(session.account(account), grant, reason)
    return Report(wallet_document(view), lambda page: show_wallet(page, view))


async def grants(session: CommandSession, account: Account = None) -> Report:
    """List what an account may spend: its balance, every grant in the order in which it is spent, and its plan."""
    named = session.account(account)
    async with session.reading() as reading:
        view = await reading.accounts.wallet(named)
    return Report(wallet_document(view), lambda page: show_wallet(page, view))


def show_wallet(page: Page, view: WalletView) -> None:
    """Plan and balance, and a line a grant."""
    from domain.money import Money
    from infrastructure.cli.rendering import PageColumn, amounts
    from infrastructure.showing.formats import iso

    page.title(f"What account {view.account} may spend")
    rows = [("plan", f"{view.plan}, {Money(view.price, view.currency)} a period")]
    if view.allowance:
        overage = "refused" if view.overage is None else f"at {view.overage} times its price"
        rows.append(("allowance", f"{Money(view.allowance, view.currency)} a period; beyond it, {overage}"))
    if view.next_plan:
        rows.append(
            ("then", f"{view.next_plan}, {'at the end of the period' if view.next_at is None else iso(view.next_at)}")
        )
    if view.balance is not None:
        rows.append(("balance", str(Money(view.balance, view.currency))))
    page.pairs(rows)
    if not view.grants:
        return
    page.line()
    page.table(
        PageColumn("GRANT", [one.id for one in view.grants]),
        PageColumn("SOURCE", [str(one.source) for one in view.grants]),
        PageColumn("UNTIL", [_until(one) for one in view.grants], drop=1),
        PageColumn("FOR", [" ".join(one.kinds) or "all" for one in view.grants], drop=0),
        amounts("HELD", [Money(one.held, view.currency) for one in view.grants]),
        amounts("LEFT", [Money(one.left, view.currency) for one in view.grants]),
    )


def _until(one: GrantView) -> str:
    """When it is over; one that was revoked is, and shown for what is held of it."""
    from infrastructure.showing.formats import iso

    when = "" if one.expires is None else iso(one.expires)
    return f"revoked {when}" if one.revoked else when
