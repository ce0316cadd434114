"""Simulated worlds: the same seed is the same world, fresh ones keep every promise, and what is broken is found."""

from __future__ import annotations

import gc
import itertools
import os
import secrets
import subprocess
import sys
from time import monotonic

import pytest

from infrastructure.simulation import SEEDS, simulate
from infrastructure.simulation.forging import FORGERIES
from infrastructure.simulation.loop import Ended
from infrastructure.simulation.processes import Tampering
from infrastructure.simulation.world import World, live_world
from tests.infrastructure.cli.workspaces import call
from tests.infrastructure.simulation.mutants import (
    altered,
    boastful,
    careless,
    charging_more,
    forgetful,
    giving_more,
    keeping_holds,
    losing_its_way,
    revoking_more,
    skipping,
    sparing_grants,
)

SECONDS = 20
"""Of fresh seeds in each run of the tests."""
SMALL = 40
ENOUGH = 150
"""Operations in which each of what is broken here is found."""


def worlds() -> list[World]:
    """All that are there: what a first collection finalises, such as an unfinished coroutine, goes with a second."""
    gc.collect()
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, World)]


def test_every_promise_is_kept_in_worlds_of_fresh_seeds() -> None:
    before, until = worlds(), monotonic() + SECONDS
    while monotonic() < until:
        seed = secrets.randbelow(SEEDS)
        found = simulate(seed, SMALL)
        again = f"imagestudio simulate-faults --seed {seed} --operations {SMALL}"
        assert found.broken is None, f"{found.broken}; again: {again}"
    assert not [world for world in worlds() if world not in before], "what was lived has to go"


def test_the_same_seed_gives_the_same_log_whatever_the_order_of_sets() -> None:
    here = simulate(11, SMALL)
    code = f"from infrastructure.simulation import simulate; print(simulate(11, {SMALL}).last.digest)"
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    there = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here.last.digest
    assert simulate(12, SMALL).last.digest != here.last.digest


def test_it_ends_amid_a_world_once_nobody_waits_for_it() -> None:
    asked = itertools.count()
    with pytest.raises(Ended):
        simulate(12, SMALL, ended=lambda: next(asked) > 1_000)


def test_faults_of_all_parts_come() -> None:
    seen = " ".join(simulate(22, 200).faults)
    for fault in ("kill", "stop", "leap", "set_clock", "storm", "fsync failed", "disk is full", "locked", "refund"):
        assert fault in seen
    for money in ("grant", "revoke", "take_back", "change_plan", "change_zone", "erase_user"):
        assert money in seen


@pytest.mark.parametrize(
    ("tampering", "promise"),
    [
        (Tampering(store=forgetful), "I7"),
        (Tampering(provider=careless), "I7"),
        (Tampering(provider=boastful), "I7"),
        (Tampering(parts=skipping), "I6"),
        (altered(keeping_holds), "I4"),
        (altered(charging_more), "I4"),
        (altered(giving_more), "F11"),
        (altered(revoking_more), "W4"),
        (altered(sparing_grants), "W1"),
        (altered(losing_its_way), "nobody reckoned with LookupError: a rate that is nowhere"),
    ],
    ids=[
        "a store that answers too early",
        "a submission made twice",
        "a blind repeat",
        "a projector that skips",
        "a hold kept",
        "a charge above its hold",
        "a refund above its charge",
        "more revoked than is left",
        "grants that do not pay",
        "an error that nobody expects",
    ],
)
def test_a_broken_part_is_found(tampering: Tampering, promise: str) -> None:
    found = simulate(31, ENOUGH, tampering=tampering)
    assert (found.broken or "").startswith(promise)


def test_the_audit_finds_every_row_that_is_forged_and_nothing_where_nothing_is() -> None:
    assert live_world(51, 2 * SMALL, forgeries=FORGERIES).broken is None
    told = live_world(51, SMALL, forgeries={"nothing": lambda _base, _chance: True}).broken
    assert told == "I8: the audit does not find nothing"


def test_the_command_names_the_seed_of_what_it_found() -> None:
    told = call("simulate-faults", "--seed", "41", "--operations", "20", "--json").document
    assert (told["seed"], told["broken"], told["worlds"]) == (41, None, 1)
    assert told["digest"] == simulate(41, 20).last.digest
