"""A synthetic customer in production: it buys, repeats, is refused, fails and is added up again, for ever.

round ── the price asked ── bought under a key ── asked again ── another thing under the key ── a failure, if one can be
     ── added up: ledger, facts, view, holds ── every difference told
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from application.asking.requests import Request, Result
from domain.errors import ImageStudioError, KeyReused, OperationFailed
from domain.operation import Charged, Released
from infrastructure.service import Studio
from projections.views.usage import USAGE, UsageFilter

LOGGER = logging.getLogger("imagestudio")
KIND = "text-to-image"
PROMPT = "a grey square"


@dataclass(frozen=True, slots=True)
class Probed:
    """One round: the operation that was bought, its price in words, and every difference from what should be."""

    operation: str
    price: str
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """Buys for one `account` from one `model`, under new keys each round; nobody else may use the account."""

    studio: Studio
    account: str
    model: str
    new_id: Callable[[], str]

    async def once(self) -> Probed:
        """One round. An error of the studio's is a difference, too."""
        found: list[str] = []
        result: Result | None = None
        try:
            result = await self._round(found)
        except ImageStudioError as error:
            found.append(f"{type(error).__name__}: {error}")
        for one in found:
            LOGGER.error("the probe found a difference: %s", one)
        if result is None:
            return Probed("", "", tuple(found))
        return Probed(result.operation, str(result.price), tuple(found))

    async def run(self, seconds: float, stop: asyncio.Event) -> int:
        """A round every so many seconds, until it is to stop; how many there were."""
        rounds = 0
        while not stop.is_set():
            await self.once()
            rounds += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await stop.wait()
        return rounds

    async def _round(self, found: list[str]) -> Result:
        operations, accounts = self.studio.operations, self.studio.accounts
        request = self._request(f"probe-{self.new_id()}")
        estimate, before = await operations.estimate(request), await accounts.show(self.account)
        result = await operations.run(request)
        _differ(found, "price against the estimate", result.price, estimate.price)
        again = await operations.run(request)
        _differ(found, "operation of a repeat", again.operation, result.operation)
        _differ(found, "a repeat known as one", again.repeated, True)
        await self._other_under_key(found, request)
        await self._fail(found, request)
        after = await accounts.show(self.account)
        if before.period == after.period:
            spent = after.used["spend"] - before.used["spend"]
            _differ(found, "spent in the ledger", spent, result.price.micros)
            _differ(found, "held once all is over", after.held["spend"], before.held["spend"])
            _differ(found, "open once all is over", after.open, before.open)
        await self._add_up(found, result, after.used["spend"], after.period.start)
        return result

    def _request(self, key: str) -> Request:
        return Request(KIND, self.account, {"prompt": PROMPT}, model=self.model, key=key, allow=("stand-in", "test"))

    async def _other_under_key(self, found: list[str], request: Request) -> None:
        other = replace(request, inputs={"prompt": f"not {PROMPT}"})
        try:
            await self.studio.operations.run(other)
        except KeyReused:
            return
        found.append("another request under a key that was used was not refused")

    async def _fail(self, found: list[str], request: Request) -> None:
        """A scripted model is told to fail; others fail when they like, and are not asked for it."""
        if "outcome" not in self.studio.catalogue.get(self.model).inputs:
            return
        asked = replace(request, key=f"{request.key}-failing", inputs={"prompt": PROMPT, "outcome": "fail"})
        try:
            await self.studio.operations.run(asked)
        except OperationFailed as error:
            facts = await asyncio.to_thread(self.studio.log.facts, error.operation)
            _differ(found, "releases of a failure", sum(isinstance(fact, Released) for fact in facts), 1)
            return
        found.append("an operation that was to fail did not")

    async def _add_up(self, found: list[str], result: Result, spent: int, start: int) -> None:
        """The facts of the operation, and the view of the period against the ledger."""
        facts = await asyncio.to_thread(self.studio.log.facts, result.operation)
        charges = [fact.price for fact in facts if isinstance(fact, Charged)]
        _differ(found, "charges in the log", charges, [result.price.micros])
        await asyncio.to_thread(self.studio.views.catch_up)
        rows = await asyncio.to_thread(self.studio.views.rows, USAGE, UsageFilter(account=self.account))
        viewed = sum(row.price for row in rows if row.period_start == start)
        _differ(found, "spent in the view", viewed, spent)


def _differ(found: list[str], what: str, told: object, wanted: object) -> None:
    if told != wanted:
        found.append(f"{what}: {told}, and should be {wanted}")
