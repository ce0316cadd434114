"""Parts that somebody broke: each keeps a promise of the ledger no longer, and a simulated world has to find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from application.ledger.group import Proposal
from application.ledger.transaction import Beside, Store, Transaction
from application.ports import Delivery, Job, Progress, Provider, Recovery, Task
from domain.ledger import Fact, Ledger
from domain.operation import Adjusted, Charged, Released
from domain.wallet import GrantRevoked
from infrastructure.assembly import Assembly
from infrastructure.simulation.processes import Tampering
from infrastructure.store.database import Database
from infrastructure.store.transactions import SqlStore
from projections.engine.database import FactSource
from projections.engine.projector import Projector
from projections.views import ALL


class ForgetfulTransaction:
    """Says of every few commits that it is done, and lets it go."""

    def __init__(self, real: Any, *, forgets: bool) -> None:
        self._real, self._forgets = real, forgets

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def commit(self, beside: Beside) -> int | None:
        position: int | None = self._real.commit(beside) if not self._forgets else None
        return position


class ForgetfulStore:
    """A store that answers before it has written."""

    def __init__(self, database: Database) -> None:
        self._real, self._begun = SqlStore(database), 0

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        self._begun += 1
        with self._real.begin() as transaction:
            yield ForgetfulTransaction(transaction, forgets=self._begun % 5 == 0)


def forgetful(database: Database) -> Store:
    return ForgetfulStore(database)


class Careless:
    """Submits twice."""

    def __init__(self, real: Provider) -> None:
        self._real = real
        self.name, self.recovery = real.name, real.recovery

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        await self._real.submit(task, progress)
        return await self._real.submit(task, progress)


def careless(real: Provider) -> Provider:
    return Careless(real) if real.name == "depot" else real


class Boastful(Careless):
    """Says that it may be asked for the same again and again."""

    def __init__(self, real: Provider) -> None:
        super().__init__(real)
        self.recovery = Recovery.REPEATABLE

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        return await self._real.submit(task, progress)


def boastful(real: Provider) -> Provider:
    return Boastful(real)


class Skipping:
    """A reader that passes over a fact now and then."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def states(self, after: int, before: int, limit: int) -> list[Any]:
        rows = self._real.states(after, before, limit)
        return [row for row in rows if row[0] % 50 or row is rows[-1]]


class SkippingProjector(Projector):
    """Folds what such a reader gives it, and nothing else."""

    def take_turn(self, enough: Any, recent: Any = None) -> int:
        return super().take_turn(enough)


def skipping(made: Assembly) -> None:
    source = FactSource(Skipping(made.reader), made.codec)
    made.projector = SkippingProjector(made.database, source, ALL)


class Altering:
    """A writer that records something else than was decided."""

    def __init__(self, real: Any, alter: Callable[[Fact], Fact | None]) -> None:
        self._real, self._alter = real, alter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def put(self, proposal: Proposal) -> Any:
        def decide(ledger: Ledger, now: int) -> list[Fact]:
            altered = [self._alter(fact) for fact in proposal.decide(ledger, now)]
            return [fact for fact in altered if fact is not None]

        return self._real.put(replace(proposal, decide=decide))


def altered(alter: Callable[[Fact], Fact | None]) -> Tampering:
    def alters(made: Assembly) -> None:
        made.writer = Altering(made.writer, alter)  # type: ignore[assignment]

    return Tampering(parts=alters)


def keeping_holds(fact: Fact) -> Fact | None:
    """A failure sets nothing free."""
    return None if isinstance(fact, Released) else fact


def charging_more(fact: Fact) -> Fact:
    """A charge of more than was held."""
    return replace(fact, price=fact.price + 1) if isinstance(fact, Charged) else fact


def giving_more(fact: Fact) -> Fact:
    """Refunds of more than was charged."""
    return replace(fact, price=20 * fact.price) if isinstance(fact, Adjusted) else fact


def revoking_more(fact: Fact) -> Fact:
    """Of a grant that is revoked more goes than is left."""
    return replace(fact, amount=fact.amount + 1) if isinstance(fact, GrantRevoked) else fact


def sparing_grants(fact: Fact) -> Fact:
    """A charge leaves to grants what they had to pay."""
    return replace(fact, drawn=None) if isinstance(fact, Charged) else fact


def losing_its_way(fact: Fact) -> Fact:
    """A decision that ends with what is no answer to anybody."""
    if isinstance(fact, Charged):
        raise LookupError("a rate that is nowhere")
    return fact
