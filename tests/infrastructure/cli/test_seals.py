"""Seals at the command line: kept in a file, held against the log, and checked where there is no ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.cli.workspaces import SMALL, Workspace, call, filled

FORGED = "00" * 32


@pytest.fixture
def outside(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the workspace's seals are kept."""
    assert workspace.database.exists()
    file = tmp_path / "outside" / "seals"
    monkeypatch.setenv("IMAGESTUDIO_SEAL_FILE", str(file))
    return file


def public() -> str:
    [key] = call("seals", "keys", "--json").document["keys"]
    return str(key)


def test_kept_seals_are_verified_where_there_is_no_ledger(
    outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("seals", "keep").code == 0
    assert call("generate", "a heron", *SMALL).code == 0
    kept = call("seals", "keep", "--json").document
    key = public()
    monkeypatch.setenv("IMAGESTUDIO_HOME", str(tmp_path / "nothing-here"))
    monkeypatch.delenv("IMAGESTUDIO_SEAL_FILE")
    found = call("seals", "verify", str(outside), "--public", key)
    assert (found.code, f"position {kept['position']}" in found.out) == (0, True)
    outside.write_text(outside.read_text().replace(kept["root"], FORGED))
    broken = call("seals", "verify", str(outside), "--public", key, "--json")
    assert (broken.code, broken.error["code"]) == (6, "seal_broken")
    assert not (tmp_path / "nothing-here").exists()


def test_a_proof_says_which_streams_of_an_account_were_sealed(outside: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    proof.write_text(call("seals", "prove").out)
    found = call("seals", "verify", str(proof), "--public", public(), "--json").document
    assert found["holds"]
    assert all(":acme" in stream for stream in found["streams"])
    document = json.loads(proof.read_text())
    document["proofs"][0]["hash"] = FORGED
    proof.write_text(json.dumps(document))
    broken = call("seals", "verify", str(proof), "--public", public(), "--json")
    assert (broken.code, broken.error["code"]) == (6, "seal_broken")
    assert "is not in the seal" in broken.error["message"]
    assert outside.exists()


def test_the_audit_holds_the_log_against_every_kept_seal(outside: Path) -> None:
    assert call("seals", "keep").code == 0
    assert call("generate", "a heron", *SMALL).code == 0
    kept = call("seals", "keep", "--json").document
    assert call("audit").code == 0
    outside.write_text(outside.read_text().replace(kept["root"], FORGED))
    done = call("audit", "--json")
    assert done.code == 1
    assert any("was sealed as" in problem and "up to position" in problem for problem in done.document["chains"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        ("", "holds no seal"),
        ("{}", "line 1 is no signed seal"),
        ('{"proofs": 3}', "no proofs"),
    ],
)
def test_what_is_neither_seals_nor_a_proof_is_refused(tmp_path: Path, content: str | None, told: str) -> None:
    file = tmp_path / "seals"
    if content is not None:
        file.write_text(content)
    done = call("seals", "verify", str(file), "--public", "ed25519:" + "A" * 43 + "=", "--json")
    assert (done.code, told in done.error["message"]) == (2, True)


# Statements


def edited(document: dict[str, Any], path: list[Any], to: object) -> dict[str, Any]:
    """A copy with one place of it changed."""
    copy = json.loads(json.dumps(document))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return dict(copy)


@pytest.fixture
def proved(workspace: Workspace) -> dict[str, Any]:
    """A statement with its proof: issued, and more was recorded about the account since."""
    words = filled(("statement", "prove", "past-0001", "--account", "ISSUED"), workspace)
    assert call("account", "plan", "basic", "--account", "past").code == 0
    return dict(call(*words, "--json").document)


def test_a_statement_is_verified_where_there_is_no_ledger(
    proved: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, key = tmp_path / "statement.json", public()
    file.write_text(call("statement", "prove", "past-0001", "--account", "past").out)
    assert len(proved["proof"]["entries"]) > 1
    monkeypatch.setenv("IMAGESTUDIO_HOME", str(tmp_path / "nothing-here"))
    found = call("statement", "verify", str(file), "--public", key)
    assert (found.code, "past-0001 is what was issued" in found.out) == (0, True)


@pytest.mark.parametrize(
    ("path", "to", "told"),
    [
        (["content", "totals", "total"], "0.00", "is not what its digest is of"),
        (["number"], "past-0002", "no statement past-0002"),
        (["content", "account"], "globex", "is not what its digest is of"),
        (["proof", "entries", 0, "actor"], "operator:mallory", "do not lead"),
        (["proof", "entries"], [], "do not lead"),
        (["proof", "before"], FORGED, "do not lead"),
        (["proof", "stream", "hash"], FORGED, "is not in the seal"),
        (["proof", "seal", "root"], FORGED, "is not what key"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, list) else None,
)
def test_a_statement_or_proof_that_was_changed_does_not_hold(
    proved: dict[str, Any], tmp_path: Path, path: list[Any], to: object, told: str
) -> None:
    file = tmp_path / "statement.json"
    file.write_text(json.dumps(edited(proved, path, to)))
    done = call("statement", "verify", str(file), "--public", public(), "--json")
    assert (done.code, done.error["code"], told in done.error["message"]) == (6, "seal_broken", True), done.err


@pytest.mark.parametrize("content", ["", "{}", '{"proof": {}}', "[1]"])
def test_what_is_no_statement_with_a_proof_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "statement.json"
    file.write_text(content)
    done = call("statement", "verify", str(file), "--public", "ed25519:" + "A" * 43 + "=", "--json")
    assert (done.code, done.error["code"]) == (2, "invalid_input")


def test_a_draft_cannot_be_proved(workspace: Workspace) -> None:
    words = filled(("statement", "prove", "past-0001", "--account", "PAST"), workspace)
    done = call(*words, "--json")
    assert (done.code, done.error["code"]) == (2, "unknown_statement")
