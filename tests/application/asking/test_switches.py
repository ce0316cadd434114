"""A provider that is switched off is sent nothing anew; what it was sent is still looked up, stopped and settled."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from application.ports import Delivery, Job, Progress, Provider, ProviderUnknown, Recovery, Task
from domain.errors import InvalidInput, OperationPending, UnknownModel
from domain.operation import Charged, Dispatched, Released
from infrastructure.bootstrap import open_studio
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.registry import switched_off
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.working import working
from tests.application.studios import (
    BLIND,
    JOBS,
    LOCAL,
    PRICE,
    SMALL,
    SYNC,
    count,
    facts_of,
    is_sound,
    later,
    studio_on,
    submissions,
)

OFF: dict[str, Any] = {"scripted_enabled": False, "blind_enabled": False, "local_enabled": False}


async def left_open(studio: Studio, model: str, **inputs: Any) -> str:
    with pytest.raises(OperationPending) as left:
        await studio.operations.run(Request("text-to-image", "acme", {"prompt": "a lake", **inputs}, model=model))
    return left.value.operation


class Deaf(ScriptedProvider):
    """This machine, whose answer is lost."""

    def __init__(self, home: Path) -> None:
        super().__init__(home / "deaf", name="local", recovery=Recovery.REPEATABLE)

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        raise ProviderUnknown("connection_lost", "the answer never came")


async def test_scripts_are_off_until_they_are_switched_on_and_say_how(sqlite_url: str, tmp_path: Path) -> None:
    async with open_studio(Settings(home=tmp_path, database_url=sqlite_url), serve=False) as studio:
        await studio.accounts.open("acme", plan="pro")
        for model, name in ((SYNC, "SCRIPTED"), (BLIND, "BLIND")):
            with pytest.raises(UnknownModel) as refused:
                await studio.operations.generate("a lake", account="acme", model=model)
            assert re.search(f"switched off; .* IMAGESTUDIO_{name}_ENABLED=true", refused.value.hint)
        assert (
            await studio.operations.generate("a lake", account="acme", model=LOCAL, width=64, height=64)
        ).status == "charged"


async def test_whatever_is_switched_off_is_neither_named_nor_chosen(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path, **OFF) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(UnknownModel, match="its provider is not ready") as named:
            await studio.operations.generate("a lake", account="acme", model=LOCAL)
        assert "'local' is switched off" in named.value.hint
        with pytest.raises(UnknownModel) as refused:
            await studio.operations.generate("a lake", account="acme", allow="stand-in")
        assert "IMAGESTUDIO_LOCAL_ENABLED=true" in refused.value.hint
        assert facts_of(studio, "acme") == []


async def test_what_was_sent_before_is_looked_up_and_charged(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = await left_open(studio, JOBS, outcome="timeout")
    async with studio_on(database_url, tmp_path, clock=later(), **OFF) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged"]
        assert (await studio.operations.wait(operation, account="acme")).price.micros == PRICE
        assert len(submissions(tmp_path)) == 1
        assert await is_sound(studio)


async def test_a_job_is_stopped_at_a_provider_that_is_off(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = await left_open(studio, JOBS, outcome="never")
    async with studio_on(sqlite_url, tmp_path, **OFF) as studio:
        assert (await studio.operations.cancel(operation, account="acme")).status == "released"


async def test_what_would_be_run_again_is_not_and_is_released_after_its_grace(sqlite_url: str, tmp_path: Path) -> None:
    deaf: dict[str, Provider] = {"local": Deaf(tmp_path)}
    async with studio_on(sqlite_url, tmp_path, providers=deaf) as studio:
        await studio.accounts.open("acme", plan="pro")
        await left_open(studio, LOCAL, **SMALL)
    async with studio_on(sqlite_url, tmp_path, clock=later(), **OFF) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["released"]
        facts = facts_of(studio, "acme")
        assert (count(facts, Dispatched), count(facts, Charged), count(facts, Released)) == (1, 0, 1)


async def test_what_was_held_and_never_sent_is_released_and_not_sent(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        request = Request("text-to-image", "acme", {"prompt": "a lake"}, model=SYNC)
        await studio.operations.submit(request, queued=True)
    async with studio_on(database_url, tmp_path, clock=later(), **OFF) as studio:
        assert await studio.upkeep.recover() == []  # it waits in the queue for whoever takes its turn
        async with working(studio) as worker:
            await worker.until_idle()
        facts = facts_of(studio, "acme")
        assert (count(facts, Dispatched), count(facts, Released)) == (0, 1)
        assert [fact.reason for fact in facts if isinstance(fact, Released)] == ["switched_off"]
        assert (await studio.accounts.show("acme")).held["spend"] == 0
        assert not submissions(tmp_path)
        assert await is_sound(studio)


@pytest.mark.parametrize(("said", "off"), [("false", True), ("0", True), ("off", True), ("true", False), ("1", False)])
def test_a_provider_from_elsewhere_has_the_same_switch(
    monkeypatch: pytest.MonkeyPatch, said: str, *, off: bool
) -> None:
    monkeypatch.setenv("IMAGESTUDIO_MY_ATELIER_ENABLED", said)
    found = switched_off(Settings(), ["my-atelier", "another"])
    assert set(found) == ({"my-atelier"} if off else set())
    assert not off or "IMAGESTUDIO_MY_ATELIER_ENABLED=true" in found["my-atelier"]


def test_a_switch_that_says_neither_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_ATELIER_ENABLED", "perhaps")
    with pytest.raises(InvalidInput, match="IMAGESTUDIO_ATELIER_ENABLED: 'perhaps' is neither true nor false"):
        switched_off(Settings(), ["atelier"])
