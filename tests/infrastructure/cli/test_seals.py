"""Seals at the command line: kept in a file, held against the log, and checked where there is no ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.infrastructure.cli.workspaces import SMALL, Workspace, call

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
    proof.write_text(call("seals", "prove", "--json").out)
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
