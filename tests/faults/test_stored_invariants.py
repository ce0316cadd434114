"""The same happenings as in the domain, over the real store: two processes' writers, lost answers, and restarts."""

from __future__ import annotations

import shutil
import tempfile
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from application.keeping.chains import verify_chains, verify_index
from application.ledger.group import Proposal
from application.ledger.transaction import Conflict, KeyRow
from domain.admission import Ask
from domain.evidence import Spent
from domain.ledger import Decide, Fact, Ledger
from infrastructure.store.migrations import upgrade_schema
from tests.application.support import Clock, Office
from tests.domain import naive
from tests.domain.test_invariants import Invariants

SNAPSHOT_EVERY = 5


@cache
def template() -> Path:
    """A migrated file, to be copied."""
    path = Path(tempfile.mkdtemp(prefix="studio-")) / "template.db"
    upgrade_schema(f"sqlite:///{path}")
    return path


@dataclass
class Shared:
    """One database and the two writers that take turns on it, each a process's worth."""

    home: tempfile.TemporaryDirectory[str] = field(default_factory=tempfile.TemporaryDirectory)
    clock: Clock = field(default_factory=Clock)
    offices: list[Office] = field(default_factory=list)
    turn: int = 0
    position: int = 0

    def __post_init__(self) -> None:
        shutil.copyfile(template(), self.path)
        self.offices = [self.open(), self.open()]

    @property
    def path(self) -> Path:
        return Path(self.home.name) / "studio.db"

    def open(self) -> Office:
        return Office(f"sqlite:///{self.path}", clock=self.clock, snapshot_every=SNAPSHOT_EVERY)

    @property
    def office(self) -> Office:
        self.turn += 1
        return self.offices[self.turn % 2]

    def restart(self, which: int) -> None:
        self.offices[which].close()
        self.offices[which] = self.open()

    def close(self) -> None:
        for office in self.offices:
            office.close()
        self.home.cleanup()


@dataclass
class StoredDesk(naive.NaiveLedger):
    """An account whose decisions are put to the writers; what it knows is what they wrote."""

    shared: Shared = field(default_factory=Shared)
    own: tuple[str, ...] = ()

    def decide(self, decide: Decide, clock: int, *operations: str, key: tuple[str, Spent] | None = None) -> list[Fact]:
        self.shared.clock.now = clock
        row = None if key is None else KeyRow(self.account, key[0], key[1].reference, key[1].fingerprint)
        own, self.own = self.own, ()
        wanted = Proposal(self.account, decide, operations, own, row, opening=True, look=copied)
        office = self.shared.office
        self.ledger = office.do(wanted)[0].seen
        facts = self.written(office)
        if key is not None and facts:
            self.keys[key[0]] = key[1]
        return facts

    def written(self, office: Office) -> list[Fact]:
        """What is new in the log, which is this account's, as accounts take turns."""
        entries = office.reader.read(self.shared.position, 1_000)
        facts = [office.log.codec.decode(entry.link.topic, entry.link.state) for entry in entries]
        self.log += facts
        self.shared.position = entries[-1].position if entries else self.shared.position
        return facts


def copied(ledger: Ledger, _now: int) -> Ledger:
    return deepcopy(ledger)


class StoredInvariants(Invariants):
    """Decisions go through real transactions; which process makes them, and which of them dies, is chance."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = Shared()
        self.desks = {name: StoredDesk(name, shared=self.shared) for name in self.desks}

    def decided(self, wish: Ask, key: tuple[str, Spent] | None = None) -> list[Fact]:
        desk = self.desks[wish.account]
        assert isinstance(desk, StoredDesk)
        desk.own = wish.operations
        return super().decided(wish, key)

    @rule(which=st.integers(0, 1))
    def a_process_is_restarted(self, which: int) -> None:
        self.shared.restart(which)

    @rule(which=st.integers(0, 1), times=st.integers(1, 3))
    def answers_to_commits_are_lost(self, which: int, times: int) -> None:
        self.shared.offices[which].steps.plan("after commit", *[Conflict("the answer was lost")] * times)

    @rule(which=st.integers(0, 1), step=st.sampled_from(["after begin", "after lock", "before commit"]))
    def a_transaction_is_lost(self, which: int, step: str) -> None:
        self.shared.offices[which].steps.plan(step, Conflict("deadlock detected"))

    def teardown(self) -> None:
        super().teardown()
        office = self.shared.offices[0]
        assert not [*verify_chains(office.reader), *verify_index(office.reader, office.log.codec)]  # I8
        self.shared.close()


TestStoredInvariants = StoredInvariants.TestCase
TestStoredInvariants.settings = settings(max_examples=8, stateful_step_count=40, derandomize=True, deadline=None)
