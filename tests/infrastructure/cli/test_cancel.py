"""Cancelling from a shell: what can be stopped is released for nothing, what cannot stays as it is."""

from __future__ import annotations

from tests.infrastructure.cli.workspaces import Workspace, call, stuck


def held() -> object:
    return call("account", "show", "--json").document["held"]["spend"]["amount"]


def test_a_stopped_operation_is_released_and_nothing_is_charged(workspace: Workspace) -> None:
    operation = stuck()
    assert held() == "0.04"
    done = call("cancel", operation, "--json").document
    assert (done["operation"], done["status"], done["price"]["amount"]) == (operation, "released", "0.00")
    assert done["operations"][0]["reason"] == "cancelled"
    assert held() == "0.00"
    assert call("audit").code == 0


def test_it_says_so_to_people_and_again_when_it_is_repeated(workspace: Workspace) -> None:
    operation = stuck()
    first, again = call("cancel", operation), call("cancel", operation)
    assert first.out.startswith("Cancelled; nothing is charged\n")
    assert (again.code, again.out) == (first.code, first.out)
    assert call("operation", operation, "--json").document["events"][-1]["type"] == "operation.released"


def test_a_batch_is_stopped_operation_by_operation(workspace: Workspace) -> None:
    batch = stuck("-n", "2").rpartition(".")[0]
    done = call("cancel", batch, "--json").document
    assert [(one["operation"], one["status"]) for one in done["operations"]] == [
        (f"{batch}.{place}", "released") for place in (1, 2)
    ]
    assert call("cancel", batch).out.count(" released ") == 2


def test_what_cannot_be_stopped_keeps_its_hold(workspace: Workspace) -> None:
    lost = call("generate", "x", "-m", "scripted-blind", "-i", "outcome=timeout", "--json").error["operation"]
    done = call("cancel", lost, "--json")
    assert (done.code, done.out, done.error["code"]) == (2, "", "illegal_transition")
    assert "cannot be stopped at its provider" in done.error["message"]
    assert held() == "0.04"
