"""Full life cycles a second and how long callers wait, beside the usual way and the limit, interleaved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.stores import POSTGRESQL, Stores
from benchmarks.teams import Load, Team, team
from benchmarks.timing import Timed, percentile

SINGLE = Load(1, hot=False)
LOADS = (SINGLE, Load(16, hot=False), Load(16, hot=True), Load(64, hot=False), Load(64, hot=True))
TWO_PROCESSES = (Load(64, hot=False, processes=2), Load(64, hot=True, processes=2))
QUICK = (Load(64, hot=False), Load(64, hot=True))
CONTENDERS = ("ours", "usual", "limit", "ledger", "files")
WARM_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: seconds a measurement, rounds of each load, and the loads."""

    seconds: float
    rounds: int
    loads: Sequence[Load]
    two_processes: Sequence[Load] = TWO_PROCESSES
    contenders: Sequence[str] = CONTENDERS


@dataclass(slots=True)
class Measured:
    """One contender under one load."""

    database: str
    load: Load
    contender: str
    rounds: list[Timed] = field(default_factory=list)
    recorded: int = 0
    counted: int = 0

    @property
    def rate(self) -> float:
        """The median round's operations a second."""
        return median(timed.rate for timed in self.rounds)

    @property
    def cpu(self) -> float:
        """Microseconds of computing an operation, without the database server's; the median round's."""
        return median(1e6 * timed.cpu / len(timed.latencies) for timed in self.rounds)

    @property
    def lost(self) -> int:
        """Operations that were recorded and that the summary does not count."""
        return self.recorded - self.counted

    def waiting(self, per_cent: float) -> float:
        """Milliseconds that so many per cent of the operations did not exceed."""
        return 1e3 * percentile([took for timed in self.rounds for took in timed.latencies], per_cent)

    def against(self, other: Measured) -> float:
        """The median of the rounds' ratios: what disturbs a round disturbs both."""
        return median(mine.rate / theirs.rate for mine, theirs in zip(self.rounds, other.rounds, strict=True))


Say = Callable[[str], None]


def measure(stores: Stores, database: str, effort: Effort, say: Say) -> list[Measured]:
    """Every load and every contender on one kind of database; only PostgreSQL is asked by two processes."""
    loads = [*effort.loads, *(effort.two_processes if database == POSTGRESQL else ())]
    with ExitStack() as stack:
        teams = []
        for contender in effort.contenders:
            place = stack.enter_context(stores.fresh(database))
            teams.append(stack.enter_context(team(contender, place)))
        return [measured for load in loads for measured in _under(database, load, teams, effort, say)]


def _under(database: str, load: Load, teams: Sequence[Team], effort: Effort, say: Say) -> list[Measured]:
    found = {one.contender: Measured(database, load, one.contender) for one in teams}
    for one in teams:
        one.prepare(load)
        one.measure(load, WARM_SECONDS)
    for number in range(effort.rounds):
        turn = number % len(teams)
        for one in [*teams[turn:], *teams[:turn]]:
            _measure_one(one, found[one.contender], effort.seconds)
    for measured in found.values():
        say(
            f"{database:10} {load.name:36} {measured.contender:7} {measured.rate:7.0f}/s"
            f"   p50 {measured.waiting(50):7.1f} ms   p99 {measured.waiting(99):7.1f} ms"
            f"   cpu {measured.cpu:5.0f} us   lost {measured.lost} of {measured.recorded}"
        )
    return list(found.values())


def _measure_one(one: Team, measured: Measured, seconds: float) -> None:
    before = one.totals()
    measured.rounds.append(one.measure(measured.load, seconds))
    after = one.totals()
    measured.recorded += after.recorded - before.recorded
    measured.counted += after.counted - before.counted
