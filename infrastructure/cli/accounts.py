"""Accounts: open, show, and change plan, limits, time zone, credit, and which models may be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.agreeing import percent_of
from domain.counts import counted
from domain.errors import InvalidInput
from domain.plans import IN_MONEY
from infrastructure.cli.asking import confirm
from infrastructure.cli.asof import Then, dated_document, dated_page
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Account, Scope, Why, Yes
from infrastructure.cli.session import CommandSession
from infrastructure.cli.wallets import add_to
from infrastructure.showing.documents import account_document
from infrastructure.showing.formats import instant_of, limit_of, span
from infrastructure.showing.sales import off_in_words

if TYPE_CHECKING:
    from application.keeping.accountviews import AccountView
    from infrastructure.cli.rendering import Page
    from infrastructure.service import Studio

app = typer.Typer()

UNLIMITED, INHERIT = "unlimited", "inherit"
Id = Annotated[
    str | None, Argument(metavar="[ID]", help="An opaque id of yours, without spaces; otherwise as --account says.")
]


@command(app, "open")
async def open_account(
    session: CommandSession,
    id: Id = None,
    account: Account = None,
    plan: Annotated[str, Option(metavar="PLAN", help="free, basic, pro, enterprise, or one of your files.")] = "free",
    currency: Annotated[str, Option(metavar="CODE", help="Its one currency, for ever.")] = "USD",
    zone: Annotated[str, Option(metavar="ZONE", help="Whose midnights begin its periods.")] = "UTC",
    cycle: Annotated[str, Option(metavar="CYCLE", help="calendar, or anniversary of its opening.")] = "calendar",
    prepaid: Annotated[bool, Option("--prepaid", help="Spend only what was paid in before.")] = False,
    reason: Why = "",
) -> Report:
    """Open an account, once; again on the same terms changes nothing, and says what is another by now."""
    async with session.studio(makes=True) as studio:
        view = await studio.accounts.open(
            session.account(id or account),
            plan=plan,
            currency=currency,
            zone=zone,
            cycle=cycle,
            prepaid=prepaid,
            reason=reason,
        )
    return _answer(view)


Reason = Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded for ever.")]


@command(app)
async def suspend(reason: Reason, session: CommandSession, id: Id = None, account: Account = None) -> Report:
    """Admit nothing new until the account is resumed; what is open goes on and is settled."""
    async with session.studio() as studio:
        return _answer(await studio.accounts.suspend(session.account(id or account), reason))


@command(app)
async def resume(reason: Reason, session: CommandSession, id: Id = None, account: Account = None) -> Report:
    """Admit requests of a suspended account again."""
    async with session.studio() as studio:
        return _answer(await studio.accounts.resume(session.account(id or account), reason))


@command(app)
async def close(
    reason: Reason,
    session: CommandSession,
    id: Id = None,
    account: Account = None,
    yes: Yes = False,
) -> Report:
    """Close an account for ever; what is open is settled, and corrections can still be made."""
    which = session.account(id or account)
    confirm(f"Close account {which} for ever?", yes=yes)
    async with session.studio() as studio:
        return _answer(await studio.accounts.close(which, reason))


@command(app)
async def show(
    session: CommandSession,
    then: Then,
    id: Id = None,
    account: Account = None,
) -> Report:
    """Show an account's terms, and what is used, held and left in its current period."""
    named = session.account(id or account)
    async with session.reading() as reading:
        view = await reading.accounts.show(named)
        moment = await then.moment(reading, named, view.zone)
        if moment is not None:
            view = await reading.past.account(named, moment)
    answer = _answer(view)
    return Report(dated_document(answer.document, moment), dated_page(answer.show, moment, view.zone))


@command(app)
async def history(session: CommandSession, id: Id = None, account: Account = None) -> Report:
    """List who changed what of an account, from what to what, when and why."""
    from infrastructure.cli.changepages import show_history
    from infrastructure.showing.changes import history_document

    named = session.account(id or account)
    async with session.reading() as reading:
        zone = (await reading.accounts.show(named)).zone
        found = await reading.past.history(named)
    return Report(history_document(named, found), lambda page: show_history(page, named, found, zone))


@command(app)
async def diff(
    since: Annotated[str, Argument(metavar="TIME|POSITION", help="A day, an instant, or a position of the log.")],
    session: CommandSession,
    until: Annotated[str | None, Argument(metavar="[TIME|POSITION]", help="A later one; otherwise now.")] = None,
    account: Account = None,
) -> Report:
    """Say what is another of an account at two moments: terms, balance, used, held, and work by model."""
    from infrastructure.cli.changepages import show_difference
    from infrastructure.showing.changes import difference_document

    named = session.account(account)
    async with session.reading() as reading:
        zone, past = (await reading.accounts.show(named)).zone, reading.past
        before = await past.moment(since, named, zone)
        after = None if until is None else await past.moment(until, named, zone)
        found = await past.difference(named, before, after)
    return Report(difference_document(found), lambda page: show_difference(page, found, zone))


@command(app)
async def plan(
    plan: Annotated[str, Argument(metavar="PLAN", help="free, basic, pro, enterprise, or one of your files.")],
    session: CommandSession,
    at: Annotated[str, Option("--at", metavar="WHEN", help="now, or period-end.")] = "now",
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Change the plan: now, with what is left of both prices, or at the period's end."""
    async with session.studio() as studio:
        return _answer(await studio.accounts.change_plan(session.account(account), plan, at=at, reason=reason))


@command(app, context_settings={"ignore_unknown_options": True})
async def limit(
    measure: Annotated[
        str, Argument(metavar="MEASURE", help="images, edits, videos, 3d, upscales, other, spend, or unpriced.")
    ],
    limit: Annotated[
        str,
        Argument(metavar="LIMIT", help="A count, an amount for spend, 'unlimited', or 'inherit' to undo the change."),
    ],
    scope: Scope,
    session: CommandSession,
    window: Annotated[
        str, Option("--window", "-w", metavar="WINDOW", help="Over which it counts: hour, day, period or life.")
    ] = "period",
    reason: Why = "",
) -> Report:
    """Set one limit of the account, or of a user or project in it; it holds at once."""
    account = session.account(scope.account)
    async with session.studio() as studio:
        accounts = studio.accounts
        if limit == INHERIT:
            return _answer(
                await accounts.inherit_limit(account, measure, scope=scope.scope(), window=window, reason=reason)
            )
        amount = await _amount(studio, account, measure, limit)
        return _answer(
            await accounts.change_limit(account, measure, amount, scope=scope.scope(), window=window, reason=reason)
        )


@command(app, "top-up", context_settings={"ignore_unknown_options": True})
async def top_up(
    amount: Annotated[str, Argument(metavar="AMOUNT", help="In the account's currency, such as 25.00.")],
    session: CommandSession,
    key: Annotated[str, Option("--key", "-k", metavar="KEY", help="The payment's reference; it counts once.")],
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Pay into a prepaid account."""
    from domain.money import Money

    async with session.studio() as studio:
        known = await studio.accounts.show(session.account(account))
        return _answer(
            await studio.accounts.add_credit(known.id, Money.parse(amount, known.currency), key, reason=reason)
        )


@command(app)
async def zone(
    zone: Annotated[str, Argument(metavar="ZONE", help="An IANA name, such as Europe/Berlin.")],
    session: CommandSession,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Change the time zone, from the next period on."""
    async with session.studio() as studio:
        return _answer(await studio.accounts.change_time_zone(session.account(account), zone, reason=reason))


@command(app, "end-period")
async def end_period(
    session: CommandSession,
    reason: Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded.")],
    account: Account = None,
) -> Report:
    """End a period that a wrong clock began, and return to the one that holds today.

    Charges of that period stay in it; its balance comes along. Does nothing where no period is ahead.
    """
    async with session.studio() as studio:
        return _answer(await studio.accounts.end_period(session.account(account), reason))


@command(app)
async def allow(
    model_class: Annotated[str, Argument(metavar="CLASS", help="stand-in, or test.")],
    session: CommandSession,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Let models of a class be chosen without being named.

    A stand-in only imitates what is asked for; without this none is ever chosen by itself, nor fallen back to.
    """
    async with session.studio() as studio:
        return _answer(await studio.accounts.allow(session.account(account), model_class, reason=reason))


@command(app, "on-limit")
async def on_limit(
    model: Annotated[str, Argument(metavar="MODEL|refuse", help="A cheaper model's id, or 'refuse'.")],
    session: CommandSession,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Let a cheaper model do what would pass a limit of money, or refuse it.

    It does only what it takes the inputs of, if its class is allowed and it fits itself.
    """
    async with session.studio() as studio:
        named = "" if model == "refuse" else model
        return _answer(await studio.accounts.on_limit(session.account(account), named, reason=reason))


@command(app)
async def tariff(
    tariff: Annotated[str, Argument(metavar="TARIFF|plan", help="A tariff of your files, or 'plan' for the plan's.")],
    session: CommandSession,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Sell by a tariff of the account's own from now on, or by its plan's."""
    async with session.studio() as studio:
        named = "" if tariff == "plan" else tariff
        return _answer(await studio.accounts.agree_tariff(session.account(account), named, reason=reason))


@command(app)
async def discount(
    percent: Annotated[str, Argument(metavar="PERCENT", help="Such as 12.5; 0 ends it.")],
    session: CommandSession,
    since: Annotated[str | None, Option("--from", metavar="DAY", help="From this day or instant on.")] = None,
    until: Annotated[str | None, Option("--until", metavar="DAY", help="Until this day or instant.")] = None,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Give so many percent off, in the place of the discounts of its tariff."""
    off = percent_of(percent)
    async with session.studio() as studio:
        known = await studio.accounts.show(session.account(account))
        start = None if since is None else instant_of(since, known.zone, "--from")
        end = None if until is None else instant_of(until, known.zone, "--until")
        return _answer(await studio.accounts.agree_discount(known.id, off, start=start, end=end, reason=reason))


@command(app)
async def forbid(
    model_class: Annotated[str, Argument(metavar="CLASS", help="stand-in, or test.")],
    session: CommandSession,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Let models of a class be chosen no more, unless they are named."""
    async with session.studio() as studio:
        return _answer(await studio.accounts.forbid(session.account(account), model_class, reason=reason))


async def _amount(studio: Studio, account: str, measure: str, text: str) -> int | None:
    from domain.money import Money

    if text == UNLIMITED:
        return None
    if measure in IN_MONEY:
        known = await studio.accounts.show(account)
        return Money.parse(text, known.currency).micros
    try:
        return int(text)
    except ValueError as error:
        hint = f"give a whole number, '{UNLIMITED}' or '{INHERIT}'"
        raise InvalidInput("limit", f"{text!r} is not a limit of {measure}", hint=hint) from error


def _answer(view: AccountView) -> Report:
    return Report(account_document(view), lambda page: show_account(page, view))


add_to(app, _answer)


def show_account(page: Page, view: AccountView) -> None:
    """Terms and limits of one account."""
    from infrastructure.cli.rendering import PageColumn

    page.title(f"Account {view.id}")
    for change in view.changed:
        page.line(f"It was opened before: by now its {change}.")
    rows = [
        ("plan", view.plan),
        *([("standing", f"{view.standing}: {view.reason}")] if view.reason else []),
        ("currency", view.currency + (", prepaid" if view.prepaid else "")),
        ("period", f"{span(view.period.start, view.period.end, view.zone)} in {view.zone}"),
        ("chosen", f"{' and '.join(view.allowed)} models, if none is named"),
        *([("on limit", f"{view.on_limit} does it, if it fits")] if view.on_limit else []),
        *([("tariff", f"{view.tariff}, its own")] if view.tariff else []),
        *([("discount", off_in_words(view.discount, view.zone))] if view.discount is not None else []),
        ("open", counted(view.open, "operation")),
    ]
    if view.balance is not None:
        rows.append(("balance", limit_of("balance", view.balance, view.currency)))
    page.pairs(rows)
    page.line()
    measures = list(view.used)
    limits = view.limits["account"]
    left = {
        name: None if limit is None else max(limit - view.used[name] - view.held[name], 0)
        for name, limit in limits.items()
        if name in view.used
    }
    columns = (("LIMIT", limits), ("USED", view.used), ("HELD", view.held), ("LEFT", left))
    page.table(
        PageColumn("MEASURE", measures),
        *(
            PageColumn(title, [limit_of(name, amounts.get(name), view.currency) for name in measures], right=True)
            for title, amounts in columns
        ),
    )
    _show_special(page, view)


def _show_special(page: Page, view: AccountView) -> None:
    """Limits of users and projects, those over other windows, and the cap of what has no price."""
    from infrastructure.cli.rendering import PageColumn

    special: list[tuple[str, str, str, int | None]] = [
        (scope, name, window, amount)
        for window, limited in view.windows.items()
        for scope, some in limited.items()
        for name, amount in some.items()
    ]
    special += [
        (scope, name, "period", amount)
        for scope, some in view.limits.items()
        for name, amount in some.items()
        if scope != "account" or name not in view.used
    ]
    if special:
        page.line()
        page.table(
            PageColumn("SCOPE", [scope for scope, _, _, _ in special]),
            PageColumn("MEASURE", [name for _, name, _, _ in special]),
            PageColumn("WINDOW", [window for _, _, window, _ in special]),
            PageColumn("LIMIT", [limit_of(name, amount, view.currency) for _, name, _, amount in special], right=True),
        )
