"""API keys at the command line: a secret once, bounds in words, and one clear error for what cannot be."""

from __future__ import annotations

import pytest

from domain.keytext import id_in
from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace, call

BOUNDS = ("--limit", "25 USD", "--expires", "2099-01-01", "--approve-above", "2", "--per-minute", "60")
AMOUNT = {"micros": 25_000_000, "currency": "USD", "amount": "25.00"}


def issued(*options: str) -> dict[str, object]:
    found: dict[str, object] = call("keys", "issue", ACCOUNT, *options, "--json").document
    return found


def test_a_secret_is_printed_once_and_never_again(workspace: Workspace) -> None:
    new = issued("--name", "web shop", "--user", "ann", *BOUNDS)
    assert id_in(new["secret"]) == new["id"]
    told = [
        call(*command, *form).out
        for command in (("keys", "list"), ("keys", "show", str(new["id"])), ("events",), ("account", "show"))
        for form in ((), ("--json",))
    ]
    hidden = str(new["secret"])[14:]
    assert not any(hidden in text for text in told)
    assert not any(hidden.encode() in file.read_bytes() for file in workspace.home.rglob("*") if file.is_file())
    assert "digest" not in "".join(told[:4])


def test_a_key_is_shown_with_its_bounds_and_what_is_left(workspace: Workspace) -> None:
    new = issued("--name", "web shop", "--user", "ann", "--project", "site", *BOUNDS)
    assert (new["standing"], new["scopes"], new["user"], new["project"]) == ("live", ["operate"], "ann", "site")
    assert (new["limits"], new["left"], new["used"]) == ({"spend": AMOUNT}, {"spend": AMOUNT}, {})
    assert (new["expires"], new["per_minute"]) == ("2098-12-31T23:00:00Z", 60)  # midnight in Berlin
    page = call("keys", "show", new["id"]).out
    assert "web shop" in page
    assert "as user ann, for project site, spend of 25.00 USD a period" in " ".join(page.split())
    listed = call("keys", "list", ACCOUNT).out
    assert max(map(len, listed.splitlines())) <= 80
    assert [str(new["id"]) in listed, "web shop" in listed] == [True, True]


def test_what_is_said_is_changed_and_the_rest_stays(workspace: Workspace) -> None:
    new = issued("--name", "web shop", *BOUNDS)
    said = ("--scope", "read", "--scope", "admin", "--expires", "never", "--limit", "unlimited", "--forwards")
    changed = call("keys", "change", new["id"], *said, "--json").document
    assert (changed["scopes"], changed["expires"], changed["forwards"]) == (["read", "admin"], None, True)
    assert (changed["limits"], changed["left"]) == ({"spend": None}, {})
    assert [changed[name] for name in ("name", "per_minute", "approve_above")] == [
        new[name] for name in ("name", "per_minute", "approve_above")
    ]
    bare = call("keys", "change", new["id"], "--approve-above", "never", "--per-minute", "unlimited", "--json").document
    assert (bare["approve_above"], bare["per_minute"]) == (None, None)


def test_any_measure_of_a_key_is_limited_as_a_users_is(workspace: Workspace) -> None:
    new = issued("--limit", "5")
    scope = f"key:{new['id']}"
    assert call("account", "limit", "images", "3", "--api-key", new["id"]).code == 0
    listed = call("limits", "--json").document["limits"]
    assert {one["measure"] for one in listed if one["scope"] == scope} == {"images", "spend"}
    assert call("keys", "show", new["id"], "--json").document["limits"]["images"] == 3
    unknown = call("account", "limit", "images", "3", "--api-key", "key_0000000000", "--json")
    assert (unknown.code, unknown.error["code"]) == (2, "unknown_api_key")
    both = call("account", "limit", "images", "3", "--api-key", new["id"], "--user", "ann", "--json")
    assert (both.code, both.error["message"]) == (2, "scope: a limit belongs to a user, to a project or to an API key")


def test_a_revoked_key_stays_in_the_list(workspace: Workspace) -> None:
    new = issued()
    revoked = call("keys", "revoke", new["id"], "--reason", "lost", "--json").document
    assert (revoked["standing"], revoked["revoked_at"] is None) == ("revoked", False)
    again = call("keys", "revoke", new["id"], "--json").document
    assert again == revoked
    assert [key["standing"] for key in call("keys", "list", "--json").document["keys"]] == ["revoked"]
    done = call("keys", "change", new["id"], "--scope", "read", "--json")
    assert (done.code, done.error["code"]) == (2, "illegal_transition")
    assert call("audit").code == 0


def test_the_studios_own_keys_are_issued_here(workspace: Workspace) -> None:
    new = call("keys", "issue", "@studio", "--scope", "admin", "--json").document
    assert (new["account"], new["scopes"]) == ("@studio", ["admin"])
    assert call("keys", "list", "@studio").code == 0
    assert call("account", "open", "@studio", "--json").error["code"] == "invalid_input"


def test_where_no_key_was_issued_the_list_says_so(workspace: Workspace) -> None:
    assert call("keys", "list").out == "No key was issued.\n"
    assert call("keys", "list", "--json").document == {"keys": []}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("issue", ACCOUNT, "--limit", "3 EUR"), "is not in USD"),
        (("issue", ACCOUNT, "--limit", "-1"), "is negative"),
        (("issue", ACCOUNT, "--limit", "much"), "not an exact amount"),
        (("issue", ACCOUNT, "--scope", "fly"), "'fly' is not one of read, operate, admin"),
        (("issue", ACCOUNT, "--scope", "read", "--scope", "read"), "each once"),
        (("issue", ACCOUNT, "--expires", "2001-01-01"), "not an instant in the future"),
        (("issue", ACCOUNT, "--expires", "tomorrow"), "expires"),
        (("issue", ACCOUNT, "--per-minute", "0"), "from 1 on"),
        (("issue", ACCOUNT, "--per-minute", "many"), "not a number"),
        (("issue", ACCOUNT, "--user", "an n"), "user"),
        (("issue", ACCOUNT, "--user", "ann", "--forwards"), "none can be forwarded"),
        (("issue", ACCOUNT, "--name", "two\nlines"), "one line"),
        (("issue", "nobody"), "no account 'nobody'"),
        (("issue", "@studio"), "pays for nothing"),
        (("show", "key_0000000000"), "has no key 'key_0000000000'"),
        (("revoke", "key_0000000000"), "has no key"),
        (("change", "key_0000000000", "--scope", "read"), "has no key"),
    ],
)
def test_bad_input_is_one_error_and_records_nothing(workspace: Workspace, words: tuple[str, ...], told: str) -> None:
    before = call("events", "--json").out
    done = call("keys", *words, "--json")
    assert (done.code, done.out) == (2, "")
    assert told in done.error["message"]
    assert call("events", "--json").out == before
