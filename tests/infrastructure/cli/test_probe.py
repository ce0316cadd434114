"""The probe buys, repeats, fails and adds up; whatever differs is told, with an exit code."""

from __future__ import annotations

import json
import signal

import pytest

from tests.infrastructure.cli.test_processes import WAIT, start
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


def test_a_slip_of_the_pen_is_no_difference(probed: Workspace) -> None:
    found = call("probe", "--once", "--account", "prober", "--model", "scripted-imgae", "--json")
    assert (found.code, found.error["code"]) == (2, "unknown_model")


def test_a_difference_is_an_alert_of_the_studios_own_once_a_day(probed: Workspace) -> None:
    assert call("account", "limit", "images", "0", "--account", "prober").code == 0
    for _ in range(2):
        assert call(*PROBING).code == 1
    assert call("account", "suspend", "prober", "--reason", "another difference").code == 0
    assert call(*PROBING).code == 1
    events = call("events", "--json").document["events"]
    alerts = [one["data"] for one in events if one["type"] == "alert.probe_differed"]
    assert [(one["account"], one["difference"], one["told"]) for one in alerts] == [
        ("prober", "OperationRefused by images", ""),
        ("prober", "OperationRefused by suspended", ""),
    ]


def test_it_goes_on_for_ever_until_it_is_told_to_stop(probed: Workspace) -> None:
    with start(
        probed.home, "-m", "imagestudio", *(one for one in PROBING if one != "--once"), "--every", "0"
    ) as process:
        assert process.stderr is not None
        for number in (1, 2):
            assert json.loads(process.stderr.readline())["event"] == f"round {number}: 0 differences"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=WAIT)
    assert process.returncode == 0, err
    assert int(out.split()[0]) >= 2
    assert call("account", "show", "prober", "--json").document["open"] == 0


def test_an_account_that_is_not_there_is_one_clear_error(workspace: Workspace) -> None:
    assert call("probe", "--once", "--account", "nobody-here", "--model", "scripted-image").code == 2
