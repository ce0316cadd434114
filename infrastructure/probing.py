"""A synthetic customer in production: it buys, repeats, is refused, fails and is added up again, for ever.

round ── the price asked ── bought under a key ── asked again ── another thing under the key ── a failure, if one can be
     ── added up: ledger, facts, view, holds ── every difference told: a line of the service log each time, and once
        a day a fact, of which webhooks and letters of the studio's own account tell
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from application.asking.requests import Request, Result
from domain.alerts import difference_name
from domain.counts import counted
from domain.differing import probed_day
from domain.errors import ImageStudioError, KeyReused, OperationFailed, OperationRefused
from domain.money import Money
from domain.operation import Charged, Released
from infrastructure.service import Studio
from projections.views.usage import USAGE, UsageFilter

LOGGER = logging.getLogger("imagestudio")
KIND = "text-to-image"
PROMPT = "a grey square"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that differs, by a name without figures; how it was told and how it should have been may be empty."""

    name: str
    told: str = ""
    wanted: str = ""

    def __str__(self) -> str:
        if not self.told:
            return self.name
        return f"{self.name}: {self.told}, and should be {self.wanted}" if self.wanted else f"{self.name}: {self.told}"


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
    now: Callable[[], int]
    untold: dict[str, tuple[int, Difference]] = field(default_factory=dict)
    """Alerts that could not be raised yet, by their names, each with its day."""

    async def once(self) -> Probed:
        """One round. An error of the studio's is a difference, too."""
        found: list[Difference] = []
        result: Result | None = None
        try:
            result = await self._round(found)
        except ImageStudioError as error:
            found.append(Difference(_name_of(error), str(error)))
        day = probed_day(self.now())
        for one in found:
            LOGGER.error("the probe found a difference: %s", one)
            self.untold.setdefault(difference_name(self.account, one.name, day), (day, one))
        await self._tell()
        told = tuple(map(str, found))
        return Probed("", "", told) if result is None else Probed(result.operation, str(result.price), told)

    async def _tell(self) -> None:
        """Raise an alert of each difference, once a day; what cannot be recorded now is with the next round."""
        for name, (day, one) in [*self.untold.items()]:
            told = one.told if one.wanted else ""  # an error's words may be a provider's, and are in no fact
            try:
                await self.studio.alerts.tell_difference(self.account, one.name, told, one.wanted, day=day)
            except ImageStudioError as error:
                LOGGER.error("the probe cannot raise an alert: %s", error)
                return
            del self.untold[name]

    async def run(self, seconds: float, stop: asyncio.Event) -> int:
        """A round every so many seconds, until it is to stop; how many there were."""
        rounds = 0
        while not stop.is_set():
            found = await self.once()
            rounds += 1
            LOGGER.info("round %s: %s", rounds, counted(len(found.differences), "difference"))
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await stop.wait()
        return rounds

    async def _round(self, found: list[Difference]) -> Result:
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
            currency = result.price.currency
            _differ(found, "spent in the ledger", Money(spent, currency), result.price)
            held = (Money(one.held["spend"], currency) for one in (after, before))
            _differ(found, "held once all is over", *held)
            _differ(found, "open once all is over", after.open, before.open)
        await self._add_up(found, result, after.used["spend"], after.period.start)
        return result

    def _request(self, key: str) -> Request:
        return Request(KIND, self.account, {"prompt": PROMPT}, model=self.model, key=key, allow=("stand-in", "test"))

    async def _other_under_key(self, found: list[Difference], request: Request) -> None:
        other = replace(request, inputs={"prompt": f"not {PROMPT}"})
        try:
            await self.studio.operations.run(other)
        except KeyReused:
            return
        found.append(Difference("another request under a key that was used was not refused"))

    async def _fail(self, found: list[Difference], request: Request) -> None:
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
        found.append(Difference("an operation that was to fail did not"))

    async def _add_up(self, found: list[Difference], result: Result, spent: int, start: int) -> None:
        """The facts of the operation, and the view of the period against the ledger."""
        facts = await asyncio.to_thread(self.studio.log.facts, result.operation)
        charges = [str(Money(fact.price, fact.currency)) for fact in facts if isinstance(fact, Charged)]
        _differ(found, "charges in the log", ", ".join(charges) or "none", str(result.price))
        await asyncio.to_thread(self.studio.views.catch_up)
        rows = await asyncio.to_thread(self.studio.views.rows, USAGE, UsageFilter(account=self.account))
        viewed = sum(row.price for row in rows if row.period_start == start)
        currency = result.price.currency
        _differ(found, "spent in the view", Money(viewed, currency), Money(spent, currency))


def _name_of(error: ImageStudioError) -> str:
    name = type(error).__name__
    return f"{name} by {error.refusal.measure or error.refusal.rule}" if isinstance(error, OperationRefused) else name


def _differ(found: list[Difference], what: str, told: object, wanted: object) -> None:
    if told != wanted:
        found.append(Difference(what, str(told), str(wanted)))
