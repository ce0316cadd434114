"""One writer a process: many callers' decisions, one transaction; each is answered after the commit that holds it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from application.ledger.group import Proposal, Receipt
from application.ledger.log import Link
from application.ledger.transaction import JobRow
from application.ledger.writer import WriterOptions
from domain import settlement
from domain.errors import IllegalTransition
from domain.ledger import Fact, Ledger
from domain.operation import Charged, Operation, Rejected, Requested, Submitted, Validated
from domain.plans import Limits
from tests.application.support import (
    CENT,
    PATIENCE,
    Clock,
    Gate,
    Office,
    accepting,
    asking,
    completing,
    desk,
    in_one_group,
    opening,
)

MANY = [f"op-{number}" for number in range(1, 41)]


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    with desk(database_url) as opened:
        yield opened


async def test_what_many_callers_ask_meanwhile_is_committed_in_one_transaction(office: Office) -> None:
    office.do(opening())
    before = office.steps.commits
    answers = await in_one_group(office.writer, [accepting(asking(id)) for id in MANY])
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert office.steps.commits == before + 1
    assert [fact.operation.id for fact in office.facts() if isinstance(fact, Requested)] == MANY


async def test_many_accounts_share_a_transaction_as_one_hot_account_does(office: Office) -> None:
    accounts = [f"account-{number}" for number in range(20)]
    await in_one_group(office.writer, [opening(account) for account in accounts])
    before = office.steps.commits
    await in_one_group(office.writer, [accepting(asking(f"op-{one}", account=one)) for one in accounts])
    assert office.steps.commits == before + 1


async def test_a_job_that_two_accounts_take_in_one_group_is_the_first_one_s(office: Office) -> None:
    """The rule sees what the group has decided so far: the database would refuse the row again and again."""
    office.do(opening("acme"), opening("beta"))
    asked = [accepting(asking(f"op-{account}", account=account)) for account in ("acme", "beta")]
    first, second = [state for one in office.do(*asked) for state in one.states.values()]
    taken, refused = await in_one_group(office.writer, [taking(first.operation), taking(second.operation)])
    assert isinstance(taken, Receipt)
    assert isinstance(refused, IllegalTransition)
    [submitted] = [fact for fact in office.facts() if isinstance(fact, Submitted)]
    assert (submitted.operation.id, submitted.job) == ("op-acme", "job-1")


def taking(operation: Operation) -> Proposal:
    """The job that both of them found."""

    def submit(ledger: Ledger, now: int) -> list[Fact]:
        return settlement.record_job(ledger, operation.id, "job-1", now)

    row = JobRow(operation.provider, "job-1", operation.id)
    return Proposal(operation.account, submit, operations=(operation.id,), job=row)


async def test_a_group_is_bounded(database_url: str) -> None:
    with desk(database_url, options=WriterOptions(group=10)) as small:
        small.do(opening())
        before = small.steps.commits
        await in_one_group(small.writer, [accepting(asking(id)) for id in MANY])
        assert small.steps.commits == before + len(MANY) // 10


async def test_decisions_of_one_group_see_each_other_in_the_order_in_which_they_came(office: Office) -> None:
    office.do(opening(limits=Limits(images=3)))
    answers = await in_one_group(office.writer, [accepting(asking(id)) for id in MANY[:5]])
    kinds = [type(answer.facts[-2]) for answer in answers if isinstance(answer, Receipt) and len(answer.facts) > 2]
    last = [answer.facts[-1] for answer in answers if isinstance(answer, Receipt)]
    assert len(kinds) == 3
    assert [isinstance(fact, Rejected) for fact in last] == [False, False, False, True, True]


async def test_an_answer_is_given_only_after_the_commit(office: Office) -> None:
    office.do(opening())
    committing, allowed = threading.Event(), threading.Event()

    def pause() -> None:
        committing.set()
        assert allowed.wait(PATIENCE)

    office.steps.plan("before commit", pause)
    future = office.writer.put(accepting(asking("op-1")))
    assert await asyncio.to_thread(committing.wait, 20)
    assert not future.done()
    allowed.set()
    await future
    assert Requested in {type(fact) for fact in office.facts()}


def test_threads_and_event_loops_share_one_writer(office: Office) -> None:
    office.do(opening())

    async def several(names: list[str]) -> None:
        await asyncio.gather(*(office.writer.put(accepting(asking(name))) for name in names))

    with ThreadPoolExecutor(4) as pool:
        loops = [pool.submit(asyncio.run, several([f"loop-{n}-{id}" for id in MANY])) for n in range(2)]
        threads = [pool.submit(office.do, *(accepting(asking(f"thread-{n}-{id}")) for id in MANY)) for n in range(2)]
        assert [waiting.result() for waiting in loops] == [None, None]
        assert [len(waiting.result()) for waiting in threads] == [len(MANY)] * 2
    assert sum(isinstance(fact, Validated) for fact in office.facts()) == 4 * len(MANY)


def test_a_loop_that_is_gone_hurts_nobody(office: Office) -> None:
    """Its caller was in the middle of waiting when the loop was closed."""
    office.do(opening())
    gate = Gate()

    async def leave() -> None:
        office.writer.put(gate.proposal)
        office.writer.put(accepting(asking("op-1")))
        assert await asyncio.to_thread(gate.entered.wait, 20)

    asyncio.run(leave())
    gate.open()
    office.do(accepting(asking("op-2")))
    assert [fact.operation.id for fact in office.facts() if isinstance(fact, Requested)] == ["op-1", "op-2"]


async def test_a_cancelled_caller_never_cancels_a_queued_decision(office: Office) -> None:
    office.do(opening())
    gate = Gate()
    busy = office.writer.put(gate.proposal)
    assert await asyncio.to_thread(gate.entered.wait, 20)
    caller = asyncio.ensure_future(office.writer.put(accepting(asking("op-1"))))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    gate.open()
    await busy
    outcome = await office.writer.put(completing("op-1"))
    assert Charged in {type(fact) for fact in outcome.facts}


def test_an_operation_is_two_appends_and_an_asynchronous_one_three(office: Office) -> None:
    """Asynchronous ones record a job id in between; here the two: accept, settle."""
    office.do(opening())
    before = office.steps.commits
    accepted, settled = office.do(accepting(asking("op-1")), completing("op-1"))
    assert office.steps.commits == before + 2
    assert len(accepted.facts) == 4  # with PeriodOpened, in the transaction of the period's first fact
    assert len(settled.facts) == 2


def test_a_decision_that_records_nothing_commits_nothing(office: Office) -> None:
    office.do(opening())
    before = office.steps.commits
    assert office.do(opening())[0].facts == ()
    assert office.steps.commits == before


def test_followers_are_woken_after_each_commit_that_appended_facts(office: Office) -> None:
    told: list[tuple[int | None, list[Link], int]] = []
    office.writer.after_commit = lambda position, links: told.append((position, list(links), office.reader.end()))
    office.do(opening(), opening(), accepting(asking("op-1")))
    ends = [end for _, _, end in told]
    assert ends[0] >= 1
    assert ends[1:] == [office.reader.end()]
    assert [link for _, links, _ in told for link in links] == [entry.link for entry in office.reader.read(0, 100)]
    assert all(position in (None, end) for position, _, end in told)


def test_instants_in_the_log_never_go_back_though_the_clock_does(database_url: str) -> None:
    clock = Clock()
    with desk(database_url, clock=clock) as office:
        office.do(opening(), accepting(asking("op-1")))
        clock.now -= 3_600_000_000
        office.do(completing("op-1"), accepting(asking("op-2")))
        clock.now += 7_200_000_000
        office.do(accepting(asking("op-3")))
        instants = [fact.at for fact in office.facts()]
    assert instants == sorted(instants)
    assert instants[-1] > instants[0]


async def test_one_price_is_held_once_however_many_ask_under_one_key_in_one_group(office: Office) -> None:
    office.do(opening(limits=Limits(spend=100 * CENT)))
    same = [accepting(asking(id, key="key-1", fingerprint="same")) for id in MANY]
    answers = await in_one_group(office.writer, same)
    references = {answer.known.reference for answer in answers if isinstance(answer, Receipt) and answer.known}
    assert references == {MANY[0]}
    assert sum(isinstance(fact, Validated) for fact in office.facts()) == 1
