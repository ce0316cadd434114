"""A person approves at the shell what a key may not spend by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from freezegun import freeze_time

from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace, call, waiting_quote


def test_a_quote_is_looked_at_and_approved_once(workspace: Workspace) -> None:
    quote = waiting_quote()
    before = call("events", "--json").document
    looked = call("approve", quote, "--look", "--json").document
    assert (looked["account"], looked["standing"], looked["price"]["amount"]) == (ACCOUNT, "waiting", "0.04")
    assert call("events", "--json").document == before
    given = call("approve", quote, "--reason", "a campaign", "--json").document
    assert (given["quote"], given["standing"]) == (quote, "approved")
    assert call("approve", quote, "--json").document == given
    last = call("events", "--json").document["events"][-1]
    assert (last["type"], last["data"]["reason"]) == ("approval.given", "a campaign")
    assert "0.04 USD at most" in call("approve", quote).out


def test_what_waits_is_listed_until_it_is_over(workspace: Workspace) -> None:
    quote = waiting_quote()
    [one] = call("approvals", "--json").document["approvals"]
    assert one == call("approve", quote, "--look", "--json").document
    call("approve", quote)
    assert quote in call("approvals", "--account", ACCOUNT).out
    with freeze_time(datetime.fromisoformat(one["expires"]) + timedelta(seconds=1)):
        assert call("approvals", "--json").document["approvals"] == []
        [over] = call("approvals", "--over", "--json").document["approvals"]
    assert (over["quote"], over["standing"]) == (quote, "over")
    assert call("approvals", "--after", "nonsense", "--json").error["code"] == "invalid_input"


def test_an_unknown_quote_is_one_error(workspace: Workspace) -> None:
    done = call("approve", "quote_0", "--json")
    assert (done.code, done.error["code"], done.out) == (2, "unknown_quote", "")
