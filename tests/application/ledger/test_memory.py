"""What the writer remembers is bounded, is never older than the locked row, and equals a replay."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy

import pytest
from sqlalchemy import select, update

from application.ledger.group import Proposal
from application.ledger.memory import Memory, Remembered
from application.ledger.writer import WriterOptions
from domain.account import Account
from domain.ledger import Fact, Ledger
from domain.plans import Limits
from domain.totals import PeriodState
from infrastructure.store.schema import SNAPSHOTS
from tests.application.support import (
    CENT,
    Clock,
    Office,
    accepting,
    asking,
    completing,
    desk,
    looking,
    opening,
    refunding,
)
from tests.domain.examples import APRIL, HOUR, IN_MAY
from tests.infrastructure.store.histories import forge

EVERY = 10


OPERATIONS = 80


def story(office: Office) -> None:
    """Some operations held, most charged, one refunded, by two users for two projects."""
    office.do(opening(limits=Limits(images=1_000)))
    for first in range(1, OPERATIONS, 4):
        ids = [f"op-{number}" for number in range(first, first + 4)]
        changes = {"user": f"user-{first % 3}", "project": f"project-{first % 2}"}
        office.do(accepting(asking(*ids, price=first * CENT, **changes)))
        office.do(*(completing(id) for id in ids if id not in ("op-4", "op-42", "op-79")))
    office.do(refunding("op-5", 3 * CENT, "ticket-1"))


def seen(office: Office, account: str = "acme") -> tuple[Account | None, PeriodState | None, int]:
    """A copy of the ledger as the next decision finds it."""

    def look(ledger: Ledger, _now: int) -> tuple[Account | None, PeriodState | None, int]:
        return ledger.account, deepcopy(ledger.current), ledger.last

    answer: tuple[Account | None, PeriodState | None, int] = office.do(looking(account, look))[0].seen
    return answer


def snapshots(office: Office) -> list[tuple[str, int, str]]:
    with office.database.connect() as connection:
        rows = connection.execute(select(SNAPSHOTS.c.stream, SNAPSHOTS.c.version, SNAPSHOTS.c.state)).all()
    return [(row[0], row[1], row[2]) for row in rows]


@pytest.fixture
def written(database_url: str) -> str:
    """The story, with snapshots; the weight of what is open spaces them."""
    with desk(database_url, snapshot_every=EVERY) as office:
        story(office)
        assert snapshots(office), "no snapshot was taken"
    return database_url


# Snapshots


def test_a_ledger_from_a_snapshot_equals_its_replay(written: str) -> None:
    with desk(written) as restored, desk(written) as replayed:
        from_snapshot = seen(restored)
        with replayed.database.transaction() as connection:
            connection.execute(SNAPSHOTS.delete())
        assert from_snapshot == seen(replayed)
        assert restored.steps.count("after snapshot") == 1


def test_a_snapshot_spares_reading_what_is_before_it(written: str) -> None:
    with desk(written) as office:
        seen(office)
        newest = max(version for _, version, _ in snapshots(office))
        terms, facts = 1, len(office.facts()) - 1
        assert office.store.rows["entries_after"] == terms + facts - newest


def test_snapshots_come_the_more_rarely_the_more_is_open(database_url: str) -> None:
    with desk(database_url, snapshot_every=EVERY) as office:
        office.do(opening())
        for number in range(1, 101):
            office.do(accepting(asking(f"op-{number}")))
        few = len(snapshots(office))
        for number in range(1, 101):
            office.do(completing(f"op-{number}"))
        assert few < len(snapshots(office)) < 300 // EVERY


# An account that several processes decide about


def turn(office: Office, number: int) -> int:
    """Two groups of a process, the first of which writes much; how many entries it had to read before."""
    before = office.store.rows["entries_after"]
    many = [f"many-{number}-{one}" for one in range(140)]
    office.do(accepting(asking(*many)), accepting(asking(f"one-{number}", user=f"user-{number % 3}")))
    return office.store.rows["entries_after"] - before


SHORT = Limits(images=100)
"""Too few for what a turn asks for first, so that it is refused, and nothing of it stays open."""


def test_a_process_that_lost_an_account_takes_the_state_that_another_left(database_url: str) -> None:
    with desk(database_url) as one, desk(database_url, owner="desk-2") as other:
        one.do(opening(limits=SHORT))
        read = [turn(office, number) for number, office in enumerate([one, other] * 4)]
        assert read == [0, 285, 283, 3, 3, 3, 3, 3]
        assert len(snapshots(one)) == 1, "each takes the place of the one before it"
        left = seen(one)
        with one.database.transaction() as connection:
            connection.execute(SNAPSHOTS.delete())
    with desk(database_url) as replayed:
        assert left == seen(replayed)


def test_an_account_of_one_process_is_left_for_nobody(database_url: str) -> None:
    with desk(database_url) as office:
        office.do(opening(limits=SHORT))
        assert [turn(office, number) for number in range(3)] == [0, 0, 0]
        assert snapshots(office) == []


def test_a_state_that_was_left_and_is_not_what_the_log_says_is_not_taken(database_url: str) -> None:
    with desk(database_url) as one, desk(database_url, owner="desk-2") as other:
        one.do(opening(limits=SHORT))
        read = []
        for number, office in enumerate([one, other] * 3):
            for stream, version, state in snapshots(one):
                changed = forge(state, hash="A" * 43 + "=", usage={})
                this = (SNAPSHOTS.c.stream == stream) & (SNAPSHOTS.c.version == version)
                with one.database.transaction() as connection:
                    connection.execute(update(SNAPSHOTS).where(this).values(state=changed))
            read.append(turn(office, number))
        assert read == [0, 285, 283, 283, 283, 283]
        left = seen(one)
    with desk(database_url) as replayed:
        assert left == seen(replayed)


DAMAGES: dict[str, Callable[[str], str]] = {
    "of another schema": lambda state: re.sub(r'"schema":\d+', '"schema":0', state),
    "of another version": lambda state: forge(state, version=9, usage={}),
    "that is no JSON": lambda state: state[:-1],
    "whose hash is another": lambda state: forge(state, hash="A" * 43 + "=", usage={}),
    "whose digest does not fit": lambda state: state.replace('"posted":{', '"posted":{"x":1,'),
    "that is empty": lambda _state: "",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_snapshot_is_ignored_on_mismatch(written: str, damage: str) -> None:
    """Here one that also lies: everything in it says that nothing was used."""
    with desk(written) as office:
        with office.database.transaction() as connection:
            for stream, version, state in snapshots(office):
                changed = DAMAGES[damage](state)
                assert changed != state
                this = (SNAPSHOTS.c.stream == stream) & (SNAPSHOTS.c.version == version)
                connection.execute(update(SNAPSHOTS).where(this).values(state=changed))
        damaged = seen(office)
    with desk(written) as office:
        with office.database.transaction() as connection:
            connection.execute(SNAPSHOTS.delete())
        assert damaged == seen(office)


def test_a_snapshot_of_another_history_is_ignored(written: str) -> None:
    """The entry at its version has another hash than it names."""
    with desk(written) as office:
        with office.database.transaction() as connection:
            for stream, version, state in snapshots(office):
                lie = forge(state, usage={}, hash="A" * 43 + "=")
                this = (SNAPSHOTS.c.stream == stream) & (SNAPSHOTS.c.version == version)
                connection.execute(update(SNAPSHOTS).where(this).values(state=lie))
        _, current, _ = seen(office)
        assert current is not None
        assert current.usage["account"].taken("images") == OPERATIONS


# Bounds


def remembered(account: str, open: int) -> Remembered:
    current = PeriodState(APRIL, None, {}, {})
    outcome = Remembered(account, Ledger(current=current), revision=1)
    for number in range(open):
        current.open[f"{account}-{number}"] = None  # type: ignore[assignment]
    return outcome


def test_memory_holds_the_most_recently_used_up_to_a_total_weight(sqlite_url: str) -> None:
    with desk(sqlite_url) as office:
        memory = Memory(office.log.codec, capacity=100)
        for number in range(50):
            memory.keep([remembered(f"account-{number}", open=9)])
            assert len(memory) <= 10
        assert len(memory) == 10
        memory.keep([remembered("large", open=80)])
        assert len(memory) == 2
        memory.keep([remembered("larger than all", open=1_000)])
        assert len(memory) == 1


def test_who_forgets_everything_still_decides_right(database_url: str) -> None:
    """Two accounts in turn, with room for one state alone."""
    with desk(database_url, options=WriterOptions(remembered=1)) as office:
        office.do(opening("acme", Limits(images=5)), opening("beta", Limits(images=5)))
        before = office.steps.count("before entries_after")
        for number in range(7):
            office.do(*(accepting(asking(f"{account}-{number}", account=account)) for account in ("acme", "beta")))
        assert office.steps.count("before entries_after") == before + 14
        books = [seen(office, account)[1] for account in ("acme", "beta")]
        assert [current.usage["account"].held["images"] for current in books if current] == [5, 5]


def test_one_hot_account_is_read_once(database_url: str) -> None:
    with desk(database_url) as office:
        story(office)
        assert office.steps.count("before entries_after") <= 1


def test_closed_operations_are_forgotten(database_url: str) -> None:
    with desk(database_url) as office:
        office.do(opening())
        for number in range(20):
            office.do(accepting(asking(f"op-{number}")), completing(f"op-{number}"))
        [outcome] = office.do(looking())
        assert outcome.seen.evidence.found == {}
        assert outcome.seen.evidence.keys == {}
        assert outcome.seen.current.open == {}


def test_operations_of_an_ended_period_are_forgotten_and_found_again(database_url: str) -> None:
    clock = Clock()
    with desk(database_url, clock=clock) as office:
        office.do(opening(), accepting(asking("op-1")), accepting(asking("op-2")))
        clock.now = IN_MAY
        office.do(accepting(asking("op-3")))
        [outcome] = office.do(looking())
        assert set(outcome.seen.current.open) == {"op-3"}
        assert outcome.seen.evidence.found == {}
        [settled] = office.do(completing("op-1"))
        assert len(settled.facts) == 2


def test_instants_never_go_back_though_a_new_process_meets_a_clock_that_did(database_url: str) -> None:
    clock = Clock()
    with desk(database_url, clock=clock) as office:
        office.do(opening(), accepting(asking("op-1")), accepting(asking("op-2")))
        clock.now = IN_MAY
        office.do(accepting(asking("op-3")))
        clock.now = IN_MAY + HOUR
        office.do(completing("op-1"))
    clock.now = IN_MAY
    with desk(database_url, clock=clock) as office:
        [settled] = office.do(completing("op-2"))
    assert [fact.at for fact in settled.facts] == [IN_MAY + HOUR] * 2


def test_a_state_is_brought_up_to_the_locked_row_reading_only_what_is_newer(database_url: str) -> None:
    with desk(database_url) as office, desk(database_url, owner="desk-2") as other:
        story(office)
        before = office.store.rows["entries_after"]
        [accepted] = other.do(accepting(asking("op-100")))
        _, current, _ = seen(office)
        assert current is not None
        assert "op-100" in current.open
        assert office.store.rows["entries_after"] == before + len(accepted.facts)


def test_a_decision_that_was_refused_leaves_the_state_as_it_was(database_url: str) -> None:
    def wrong(ledger: Ledger, now: int) -> list[Fact]:
        raise ValueError(f"at {now}: {ledger.last}")

    with desk(database_url) as office:
        story(office)
        before = seen(office)
        with pytest.raises(ValueError, match="at "):
            office.do(Proposal("acme", wrong))
        assert seen(office) == before
