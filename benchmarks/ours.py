"""The studio itself, through its public entry, with what would measure something else than the ledger exchanged.

`ours` is `operations.run` with an instant provider and assets that are only hashed: inputs are checked, the price
is quoted, limits are checked and held, every state is durable, the result is built, and the views are brought up by
the studio's own projector; the time ends when the usage summary shows the last operation. `files` is the same with
the studio's own asset store and media reader, each output a different small PNG, saved durably. `ledger` is a
diagnosis: the writer alone, given finished decisions.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from sqlalchemy import text

from application.asking.requests import Request
from application.ledger.group import LeaseTerms, Proposal
from application.ledger.saving import LedgerLog
from application.ledger.transaction import ContentRow
from application.ledger.writer import LedgerWriter
from application.ports import Asset, Delivery, Job, Media, Progress, Provider, Recovery, Task
from benchmarks.openings import LIMITED, PLAN, PLENTY, opening
from benchmarks.timing import Stopwatch, Timed, Totals, drive
from domain import settlement
from domain.admission import Ask, accept
from domain.operation import Stored
from domain.pricing import Quote
from infrastructure.assembly import Parts
from infrastructure.bootstrap import open_studio
from infrastructure.clock import new_id, new_secret, now
from infrastructure.settings import Settings
from infrastructure.store import DATABASE_URL, Factory
from infrastructure.store.database import Database
from infrastructure.store.transactions import SqlStore

MODEL, PROVIDER = "scripted-image", "scripted"
PROMPT = "a lighthouse at dusk"
SIDE = 16


class InstantProvider:
    """Delivers at once: the digest of the task, or a small picture that differs with the operation."""

    name = PROVIDER
    recovery = Recovery.REPEATABLE

    def __init__(self, *, pictures: bool) -> None:
        self._content = small_png if pictures else _digest

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:  # noqa: ARG002
        return Delivery((Media(self._content(task.operation), "image/png", SIDE, SIDE),))

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        raise NotImplementedError("nothing is ever handed out as a job")

    async def find(self, task: Task) -> tuple[Job, ...]:  # noqa: ARG002
        return ()

    async def cancel(self, task: Task, job: Job | None) -> bool:  # noqa: ARG002
        return False

    async def check(self) -> str:
        return "instant"

    def lacks(self, route: str) -> str:  # noqa: ARG002
        return ""

    async def close(self) -> None: ...


class HashedAssets:
    """An asset store that hashes as the real one does and keeps nothing: a file's content here is its digest."""

    async def save(self, account: str, media: Media) -> Asset:  # noqa: ARG002
        digest = sha256(media.content).hexdigest()
        return Asset(digest, media.media_type, len(media.content), media.width, media.height)

    async def receive(
        self,
        account: str,
        content: AsyncIterator[bytes],
        media_types: Sequence[str],  # noqa: ARG002
        *,
        field: str = "output",  # noqa: ARG002
    ) -> Asset:
        whole = b"".join([piece async for piece in content])
        return await self.save(account, Media(whole, "image/png", SIDE, SIDE))

    async def load(self, account: str, asset: Asset) -> Media:  # noqa: ARG002
        return Media(asset.digest.encode(), asset.media_type, asset.width, asset.height)

    def pieces(self, account: str, asset: Asset) -> Iterator[bytes]:  # noqa: ARG002
        yield asset.digest.encode()

    async def exists(self, account: str, asset: Asset) -> bool:  # noqa: ARG002
        return True

    def path(self, account: str, asset: Asset) -> str | None:  # noqa: ARG002
        return None

    def where(self, account: str, asset: Asset) -> str:  # noqa: ARG002
        return asset.digest


async def believe(content: bytes, *, field: str, media_types: Sequence[str] = ()) -> Media:  # noqa: ARG001
    """A media reader for contents that are digests."""
    return Media(content, "image/png", SIDE, SIDE)


def small_png(name: str) -> bytes:
    """A valid PNG of one colour with a text in it, so that no two have one digest."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((SIDE + 1) * SIDE))
    chunks = ((b"IHDR", header), (b"tEXt", b"Comment\0" + name.encode()), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _digest(operation: str) -> bytes:
    return sha256(operation.encode()).hexdigest().encode()


class Ours:
    """Whole operations through the studio's entry."""

    def __init__(self, url: str, folder: Path, *, files: bool = False) -> None:
        provider: Provider = InstantProvider(pictures=files)
        parts = Parts(providers={PROVIDER: provider})
        if not files:
            parts = Parts(assets=HashedAssets(), read_media=believe, providers={PROVIDER: provider})
        settings = Settings(database_url=url, home=folder, lease_seconds=600, grace_seconds=600, _env_file=None)
        self._database = Database(url)
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._studio = self._runner.run(self._stack.enter_async_context(open_studio(settings, parts)))

    def prepare(self, accounts: Sequence[str]) -> None:
        self._runner.run(self._open(sorted(set(accounts))))

    def measure(self, accounts: Sequence[str], seconds: float) -> Timed:
        return self._runner.run(self._measure(accounts, seconds))

    def totals(self) -> Totals:
        """Operations charged by the index, and by the usage summary."""
        with self._database.connect() as connection:
            recorded = connection.execute(text("SELECT count(*) FROM operations WHERE phase = 'charged'"))
            counted = connection.execute(text("SELECT sum(charged) FROM usage_summary"))
            return Totals(recorded.scalar_one(), int(counted.scalar() or 0))

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()
        self._database.close()

    async def _open(self, accounts: Sequence[str]) -> None:
        for account in accounts:
            await self._studio.accounts.open(account, plan=PLAN)
            for measure in LIMITED:
                await self._studio.accounts.change_limit(account, measure, PLENTY)
        await self._shown()

    async def _measure(self, accounts: Sequence[str], seconds: float) -> Timed:
        watch = Stopwatch()
        latencies = await drive(self._operation, accounts, seconds)
        await self._shown()
        return watch.stop(latencies)

    async def _operation(self, account: str) -> None:
        request = Request("text-to-image", account, {"prompt": PROMPT}, user="ann", model=MODEL)
        result = await self._studio.operations.run(request)
        assert result.status == "charged"

    async def _shown(self) -> None:
        """Until the usage summary shows everything that was appended before now."""
        end = await asyncio.to_thread(self._studio.log.reader.end)
        await asyncio.to_thread(self._studio.views.catch_up)
        found = await asyncio.to_thread(self._studio.views.status)
        assert all(one.position >= end for one in found), "the views stand still"


class LedgerOnly:
    """The writer, two decisions an operation; no request, no provider, no result, no view."""

    def __init__(self, url: str) -> None:
        self._log = LedgerLog({"PERSISTENCE_MODULE": Factory.__module__, DATABASE_URL: url})
        self.database = database_of(self._log)
        self._writer = LedgerWriter(
            SqlStore(self.database), self._log, now, LeaseTerms("benchmark", 600_000_000, 2_000)
        )
        self._runner = asyncio.Runner()

    def prepare(self, accounts: Sequence[str]) -> None:
        for account in sorted(set(accounts)):
            for proposal in opening(account):
                self._writer.append(proposal)

    def measure(self, accounts: Sequence[str], seconds: float) -> Timed:
        watch = Stopwatch()
        latencies = self._runner.run(drive(self.operation, accounts, seconds))
        return watch.stop(latencies)

    def totals(self) -> Totals:
        with self.database.connect() as connection:
            charged = connection.execute(text("SELECT count(*) FROM operations WHERE phase = 'charged'")).scalar_one()
            return Totals(charged, charged)

    def close(self) -> None:
        self._writer.close()
        self._log.close()
        self._runner.close()

    async def operation(self, account: str) -> None:
        """One whole life cycle."""
        id = new_id()
        ask = Ask(account, "ann", None, id, (id,), "text-to-image", "images", None, "", "d" * 64, (QUOTE,), "benchmark")
        content = ContentRow(id, account, new_secret(), BODY)
        await self._writer.put(
            Proposal(account, lambda ledger, at: accept(ledger, ask, at), own=(id,), content=content)
        )
        await self._writer.put(
            Proposal(
                account,
                lambda ledger, at: settlement.complete(ledger, id, STORED, None, at),
                operations=(id,),
                patient=True,
            )
        )


QUOTE = Quote(MODEL, PROVIDER, "image", Decimal(1), Decimal("0.04"), 40_000, 40_000, "USD", "0123456789abcdef", 1)
STORED = (Stored("a" * 64, "image/png", 64, SIDE, SIDE, id="5a" * 12),)
BODY = '{"kind":"text-to-image","media":{},"models":{"scripted-image":{"prompt":"a lighthouse at dusk"}}}'


def database_of(log: LedgerLog) -> Database:
    """The database that the log's persistence module opened."""
    database: Database = log.factory.database  # type: ignore[attr-defined]
    return database
