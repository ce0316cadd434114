"""The probe buys, repeats, fails and adds up; whatever differs is told, with an exit code."""

from __future__ import annotations

import pytest

from tests.infrastructure.cli.workspaces import Workspace, call

PROBING = ("probe", "--once", "--account", "prober", "--model", "scripted-image")


@pytest.fixture
def probed(workspace: Workspace) -> Workspace:
    assert call("account", "open", "prober", "--plan", "enterprise").code == 0
    return workspace


def test_a_sound_ledger_shows_no_difference_round_after_round(probed: Workspace) -> None:
    for _ in range(2):
        found = call(*PROBING, "--json")
        assert (found.code, found.document["differences"]) == (0, [])


def test_what_differs_is_an_error_and_an_exit_code(probed: Workspace) -> None:
    assert call("account", "limit", "images", "0", "--account", "prober").code == 0
    found = call(*PROBING)
    assert found.code == 1
    assert "OperationRefused" in found.out


def test_an_account_that_is_not_there_is_one_clear_error(workspace: Workspace) -> None:
    assert call("probe", "--once", "--account", "nobody-here", "--model", "scripted-image").code == 2
