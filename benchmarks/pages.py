"""Pages of the dashboard on a long log beside a short one, and beside a route that does nothing, in one run.

python -m benchmarks.pages [OPERATIONS] [--database PostgreSQL] [--kept FOLDER] [--rounds N] [--page NAME]

A million operations unless said otherwise, on SQLite. Filling takes longest: what is `--kept` is filled once, and used
again by the next run. Each page is asked in turn of two applications in this process, one account's log each, without a
socket between: a figure is the ratio of two times of the same run. The first look of a process is told by itself.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile
from statistics import median, quantiles
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from rich.console import Console

from benchmarks.fill import EVENTS_EACH, GROUP, Size, fill
from benchmarks.stores import LEDGER, POSTGRESQL, SQLITE, Place, Stores
from domain.keys import STUDIO, KeyScope, KeyTerms
from infrastructure.bootstrap import open_studio
from infrastructure.dashboard.mounting import Dashboard
from infrastructure.dashboard.page import MeantFor, WebPage
from infrastructure.dashboard.pages import PAGES
from infrastructure.dashboard.sessions import COOKIE
from infrastructure.gateway import serving
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.store.migrations import upgrade_schema

OPERATIONS: Final = 1_000_000
FEW: Final = 1_000
MONTHS: Final = 3
GROUPS: Final = 100
"""Instants at which operations are asked for, at least: so a short log has as many days as a long one."""
ACCOUNT: Final = "hot"
PROVIDER: Final = "provider-0"
"""Of whom a filled log has operations; no program knows it, so that it has no page of its own."""
ROUNDS: Final = 60
WARM: Final = 2
LONGEST: Final = 20
"""Seconds for one page."""
OK: Final = 200
WAITS: Final = 202
PAUSE: Final = 0.1
"""Seconds until a page that is worked out apart is asked for again."""
NOTHING: Final = "/healthz"
USE: Final = "pages"
FIRST_PAGE: Final = "overview"
MOST_TIMES, MOST_GROWTH = 20, 1.5
"""The bars: the first page against a route that does nothing, and a page on the long log against the short one."""
SECRETS: Final = ("peppers", "link-keys")
ABSENT: Final = ("batch_made", "webhook", "asset")
"""Pages of things that a filled log does not have."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many operations each log has, and how often each page is asked: all of them, unless some are named."""

    few: int
    many: int
    rounds: int
    pages: tuple[str, ...] = ()


SMOKE: Final = Plan(100, 300, 3)
SHORT: Final = Plan(FEW, 20_000, 15)
FULL: Final = Plan(FEW, OPERATIONS, ROUNDS)


@dataclass(frozen=True, slots=True)
class AskedPage:
    """Seconds that one page took on each log, and its first look at the long one; `idle` is what nothing takes."""

    name: str
    few: Sequence[float]
    many: Sequence[float]
    first: float
    idle: float

    @property
    def growth(self) -> float:
        """The ratio of the medians."""
        return median(self.many) / median(self.few)

    @property
    def growth_of_slowest(self) -> float:
        """The same of the 99th percentiles."""
        return quantiles(self.many, n=100)[-1] / quantiles(self.few, n=100)[-1]

    @property
    def times_idle(self) -> float:
        return median(self.few) / self.idle

    def __str__(self) -> str:
        few, many = (1e3 * median(one) for one in (self.few, self.many))
        grown = f"median {self.growth:5.2f}   p99 {self.growth_of_slowest:5.2f}"
        more = f"{self.times_idle:6.1f} times nothing   first look {self.first:8.3f} s   {len(self.few)} rounds"
        return f"{self.name:16} {few:8.1f} ms {many:8.1f} ms   {grown}   {more}"


@dataclass(slots=True)
class Asked:
    """A service in this process, asked without a socket."""

    app: Any
    studio: Studio
    cookies: dict[str, str] = field(default_factory=dict)
    """By account."""

    async def get(self, address: str, account: str = "") -> tuple[float, int, bytes]:
        """Seconds, status and body of the answer to a GET."""
        parts = urlsplit(address)
        headers = [(b"host", b"here")]
        if account:
            headers.append((b"cookie", f"{COOKIE}={self.cookies[account]}".encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": headers,
            "server": ("here", 80),
            "client": ("127.0.0.1", 1),
        }
        found: dict[str, Any] = {"status": 0, "body": b""}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            found["status"] = message.get("status", found["status"])
            found["body"] += message.get("body", b"")

        began = perf_counter()
        await self.app(scope, receive, send)
        return perf_counter() - began, found["status"], found["body"]


async def opened(stack: AsyncExitStack, place: Place, say: Say) -> Asked:
    """A service on a filled log, with sessions of the account's administrator and the studio's."""
    settings = Settings(home=place.folder, database_url=place.url, scripted_enabled=True)
    studio = await stack.enter_async_context(open_studio(settings))
    began = perf_counter()
    facts = await asyncio.to_thread(studio.views.catch_up)
    say(f"{studio.log.reader.end():9,} facts, {facts:,} of them folded in {perf_counter() - began:.1f} s")
    app = serving.server(studio, settings).config.app
    asked = Asked(app, studio)
    board = Dashboard(serving.gate_for(studio, settings), PAGES, ())
    for account in (ACCOUNT, STUDIO):
        key = await studio.keys.issue(
            account, KeyTerms((KeyScope.OPERATE, KeyScope.ADMIN) if account == ACCOUNT else (KeyScope.ADMIN,))
        )
        session = board.sessions.begin(account, key.key.id)
        asked.cookies[account] = board.sessions.text(session)
    return asked


def addresses(ids: dict[str, str], period: str) -> list[tuple[WebPage, str, str]]:
    """Each page, whose key sees it, and where it is."""
    found = []
    for page in PAGES:
        if page.name in ABSENT:
            continue
        account = STUDIO if page.meant in (MeantFor.STUDIO, MeantFor.FOR_ACCOUNT) else ACCOUNT
        provider = PROVIDER if page.name == "provider_month" else "scripted"
        address = page.path.format(
            id=ids.get(page.name, ids["operation"]), which=period, period=period, provider=provider, month="2026-11"
        )
        found.append(
            (
                page,
                account,
                f"{address}?{urlencode({'account': ACCOUNT})}" if page.meant is MeantFor.FOR_ACCOUNT else address,
            )
        )
    return found


async def addresses_of(asked: Asked) -> list[tuple[WebPage, str, str]]:
    """Each page of a service, whose key sees it, and where it is."""
    return addresses(*await _ids(asked))


async def _ids(asked: Asked) -> tuple[dict[str, str], str]:
    from projections.views.operations import OPERATIONS as VIEW

    page = asked.studio.views.find(VIEW, VIEW.filter(account=ACCOUNT), limit=1)
    keys = await asked.studio.keys.list(ACCOUNT)
    periods = await asked.studio.statements.periods(ACCOUNT)
    period = periods[len(periods) // 2].name  # a whole one: the newest has nothing on the first of a month
    return {"operation": str(page.rows[0].id), "key": keys[0].id}, period


async def ask_all(few: Asked, many: Asked, plan: Plan, say: Say) -> list[AskedPage]:
    """Every page on both, in turn."""
    lists = [await addresses_of(one) for one in (few, many)]
    found = []
    rounds = plan.rounds
    for (page, account, short), (_, _, long) in zip(*lists, strict=True):
        if plan.pages and page.name not in plan.pages:
            continue
        idle = median([(await many.get(NOTHING))[0] for _ in range(5 * rounds)])  # beside each page, as hot as it is
        first, took = await _timed(((few, short), (many, long)), account, rounds)
        found.append(AskedPage(page.name, took[0], took[1], first, idle))
        say(str(found[-1]))
    return found


async def _timed(places: Sequence[tuple[Asked, str]], account: str, rounds: int) -> tuple[float, list[list[float]]]:
    """The seconds of the first look at the last place, and of each place, asked in turn; few of what takes long."""
    took: list[list[float]] = [[] for _ in places]
    began, first = perf_counter(), 0.0
    for turn in range(rounds + WARM):
        for (asked, address), times in zip(places, took, strict=True):
            seconds, status, body = await _seen(asked, address, account)
            if status != OK:
                raise SystemExit(f"{address}: {status} {body[-600:]!r}")
            first = seconds if turn == 0 else first
            if turn >= WARM:
                times.append(seconds)
        if turn < WARM:
            began = perf_counter()
        if turn > WARM and perf_counter() - began > LONGEST:
            break
    return first, took


async def _seen(asked: Asked, address: str, account: str) -> tuple[float, int, bytes]:
    """A page, waited for if it is worked out apart."""
    began = perf_counter()
    while True:
        _, status, body = await asked.get(address, account)
        if status != WAITS:
            return perf_counter() - began, status, body
        await asyncio.sleep(PAUSE)


def size_of(operations: int) -> Size:
    """Of one account's log of so many operations; a short one has as many days as a long one."""
    group = max(min(operations // GROUPS, GROUP), 1)
    return Size(operations * EVENTS_EACH, 1, MONTHS, group=group)


def measure(stores: Stores, database: str, plan: Plan, say: Say) -> list[AskedPage]:
    """Every page on a log of each length, and how the bars were met."""
    places = [_place(stores, database, size_of(operations)) for operations in (plan.few, plan.many)]
    found = asyncio.run(_measured(places, plan, say))
    for first in (one for one in found if one.name == FIRST_PAGE):
        say(f"{database:10} the first page takes {first.times_idle:.1f} times what nothing takes (bar {MOST_TIMES})")
    grown = [f"{one.name} {one.growth:.1f}" for one in found if one.growth > MOST_GROWTH]
    say(f"{database:10} pages that grow more than {MOST_GROWTH} times: {', '.join(grown) or 'none'}")
    return found


def _place(stores: Stores, database: str, size: Size) -> Place:
    """A filled database, with the secrets of the keys that an earlier run issued there."""
    place = stores.filled(database, size, USE)
    for name in SECRETS:
        known = stores.masters[size].folder / name if size in stores.masters else place.folder / name
        if known.exists() and known.parent != place.folder:
            copyfile(known, place.folder / name)
    return place


async def _measured(places: Sequence[Place], plan: Plan, say: Say) -> list[AskedPage]:
    async with AsyncExitStack() as stack:
        few, many = [await opened(stack, place, say) for place in places]
        return await ask_all(few, many, plan, say)


def keep(stores: Stores, folder: Path, operations: int) -> None:
    """Use the log of so many operations that a folder has, filled now if it has none."""
    size, home = size_of(operations), folder / str(operations)
    place = Place(f"sqlite:///{home / LEDGER}", home)
    if not (home / LEDGER).exists():
        home.mkdir(parents=True, exist_ok=True)
        upgrade_schema(place.url)
        fill(place.url, size)
    stores.masters[size] = stores.filled_ones[SQLITE, size, USE] = place


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description="Pages on a long log.")
    parser.add_argument("operations", nargs="?", type=int, default=OPERATIONS)
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL), action="append")
    parser.add_argument("--kept", type=Path, help="a folder of filled logs")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--page", action="append", default=[], help="one page; may be repeated")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    plan = Plan(FEW, options.operations, options.rounds, tuple(options.page))
    with Stores() as stores:
        for operations in (plan.few, plan.many) if options.kept else ():
            keep(stores, options.kept, operations)
        for database in options.database or (SQLITE,):
            measure(stores, database, plan, lambda line: console.print(line, markup=False))


if __name__ == "__main__":
    main()
