"""Reports that a service makes by itself: of each account's billing period, once, when that is over.

    periods that are over ── is its file there? ──┬─ yes: it is made
                                                  └─ no: written beside its place, then linked there

A report is a file that is named after its account and period. A link fails if something is there already, so neither a
second process nor a restart makes a report twice, and none is ever half there.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from domain.errors import ImageStudioError
from infrastructure.clock import SECOND, new_id
from infrastructure.documents.brand import Brand
from infrastructure.reports.usage import Reported, usage_report
from infrastructure.reports.writing import report_as
from projections.views.periods import PERIODS, PeriodFilter

if TYPE_CHECKING:
    from application.keeping.statements import BilledPeriod

LOGGER: Final = logging.getLogger("imagestudio")
GRACE: Final = 60 * 60 * SECOND
"""After a period's end, as clocks of other processes may be behind."""
STEP: Final = 27 * 24 * 60 * 60 * SECOND
"""No month is shorter, so that every period that ended within it contains its beginning."""
STEPS_BACK: Final = 3
PAUSE: Final = 60 * 60
"""Seconds from turn to turn."""
FORMATS: Final = ("html", "pdf")


@dataclass(frozen=True)
class ReportFolder:
    """The folder that reports are put into, under a brand."""

    ledger: Reported
    folder: Path
    brand: Brand
    clock: Callable[[], int]
    known: set[tuple[str, int]] = field(default_factory=set)
    """Accounts and beginnings of periods whose reports this process knows to be there."""

    async def turn(self) -> list[Path]:
        """Make what is due of all accounts, back to some months ago; the files that are new."""
        new: list[Path] = []
        for account, start in await asyncio.to_thread(self._over):
            periods = await self.ledger.statements.periods(account)
            for one in periods:
                if one.period.start == start:
                    new += await self._make(account, one)
            self.known.add((account, start))
        return new

    def _over(self) -> Sequence[tuple[str, int]]:
        now = self.clock() - GRACE
        self.ledger.views.catch_up()
        found: dict[tuple[str, int], None] = {}
        for back in range(1, STEPS_BACK + 1):
            for row in self.ledger.views.rows(PERIODS, PeriodFilter(at=now - back * STEP)):
                if row.period_end <= now:
                    found[row.account, row.period_start] = None
        return [one for one in found if one not in self.known]

    async def _make(self, account: str, one: BilledPeriod) -> list[Path]:
        places = {format: self.folder / f"{quote(account, safe='')}-{one.name}.{format}" for format in FORMATS}
        missing = {format: path for format, path in places.items() if not path.exists()}
        if not missing:
            return []
        report = await usage_report(self.ledger, account, one.name, self.clock())
        made = {
            path: await asyncio.to_thread(report_as, report, format, self.brand) for format, path in missing.items()
        }
        return [path for path, content in made.items() if await asyncio.to_thread(put_once, path, content)]


def put_once(path: Path, content: bytes) -> bool:
    """Whether the file was put there now, whole; False if one was there. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{new_id()}")
    try:
        with beside.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        beside.unlink(missing_ok=True)
    return True


async def reporting(folder: ReportFolder, seconds: int = PAUSE) -> None:
    """Make what is due at once, and then every so often."""
    while True:
        try:
            for path in await folder.turn():
                LOGGER.info("made the report %s", path.name)
        except (ImageStudioError, OSError) as error:
            LOGGER.warning("reports could not be made for now: %s", error)
        await asyncio.sleep(seconds)
