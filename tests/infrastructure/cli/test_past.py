"""What was, at the command line: `--as-of`, by position and by instant."""

from __future__ import annotations

import pytest

from tests.infrastructure.cli.workspaces import Workspace, call

SHOWN = [
    ("usage",),
    ("periods",),
    ("costs",),
    ("spend",),
    ("operations",),
    ("limits",),
    ("holds",),
    ("assets", "list"),
    ("account", "show"),
    ("usage", "--by", "model,user", "--all"),
]


SHOWN_OF_ONE = [
    ("operation", "LAKE"),
    ("assets", "lineage", "ASSET"),
    ("assets", "stats"),
]

PROJECTED = {"projected", "runs_out_at"}


def facts() -> list[dict[str, object]]:
    found: list[dict[str, object]] = call("events", "--json").document["events"]
    return found


@pytest.mark.parametrize("command", SHOWN)
def test_the_newest_position_is_what_is_now(workspace: Workspace, command: tuple[str, ...]) -> None:
    last = facts()[-1]
    now, then = (call(*command, *options, "--json").document for options in ((), ("--as-of", last["position"])))
    assert then.pop("as_of")["position"] == last["position"]
    for limit in (*now.get("limits", ()), *then.get("limits", ())) if command == ("limits",) else ():
        assert limit.keys() > PROJECTED
        for name in PROJECTED:  # which follows from the instant at which it is asked
            del limit[name]
    for row in now.get("operations", ()):
        row.pop("tags", None)  # they are not in the log, and have no past
    assert then == now


@pytest.mark.parametrize("command", [*SHOWN, ("books",), ("books", "receivable")])
def test_a_page_says_what_it_is_as_of(workspace: Workspace, command: tuple[str, ...]) -> None:
    assert "as of position 9" in call(*command, "--as-of", "9").out


@pytest.mark.parametrize("command", SHOWN_OF_ONE)
def test_one_thing_at_the_newest_position_is_what_it_is_now(workspace: Workspace, command: tuple[str, ...]) -> None:
    [asset] = [
        one["id"]
        for one in call("assets", "list", "--json").document["assets"]
        if one["operation"] == workspace.ids["lake"]
    ]
    known, last = {"LAKE": workspace.ids["lake"], "ASSET": asset}, facts()[-1]["position"]
    named = [known.get(one, one) for one in command]
    now, then = (call(*named, *options, "--json").document for options in ((), ("--as-of", last)))
    assert then.pop("as_of")["position"] == last
    now.pop("tags", None)  # they are not in the log, and have no past
    if command == ("assets", "stats"):
        assert (now.pop("favourites"), then.pop("favourites")) == (0, None)
    assert then == now
    assert f"as of position {last}" in call(*named, "--as-of", last).out


def test_an_operation_stands_as_it_did(workspace: Workspace) -> None:
    held = next(one for one in facts() if one["type"] == "operation.validated")
    id, position = str(held["operation"]), int(str(held["position"]))
    then = call("operation", id, "--as-of", position, "--json").document
    assert (then["state"], then["price"]["amount"], len(then["events"])) == ("validated", "0.00", 2)
    outcome = call("operation", id, "--as-of", position - 2, "--json")
    assert (outcome.code, outcome.error["code"]) == (2, "unknown_operation")


def test_an_earlier_position_knows_nothing_of_what_came_later(workspace: Workspace) -> None:
    charged = [one for one in facts() if one["type"] == "operation.charged"]
    for count, fact in enumerate(charged, 1):
        found = call("usage", "--as-of", fact["position"], "--json").document
        assert sum(row["charged"] for row in found["usage"]) == count


def test_an_instant_is_that_of_the_accounts_zone(workspace: Workspace) -> None:
    changed = next(one for one in facts() if one["type"] == "account.limit_changed")
    for as_of, scopes in ((changed["at"], {"account", "user:bob"}), (changed["position"], {"account", "user:bob"})):
        found = call("account", "show", "--as-of", as_of, "--json").document
        assert found["limits"].keys() == scopes
    assert call("account", "show", "--as-of", int(str(changed["position"])) - 1, "--json").document[
        "limits"
    ].keys() == {"account"}


@pytest.mark.parametrize(
    ("as_of", "why"),
    [
        ("100000", "as_of: 100000 is no position: the log ends at"),
        ("2100-01-01", "as_of: 2100-01-01 has not come yet"),
        ("then", "as_of: 'then' is no instant"),
        ("1999-01-01", "account 'acme' was not there at the log's beginning"),
    ],
)
def test_what_is_no_moment_is_one_clear_error(workspace: Workspace, as_of: str, why: str) -> None:
    outcome = call("limits", "--as-of", as_of, "--json")
    assert outcome.code == 2
    assert outcome.error["message"].startswith(why)


def test_what_was_held_is_told_of_the_moment_at_which_it_was(workspace: Workspace) -> None:
    held = next(one for one in facts() if one["type"] == "operation.validated")
    found = call("holds", "--as-of", held["position"], "--json").document["holds"]
    assert [row["held"] for row in found] == [held["amount"]]
    assert call("holds", "--json").document == {"holds": []}
    assert held["amount"]["amount"] in call("holds", "--as-of", held["position"]).out  # type: ignore[index]


def test_why_tells_an_operation_and_a_refusal_in_sentences(workspace: Workspace) -> None:
    told = call("why", workspace.ids["lake"], "--json").document
    assert told["sentences"][0].startswith("ann of acme asked on")
    assert told["sentences"][0] in " ".join(call("why", workspace.ids["lake"]).out.split())
    assert len(call("why", workspace.ids["batch"], "--json").document["explanations"]) == 2
    [refused] = call("why", "--refused", "--json").document["explanations"]
    assert refused["operation"] == workspace.ids["refused"]
    assert "hint: " in call("why", "--refused").out
    for wrong in (("why",), ("why", "x", "--refused"), ("why", "no-such-id"), ("why", "--key", "k1")):
        assert call(*wrong, "--json").code == 2


def test_history_and_diff_tell_what_changed(workspace: Workspace) -> None:
    history = call("account", "history", "--json").document["history"]
    changed = next(one for one in history if one["type"] == "account.limit_changed")
    assert changed["changes"] == [{"what": "limit of user:bob: images", "from": None, "to": "2"}]
    assert "limit of user:bob: images: 2" in call("account", "history").out
    at = changed["position"]
    found = call("account", "diff", at - 1, at, "--json").document
    assert found["terms"] == changed["changes"]
    assert found["models"] == []
    assert "limit of user:bob: images" in call("account", "diff", at - 1, at).out
    assert "nothing is another" in call("account", "diff", at, at).out
    assert call("account", "diff", at, at - 1, "--json").error["message"].startswith("until: ")
