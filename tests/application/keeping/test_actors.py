"""Every fact names who did it, and what an operator does says why, if they gave a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from application.asking.requests import Begun, Request
from application.ledger.reader import LogFilter
from domain.actor import Actor, ActorKind, actor
from domain.errors import IllegalTransition, InvalidInput, OperationFailed, UnknownOperation
from domain.ledger import ContentErased
from domain.money import Money
from domain.operation import Released, Submitted
from infrastructure.service import Studio
from tests.application.studios import JOBS, SYNC, database_of, facts_of, is_sound, studio_on

ANN = Actor(ActorKind.OPERATOR, "ann")
WHY = "ticket 4711"


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path, actor="operator:root") as opened:
        await opened.accounts.open("acme", plan="pro", prepaid=True)
        await opened.accounts.add_credit("acme", Money(5_000_000, "USD"), "payment-1")
        await opened.accounts.open("beta", plan="pro")
        yield opened
        assert await is_sound(opened)


def actors(studio: Studio, after: int = 0) -> list[str]:
    """Whoever appended each fact, in the order of the log."""
    return [entry.link.actor for entry in studio.log.reader.read(after, 1_000, LogFilter())]


async def generate(studio: Studio, **options: object) -> str:
    result = await studio.operations.generate("a lake", account="acme", model=SYNC, **options)  # type: ignore[arg-type]
    return result.operation


async def working(studio: Studio) -> Begun:
    """An operation whose job never ends, and is known by now, so that it can be stopped."""
    begun = await studio.operations.submit(
        Request("text-to-image", "acme", {"prompt": "x", "outcome": "never"}, model=JOBS)
    )
    wanted = LogFilter(topics=studio.log.codec.names_of(Submitted))
    async with studio.log.follow(0, wanted) as submitted:
        await anext(submitted)
    return begun


Work = Callable[[Studio, Actor | None], Awaitable[object]]

ADMINISTRATION: dict[str, Work] = {
    "opened": lambda studio, by: studio.accounts.open("gamma", by=by, reason=WHY),
    "plan": lambda studio, by: studio.accounts.change_plan("acme", "basic", by=by, reason=WHY),
    "limit": lambda studio, by: studio.accounts.change_limit("acme", "images", 7, by=by, reason=WHY),
    "zone": lambda studio, by: studio.accounts.change_time_zone("acme", "Europe/Berlin", by=by, reason=WHY),
    "consent": lambda studio, by: studio.accounts.allow("acme", "stand-in", by=by, reason=WHY),
    "suspended": lambda studio, by: studio.accounts.suspend("acme", WHY, by=by),
    "closed": lambda studio, by: studio.accounts.close("acme", WHY, by=by),
    "credit": lambda studio, by: studio.accounts.add_credit("acme", Money(5, "USD"), "payment-2", by=by, reason=WHY),
}


@pytest.mark.parametrize("work", ADMINISTRATION.values(), ids=list(ADMINISTRATION))
@pytest.mark.parametrize(("by", "named"), [(ANN, "operator:ann"), (None, "operator:root")])
async def test_what_an_operator_does_names_them_and_why(
    studio: Studio, work: Work, by: Actor | None, named: str
) -> None:
    end = studio.log.reader.end()
    await work(studio, by)
    assert set(actors(studio, end)) == {named}
    last = studio.log.reader.read(studio.log.reader.end() - 1, 1)[0].link
    assert getattr(studio.log.codec.decode(last.topic, last.state), "reason", None) == WHY


async def test_who_asks_is_the_user_or_whom_the_request_names_and_what_follows_is_the_studios(studio: Studio) -> None:
    for by, named in ((None, "user:bob"), (Actor(ActorKind.USER, "key-7"), "user:key-7")):
        end = studio.log.reader.end()
        await studio.operations.run(Request("text-to-image", "acme", {"prompt": "x"}, user="bob", model=SYNC, by=by))
        found = actors(studio, end)
        assert set(found[:3]) == {named}
        assert {one.partition(":")[0] for one in found[3:]} == {"studio"}


async def test_a_correction_names_who_made_it(studio: Studio) -> None:
    operation = await generate(studio)
    end = studio.log.reader.end()
    await studio.upkeep.refund(operation, account="acme", reason="blurred", reference="r-1", by=ANN)
    assert set(actors(studio, end)) == {"operator:ann"}


async def test_a_cancelled_operation_says_by_whom_and_why(studio: Studio) -> None:
    begun = await working(studio)
    await studio.operations.cancel(begun.operation, account="acme", by=ANN, reason=WHY)
    released = [fact for fact in facts_of(studio) if isinstance(fact, Released)]
    assert [fact.why for fact in released] == [WHY]
    assert "operator:ann" in actors(studio)
    with pytest.raises(OperationFailed):
        await studio.operations.wait(begun.operation, account="acme")


async def test_erasing_is_a_fact_of_each_operation_once_however_often_it_is_asked(studio: Studio) -> None:
    result = await studio.operations.generate("a lake", account="acme", model=SYNC, n=6)
    end = studio.log.reader.end()
    for _ in range(2):
        await studio.upkeep.erase(result.operation, account="acme", by=ANN, reason=WHY)
    erased = [fact for fact in facts_of(studio) if isinstance(fact, ContentErased)]
    assert {fact.operation_id for fact in erased} == {one.operation for one in result.operations}
    assert len(erased) == len(result.operations)
    assert {fact.reason for fact in erased} == {WHY}
    assert set(actors(studio, end)) == {"operator:ann"}


async def test_what_is_open_is_not_erased(studio: Studio) -> None:
    begun = await working(studio)
    with pytest.raises(IllegalTransition, match="still open"):
        await studio.upkeep.erase(begun.operation, account="acme")
    await studio.operations.cancel(begun.operation, account="acme")


OF_AN_OPERATION: dict[str, Callable[[Studio, str, str], Awaitable[object]]] = {
    "wait": lambda studio, one, account: studio.operations.wait(one, account=account),
    "cancel": lambda studio, one, account: studio.operations.cancel(one, account=account),
    "erase": lambda studio, one, account: studio.upkeep.erase(one, account=account),
    "refund": lambda studio, one, account: studio.upkeep.refund(one, account=account, reason="x", reference="x"),
    "adjust": lambda studio, one, account: studio.upkeep.adjust(
        one, account=account, price=Money(-1, "USD"), reason="x", reference="x"
    ),
}


@pytest.mark.parametrize("use", OF_AN_OPERATION.values(), ids=list(OF_AN_OPERATION))
async def test_another_accounts_operation_is_not_found_and_nothing_is_recorded(
    studio: Studio, use: Callable[[Studio, str, str], Awaitable[object]]
) -> None:
    operation = await generate(studio)
    end = studio.log.reader.end()
    with pytest.raises(UnknownOperation) as theirs:
        await use(studio, operation, "beta")
    with pytest.raises(UnknownOperation) as nobodys:
        await use(studio, "no-such", "beta")
    assert str(theirs.value).replace(operation, "no-such") == str(nobodys.value), "whether it exists is not told"
    assert studio.log.reader.end() == end


@pytest.mark.parametrize("reason", ["two\nlines", "x" * 201, " "])
async def test_a_reason_that_cannot_be_recorded_is_refused_before_anything_is(studio: Studio, reason: str) -> None:
    end = studio.log.reader.end()
    with pytest.raises(InvalidInput, match="reason"):
        await studio.accounts.change_plan("acme", "basic", reason=reason)
    assert studio.log.reader.end() == end


@pytest.mark.parametrize("text", ["", "ann", "boss:ann", "operator:", "operator:a b", "operator:" + "x" * 201])
def test_a_text_that_does_not_say_who_acts_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="actor"):
        actor(text)


def test_an_actor_comes_back_from_its_text() -> None:
    assert actor(str(ANN)) == ANN
    assert str(actor("user:a:b")) == "user:a:b"


async def test_a_changed_actor_is_found_by_the_chain(studio: Studio, tmp_path: Path) -> None:
    from sqlalchemy import text

    await generate(studio)
    with database_of(studio).transaction() as connection:
        for statement in (
            "DROP TRIGGER IF EXISTS log_no_update",
            "UPDATE log SET actor = 'operator:eve' WHERE position = 1",
        ):
            if database_of(studio).is_sqlite:
                connection.execute(text(statement))
        if not database_of(studio).is_sqlite:
            connection.execute(text("ALTER TABLE log DISABLE TRIGGER USER"))
            connection.execute(text("UPDATE log SET actor = 'operator:eve' WHERE position = 1"))
    assert [problem.position for problem in studio.audit.verify()][:1] == [1]
    with database_of(studio).transaction() as connection:
        if database_of(studio).is_sqlite:
            connection.execute(text("UPDATE log SET actor = 'operator:root' WHERE position = 1"))
        else:
            connection.execute(text("UPDATE log SET actor = 'operator:root' WHERE position = 1"))
            connection.execute(text("ALTER TABLE log ENABLE TRIGGER USER"))
    assert not [*studio.audit.verify()]
