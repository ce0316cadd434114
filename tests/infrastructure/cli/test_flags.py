"""What is out of the ordinary about an operation: found by its flag, and told in its story."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.ports import Recovery
from domain.bounds import Meter
from domain.operation import ProviderCompleted, Stored, Validated
from domain.pricing import Quote
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.showing.stories import in_words
from tests.application.studios import later, studio_on
from tests.domain.examples import NOON, OPERATION, QUOTE
from tests.infrastructure.cli.workspaces import Workspace, call

JOBS = ("generate", "x", "-m", "scripted-findable")


def flagged(flag: str) -> list[str]:
    return [row["id"] for row in call("operations", "--flag", flag, "--json").document["operations"]]


def test_what_cost_more_than_its_price_is_found_and_shown(workspace: Workspace) -> None:
    dear = call(*JOBS, "-i", "cost=0.07", "--json").document["operation"]
    assert flagged("overbilled") == [dear, workspace.ids["spoilt"]]
    assert (flagged("late"), flagged("lost")) == ([], [])
    [line] = [line for line in call("operations").out.splitlines() if dear in line]
    assert "overbilled" in line
    rows = call("operations", "--json").document["operations"]
    assert {row["id"]: row["flags"] for row in rows}[workspace.ids["lake"]] == ["stand-in"]


def test_what_only_stood_in_for_a_model_is_found_and_so_is_what_was_a_test(workspace: Workspace) -> None:
    assert workspace.ids["lake"] in flagged("stand-in")
    assert flagged("test") == [workspace.ids["spoilt"]]


def test_a_refund_makes_no_cost_exceed_its_price(workspace: Workspace) -> None:
    done = call(*JOBS, "--json").document["operation"]
    assert call("refund", done).code == 0
    assert done not in flagged("overbilled")


def test_where_nothing_is_flagged_there_is_no_column_of_flags(workspace: Workspace) -> None:
    assert "FLAGS" in call("operations").out
    assert call("upscale", workspace.picture(), "--user", "zoe").code == 0
    assert "FLAGS" not in call("operations", "--user", "zoe").out


def test_an_operation_whose_output_was_gone_is_found(workspace: Workspace) -> None:
    assert flagged("lost") == []
    with closing(sqlite3.connect(workspace.database, isolation_level=None)) as other:
        other.execute("UPDATE operation_log SET lost = 1 WHERE id = ?", [workspace.ids["lake"]])
    assert flagged("lost") == [workspace.ids["lake"]]
    assert "lost" in call("operations", "--flag", "lost").out


OTHERWISE = """
currency = "USD"

[[model]]
id = "sized"
provider = "scripted"
class = "test"
route = "image"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
prices = [{ rate = "0.02" }]
inputs.prompt = { type = "text", required = true }
inputs.width = { type = "integer", default = 1024 }
inputs.height = { type = "integer", default = 768 }
"""


UNEQUAL = """
currency = "USD"

[[model]]
id = "counted"
provider = "scripted"
class = "test"
route = "image"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "call"
per_call = 2
inputs.prompt = { type = "text", required = true }

[[model.prices]]
meters.tokens = { rate = "0.001", most = 10, per = "output" }
"""


@pytest.mark.parametrize(("n", "rate", "words"), [(4, "0.02", "0.02 USD per call"), (3, None, "another for each call")])
def test_the_rate_of_one_call_is_not_told_as_that_of_all(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int, rate: str | None, words: str
) -> None:
    (tmp_path / "counted.toml").write_text(UNEQUAL)
    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", str(tmp_path / "counted.toml"))
    asked = ("estimate", "text-to-image", "-i", "prompt=a lake", "-m", "counted", "-a", "acme", "-n", str(n))
    found = call(*asked, "--json").document
    assert (found["rate"], found["price"]["micros"], found["operations"]) == (rate, n * 10_000, 2)
    assert words in " ".join(call(*asked).out.split())


def test_what_is_of_another_size_than_asked_is_said_at_once_and_found_later(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert flagged("unlike") == []
    (tmp_path / "sized.toml").write_text(OTHERWISE)
    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", str(tmp_path / "sized.toml"))
    done = call("generate", "a lake", "-m", "sized", "-a", "acme", "--json").document
    assert (done["unlike"], done["price"]["micros"]) == (1, 20_000)
    assert flagged("unlike") == [done["operation"]]
    told = " ".join(call("operation", done["operation"]).out.split())
    assert "1 output of another size or length than asked" in told
    shown = call("generate", "a lake", "-m", "sized", "-a", "acme").out
    assert "1 output of another size or length than asked" in " ".join(shown.split())


def test_a_late_delivery_is_found_once_its_bill_was_read(workspace: Workspace) -> None:
    """Nobody could ask its provider until the hold was released; then came its bill."""
    late = call(*JOBS, "-i", "outcome=timeout", "-i", "cost=0.03", "--json").error["operation"]
    assert asyncio.run(given_up(workspace)) == ["released"]
    assert call("reconcile", "scripted").code == 1
    assert flagged("late") == []
    assert call("reconcile", "scripted", "--correct").code == 0
    assert flagged("late") == flagged("overbilled")[:1] == [late]
    assert "late, after its release: image/png" in " ".join(call("operation", late).out.split())
    assert call("account", "show", "--json").document["used"]["spend"]["amount"] == "0.03"
    assert call("audit").code == 0


async def given_up(workspace: Workspace) -> list[str]:
    """What recovery makes of it much later, where the provider has nothing to say."""
    mute = ScriptedProvider(workspace.home / "scripted", recovery=Recovery.BLIND)
    url = f"sqlite:///{workspace.database}"
    async with studio_on(url, workspace.home, clock=later(), providers={"scripted": mute}) as studio:
        return [one.phase for one in await studio.upkeep.recover()]


ONE_CALL = replace(QUOTE, unit="call", units=Decimal(1), rate=Decimal("0.10"), price=100_000, cost=100_000, outputs=1)
METERS = (
    Meter("text_input", Decimal("0.000005"), Decimal("0.000004"), 2_000),
    Meter("image_output", Decimal("0.00003"), Decimal("0.00002"), 3_000),
)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (ONE_CALL, "held for 1 call at 0.1 USD"),
        (replace(ONE_CALL, rate=None), "held for a price unknown, capped"),
        (replace(ONE_CALL, rate=Decimal("0.0000001")), "held for 1 call at 0.0000001 USD"),
        (
            replace(ONE_CALL, meters=METERS),
            "held for 1 call at 0.1 USD at most, settled on text_input at 0.000005 and image_output at 0.00003",
        ),
        (
            replace(ONE_CALL, listed=120_000),
            "held for 1 call at 0.1 USD; the provider quotes 0.10 USD, the price book says 0.12 USD",
        ),
    ],
)
def test_a_hold_tells_how_it_was_reckoned(held: Quote, words: str) -> None:
    assert in_words(Validated(OPERATION, NOON, held)).words == words


PICTURE = Stored("0123456789abcdef" * 4, "image/png", 2_000, 64, 48)


@pytest.mark.parametrize(
    ("completed", "words"),
    [
        ({"assets": (PICTURE,)}, "image/png 64×48, 2\u00a0kB, 0123456789ab…"),
        ({"lost": 1}, "no file; 1 output lost, gone before it could be fetched"),
        (
            {"lost": 2, "late": True},
            "late, after its release: no file; 2 outputs lost, gone before it could be fetched",
        ),
        (
            {"usage": {"text_input": 12, "image_output": 1_056}, "cost": 33_000},
            "no file; counted 12 text_input and 1,056 image_output; 0.033 billed by the provider",
        ),
    ],
)
def test_a_completion_tells_what_came_and_what_did_not(completed: dict[str, Any], words: str) -> None:
    usual = {"assets": (), "cost": None, "late": False}
    assert in_words(ProviderCompleted(OPERATION, NOON, **{**usual, **completed})).words == words
