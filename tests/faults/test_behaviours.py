"""No sequence of what a provider may do, and of deaths and recoveries between, sends or charges anything twice."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.behaviours import DAY, DEATHS, Play, playing
from tests.faults.worlds import World
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import serving

Scene = Callable[[Play], Coroutine[Any, Any, None]]
Act = Callable[..., Coroutine[Any, Any, None]]

PROCESSES = st.integers(0, 1)
ANY = st.integers(0, 20)
ENDINGS = st.sampled_from(["completed", "completed", "succeeded", "failed", "cancelled", "timeout", "never"])
SUBMISSIONS = st.builds(
    Behaviour,
    status=st.sampled_from([200, 200, 200, 200, 400, 402, 408, 429, 500, 503]),
    accepted=st.sampled_from([None, None, True, False]),
    delay=st.sampled_from([0.0, 0.002]),
    lost=st.sampled_from(["", "", "", "drop", "truncate"]),
    filtered=st.sampled_from(["", "", "", "refused", "result"]),
    bare=st.booleans(),
    polls=st.integers(0, 3),
    poll_failures=st.lists(st.sampled_from([429, 500, 503]), max_size=3).map(tuple),
    ending=ENDINGS,
    outputs=st.sampled_from([None, None, 0, 2]),
    files=st.sampled_from(["fine", "fine", "fine", "missing", "empty", "not media", "damaged", "truncated"]),
    file_failures=st.lists(st.sampled_from([429, 503]), max_size=2).map(tuple),
    bill=st.sampled_from([None, None, "0.09", "0", "nothing", "unreadable"]),
    webhooks=st.just(()),
)
CHANGES = st.builds(Behaviour, ending=ENDINGS, bill=st.sampled_from([None, "0.2"]), webhooks=st.just(()))
STORMS = st.builds(
    Behaviour, status=st.sampled_from([200, 401, 404, 429, 503]), lost=st.sampled_from(["drop", "truncate"])
)
WAITS = st.sampled_from([0, 90, 1_000, 6 * 3_600, DAY, 3 * DAY, 8 * DAY])
KINDS = st.sampled_from(["signed", "signed", "processing", "forged", "tampered", "stale"])


def scene(
    act: Callable[..., Coroutine[Any, Any, None]], *arguments: st.SearchStrategy[Any]
) -> st.SearchStrategy[Scene]:
    """The act with such arguments, written down as hypothesis shows it."""
    return st.tuples(*arguments).map(lambda given: partial(played, act, given))


def played(
    act: Callable[..., Coroutine[Any, Any, None]], given: tuple[Any, ...], play: Play
) -> Coroutine[Any, Any, None]:
    return act(play, *given)


async def storm(play: Play, name: str, behaviour: Behaviour, times: int) -> None:
    play.fake.next(f"wavespeed.{name}", behaviour, times=times)


ASKED = scene(
    Play.ask, PROCESSES, st.lists(SUBMISSIONS, max_size=3), st.integers(1, 3), st.sampled_from(["", "", "", *DEATHS])
)
SCENES = st.one_of(
    ASKED,
    scene(Play.begin, PROCESSES, SUBMISSIONS),
    scene(Play.go_on),
    scene(Play.recover, PROCESSES, WAITS),
    scene(Play.call_back, PROCESSES, ANY, KINDS),
    scene(Play.change, ANY, CHANGES),
    scene(Play.cancel, PROCESSES, ANY),
    scene(Play.reconcile, PROCESSES),
    scene(storm, st.sampled_from(["polls", "predictions", "billings"]), STORMS, st.integers(1, 20)),
)


@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(opening=ASKED, scenes=st.lists(SCENES, min_size=2, max_size=8))
def test_nothing_is_sent_or_charged_twice_whatever_happens(
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    opening: Scene,
    scenes: list[Scene],
) -> None:
    home = tmp_path_factory.mktemp("play")
    shutil.copyfile(sqlite_template, home / "studio.db")
    with serving(home / "fake") as fake:
        world = World(fake, f"sqlite:///{home / 'studio.db'}", home, pauses=(0.0,))
        asyncio.run(performed(world, [opening, *scenes]))


async def performed(world: World, scenes: list[Scene]) -> None:
    async with playing(world) as play:
        for act in scenes:
            await act(play)
            await play.check()
        await play.end()
