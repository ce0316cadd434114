"""Pages of the dashboard on a long log beside a short one, and beside a route that does nothing, in one run.

python -m benchmarks.pages [OPERATIONS]     on SQLite files of their own; 200,000 operations unless said otherwise

Each page is asked in turn of two applications in this process, one account's log each, without a socket between: a
figure is the ratio of two times of the same run.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from rich.console import Console

from benchmarks.fill import EVENTS_EACH, GROUP, Size, fill
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

OPERATIONS: Final = 200_000
FEW: Final = 1_000
MONTHS: Final = 3
GROUPS: Final = 100
"""Instants at which operations are asked for, at least: so a short log has as many days as a long one."""
ACCOUNT: Final = "hot"
ROUNDS: Final = 60
WARM: Final = 2
LONGEST: Final = 20
"""Seconds for one page."""
OK: Final = 200
NOTHING: Final = "/healthz"
Say = Callable[[str], None]


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


async def opened(stack: AsyncExitStack, home: Path, operations: int, say: Say) -> Asked:
    """A service on a log of so many operations, with sessions of the account's administrator and the studio's."""
    url = f"sqlite:///{home / 'ledger.db'}"
    if not (home / "ledger.db").exists():
        upgrade_schema(url)
        await asyncio.to_thread(
            fill, url, Size(operations * EVENTS_EACH, 1, MONTHS, group=min(operations // GROUPS, GROUP))
        )
    settings = Settings(home=home, database_url=url, scripted_enabled=True)
    studio = await stack.enter_async_context(open_studio(settings))
    began = perf_counter()
    await asyncio.to_thread(studio.views.catch_up)
    say(f"{operations:9,} operations, views folded in {perf_counter() - began:.1f} s")
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
        if page.name in ("batch_made", "webhook", "asset"):
            continue  # of things that a filled log does not have
        account = STUDIO if page.meant in (MeantFor.STUDIO, MeantFor.FOR_ACCOUNT) else ACCOUNT
        address = page.path.format(
            id=ids.get(page.name), which=period, period=period, provider="scripted", month="2026-11"
        )
        found.append(
            (
                page,
                account,
                f"{address}?{urlencode({'account': ACCOUNT})}" if page.meant is MeantFor.FOR_ACCOUNT else address,
            )
        )
    return found


async def _ids(asked: Asked) -> tuple[dict[str, str], str]:
    from projections.views.operations import OPERATIONS as VIEW

    page = asked.studio.views.find(VIEW, VIEW.filter(account=ACCOUNT), limit=1)
    keys = await asked.studio.keys.list(ACCOUNT)
    period = (await asked.studio.statements.periods(ACCOUNT))[-1].name
    return {"operation": str(page.rows[0].id), "key": keys[0].id}, period


async def measure(few: Asked, many: Asked, rounds: int, say: Say) -> None:
    """Every page on both, in turn, and the ratios of their 99th percentiles and medians."""
    places = [(one, *await _ids(one)) for one in (few, many)]
    lists = [addresses(ids, period) for _, ids, period in places]
    idle = median([(await many.get(NOTHING))[0] for _ in range(10 * rounds)])
    say(f"nothing: {1e3 * idle:.2f} ms at the median")
    for (page, account, short), (_, _, long) in zip(*lists, strict=True):
        took = await _timed(((few, short), (many, long)), account, rounds)
        (a, slow), (b, slower) = [(median(times), quantiles(times, n=100)[-1]) for times in took]
        say(
            f"{page.name:16} {1e3 * a:8.1f} ms {1e3 * b:8.1f} ms   median {b / a:5.2f}   p99 {slower / slow:5.2f}"
            f"   {b / idle:6.1f} times nothing   {len(took[0])} rounds"
        )


async def _timed(places: Sequence[tuple[Asked, str]], account: str, rounds: int) -> list[list[float]]:
    """The seconds of each place, asked in turn; few rounds of what takes long."""
    took: list[list[float]] = [[] for _ in places]
    began = perf_counter()
    for turn in range(rounds + WARM):
        for (asked, address), times in zip(places, took, strict=True):
            seconds, status, body = await asked.get(address, account)
            if status != OK:
                raise SystemExit(f"{address}: {status} {body[-600:]!r}")
            if turn >= WARM:
                times.append(seconds)
        if turn > WARM and perf_counter() - began > LONGEST:
            break
    return took


async def run(operations: int, rounds: int, say: Say, homes: tuple[Path, Path] | None = None) -> None:
    """Fill both, and measure."""
    async with AsyncExitStack() as stack:
        folders = homes or tuple(Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2))
        few = await opened(stack, folders[0], FEW, say)
        many = await opened(stack, folders[1], operations, say)
        await measure(few, many, rounds, say)


if __name__ == "__main__":
    console = Console(highlight=False)
    homes = (Path(sys.argv[2]), Path(sys.argv[3])) if len(sys.argv) > 3 else None
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else OPERATIONS, ROUNDS, console.print, homes))
