"""An agent's client starts the studio itself: real processes, the official client, one ledger that others use too."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.approvals import ApprovalGiven
from domain.keys import KeyScope, KeyTerms
from domain.operation import Charged
from infrastructure.service import Studio
from tests import patience
from tests.application.studios import PRICE, count, facts_of, is_sound, studio_on
from tests.infrastructure.agents.sessions import AUTO, LEGACY, PICTURE, PROGRAM, call, hears, on_stdio, refused, says
from tests.infrastructure.cli.test_processes import ROOT, environment

AGENT = KeyTerms((KeyScope.OPERATE,), approve_above=PRICE, approve_in_client=True)


@dataclass(frozen=True)
class Ledger:
    """A ledger in a folder, with account "acme", as its tests leave and find it."""

    home: Path

    def studio(self) -> Any:
        return studio_on("", self.home)

    async def key(self, terms: KeyTerms = AGENT, account: str = "acme") -> tuple[str, str]:
        """A new key's secret and its id."""
        async with self.studio() as studio:
            new = await studio.keys.issue(account, terms)
            return new.secret, new.key.id

    async def facts(self) -> tuple[list[Any], bool]:
        """All facts, and whether everything beside them agrees."""
        async with self.studio() as studio:
            return facts_of(studio), await is_sound(studio)


@pytest.fixture
async def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path)
    async with made.studio() as studio:
        for account in ("acme", "beta"):
            await studio.accounts.open(account, plan="pro")
    return made


async def revoke(studio: Studio, key: str) -> None:
    await studio.keys.revoke("acme", key, reason="lost")


async def test_an_agent_finds_its_way_draws_and_reads_what_it_made_until_its_key_is_revoked(ledger: Ledger) -> None:
    secret, key = await ledger.key()
    progress: list[tuple[float, str]] = []
    async with on_stdio(ledger.home, api_key=secret) as client:
        tools = {one.name: one for one in (await client.list_tools()).tools}
        assert "approve" not in tools
        assert tools["estimate"].annotations is not None
        assert (tools["estimate"].annotations.read_only_hint, tools["generate"].input_schema["required"]) == (
            True,
            ["prompt"],
        )
        assert {"kind": "text-to-image", "family": "images"}.items() <= (await call(client, "models"))["kinds"][
            0
        ].items()
        listed = await call(client, "models", kind="text-to-image")
        line = next(one for one in listed["models"] if one["model"] == "scripted-image")
        assert (line["price"], line["class"]) == ("0.04 USD/image", "test")
        shown = (await call(client, "models", model="scripted-image"))["model"]
        assert "provider" in shown
        assert "route" not in shown
        assert (await call(client, "limits"))["approve_above"]["amount"] == "0.04"
        inputs = {"inputs": {"prompt": "a lake"}, "model": "scripted-image"}
        estimate = await call(client, "estimate", **inputs)
        assert (estimate["price"]["amount"], estimate["needs_approval"]) == ("0.04", False)

        keyed = {**PICTURE, "idempotency_key": "order-1"}
        found = await client.call_tool(
            "generate", keyed, progress_callback=hears(lambda done, words: progress.append((done, words)))
        )
        made: Any = found.structured_content
        again = await call(client, "generate", **keyed)
        assert (made["status"], made["price"]["amount"], again["operation"], again["repeated"]) == (
            *("charged", "0.04", made["operation"]),
            True,
        )
        assert "cost" not in made
        assert progress[0] == (0.0, f"operation {made['operation']} is held")
        text, small, whole = found.content
        assert [text.type, small.type, whole.type] == ["text", "image", "resource_link"]
        output = made["outputs"][0]
        read: Any = (await client.read_resource(output["uri"])).contents[0]
        assert (read.mime_type, len(base64.b64decode(read.blob))) == ("image/png", output["size"])
        assert output["uri"] in [str(one.uri) for one in (await client.list_resources()).resources]
        assert [one["id"] for one in (await call(client, "operations"))["operations"]] == [made["operation"]]
        assert [one["id"] for one in (await call(client, "assets", type="image"))["assets"]] == [output["asset"]]
        assert [one["charged"] for one in (await call(client, "usage"))["usage"]] == [1]
        edited = await call(client, "edit", image=f"asset:{output['asset']}", prompt="x", model="scripted-edit")
        assert edited["status"] == "charged"
        assert (await call(client, "operation", operation=edited["operation"]))["status"] == "charged"

        async with ledger.studio() as studio:
            actors = {
                entry.link.actor for entry in studio.log.reader.read(0, 100) if entry.link.topic.endswith("requested")
            }
            assert actors == {f"key:{key}"}
            await revoke(studio, key)
        async with asyncio.timeout(patience.SECONDS):
            while not (await client.call_tool("limits", {})).is_error:
                pass  # at most a second long, as other processes hear of it
        assert (await refused(client, "generate", **PICTURE))["code"] == "unauthenticated"
    facts, sound = await ledger.facts()
    assert (count(facts, Charged), sound) == (2, True)


@pytest.mark.parametrize("mode", [AUTO, LEGACY])
async def test_the_person_before_the_client_agrees_or_does_not(ledger: Ledger, mode: str) -> None:
    secret, _ = await ledger.key()
    questions: list[str] = []
    async with on_stdio(ledger.home, mode=mode, person=says(questions, True, False), api_key=secret) as client:
        made = await call(client, "generate", **PICTURE, n=2)
        error = await refused(client, "generate", **PICTURE, n=2)
    assert (made["status"], made["price"]["amount"]) == ("charged", "0.08")
    assert (error["code"], len(questions)) == ("approval_needed", 2)
    assert "0.08 USD at most" in questions[0]
    assert "did not agree" in error["message"]
    facts, sound = await ledger.facts()
    given = [fact for fact in facts if isinstance(fact, ApprovalGiven)]
    assert ([fact.in_client for fact in given], count(facts, Charged), sound) == ([True], 1, True)


async def test_a_process_that_is_killed_in_the_middle_loses_nothing(ledger: Ledger) -> None:
    secret, _ = await ledger.key()
    pid, working = ledger.home / "pid", asyncio.Event()
    slow = {"prompt": "a lake", "model": "scripted-findable", "inputs": {"delay_ms": 2_000}, "idempotency_key": "o-1"}
    async with on_stdio(ledger.home, api_key=secret, pid=pid, lease_seconds="2") as client:
        # Before its provider has noted it, nobody could tell whether it was sent: it would be left open for its grace.
        heard = hears(lambda done, _: working.set() if done > 0 else None)
        calling = asyncio.create_task(client.call_tool("generate", slow, progress_callback=heard))
        async with asyncio.timeout(patience.SECONDS):
            await working.wait()
        os.kill(int(pid.read_text()), signal.SIGKILL)
        assert isinstance((await asyncio.gather(calling, return_exceptions=True))[0], Exception)

    async with on_stdio(ledger.home, api_key=secret, lease_seconds="2") as client:
        found = (await call(client, "operations"))["operations"]
        assert len(found) == 1
        ended = await call(client, "operation", operation=found[0]["id"], wait=60)
        again = await call(client, "generate", **slow)
        assert (ended["status"], again["operation"], again["repeated"]) == ("charged", found[0]["id"], True)
    facts, sound = await ledger.facts()
    assert (count(facts, Charged), sound) == (1, True)


async def test_the_owner_of_the_ledger_needs_no_key_and_names_the_account(ledger: Ledger) -> None:
    async with on_stdio(ledger.home, "--account", "acme", actor="operator:ann") as client:
        made = await call(client, "generate", **PICTURE, user="bob")
        assert made["cost"]["amount"]
        assert Path(made["outputs"][0]["path"]).exists()
        assert (await refused(client, "approve", quote="quote_0"))["code"] == "forbidden"
    async with ledger.studio() as studio:
        [requested] = [one for one in studio.log.reader.read(0, 100) if one.link.topic == "operation.requested"]
    assert requested.link.actor == "operator:ann"


async def test_what_is_no_message_is_passed_over_and_a_signal_ends_it(ledger: Ledger) -> None:
    env = environment(ledger.home)
    command = [sys.executable, "-c", PROGRAM, "mcp", "--account", "acme"]
    process = await asyncio.create_subprocess_exec(
        *command, env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b'garbage "a secret wish"\n{"jsonrpc": "2.0", "id": 7, "method": "ping"}\n')
    async with asyncio.timeout(patience.SECONDS):
        answer = await process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, said = await process.communicate()
    assert (b'"id":7' in answer, process.returncode) == (True, 0)
    assert b"secret wish" not in said
