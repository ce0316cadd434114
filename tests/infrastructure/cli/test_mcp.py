"""Agents begin at the command line, too: whoever cannot pay is one error there, before anything is served."""

from __future__ import annotations

import pytest

from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace, call


def test_who_cannot_pay_is_told_before_anything_is_served(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMAGESTUDIO_ACCOUNT", raising=False)
    own = call("keys", "issue", ACCOUNT, "--json").document["secret"]
    for key, arguments, code in (
        ("", (), "invalid_input"),
        ("", ("--account", "nobody"), "unknown_account"),
        ("isk_nonsense", (), "unauthenticated"),
        (own, ("--account", "beta"), "unknown_account"),
    ):
        monkeypatch.setenv("IMAGESTUDIO_API_KEY", key)
        done = call("mcp", *arguments, "--json")
        assert (done.code, done.out, done.error["code"]) == (2, "", code)
