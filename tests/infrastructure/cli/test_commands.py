"""Every command, on a real SQLite file: what it says to people and to programs."""

from __future__ import annotations

import json
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from domain.plans import PLANS
from infrastructure.cli.app import PLACES, app
from infrastructure.cli.commands import CommandGroup
from tests.infrastructure.cli.workspaces import (
    ACCOUNT,
    COMMANDS,
    ENDLESS,
    SHARDED,
    SMALL,
    Workspace,
    call,
    filled,
    leaves,
    stuck,
)
from tests.pages import block, page

CENT = {"micros": 10_000, "currency": "USD", "amount": "0.01"}


def sides(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_every_command_is_tried_here_and_speaks_json_about_any_database() -> None:
    tree = leaves()
    tried = {command[:1] for command in COMMANDS} | {command[:2] for command in COMMANDS}
    untried = tree.keys() - ENDLESS - SHARDED - tried
    assert not untried, "add each to COMMANDS of tests/infrastructure/cli/workspaces.py, with arguments that end in 0"
    for path, command in tree.items():
        assert {"--json", "--db"} <= {name for one in command.params for name in one.opts}, path
        assert command.help, path


def test_the_list_of_commands_has_all_that_their_modules_have_and_says_what_they_say() -> None:
    commands: Any = get_command(app)
    made = commands.commands
    wide = 1000
    for name, place in PLACES.items():
        listed = commands.listed(None, name).get_short_help_str(wide)
        assert listed == made[name].get_short_help_str(wide), name
        assert isinstance(made[name], CommandGroup) == (place.panel == "Groups")
    parts = {(place.module, place.variable) for place in PLACES.values() if place.panel != "Groups"}
    there = [import_module(f"infrastructure.cli.{module}") for module, _ in sorted(parts)]
    assert {one.name or one.callback.__name__ for part in there for one in part.app.registered_commands} == {
        name for name, place in PLACES.items() if place.panel != "Groups"
    }


def test_the_command_that_its_page_adds_works_in_one_file() -> None:
    module: dict[str, Any] = {"__name__": "plans"}
    exec(block(page("docs/commands.md"), "python", "async def plans"), module)
    told = CliRunner().invoke(module["app"], ["--json"])
    assert (told.exit_code, json.loads(told.stdout)) == (0, {"plans": sorted(PLANS)})
    assert "enterprise" in CliRunner().invoke(module["app"], []).stdout


def prepare_credit(command: tuple[str, ...]) -> None:
    """Pay in what is taken back, and grant what is revoked."""
    if "chargeback" in command:
        assert call("account", "top-up", "5.00", "--key", "p1", "--account", "globex").code == 0
    if "revoke" in command and "account" in command:
        assert call("account", "grant", "5.00", "--reference", "welcome", "--account", "globex").code == 0


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_with_json_stdout_is_one_document_and_stderr_is_silent(workspace: Workspace, command: tuple[str, ...]) -> None:
    if "globex" in command and "open" not in command:
        assert call("account", "open", "globex", "--prepaid").code == 0
    prepare_credit(command)
    done = call(*filled(command, workspace), "--json")
    assert (done.code, done.err) == (0, "")
    assert isinstance(done.document, dict)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_text_fits_eighty_columns_but_for_what_is_handed_on(workspace: Workspace, command: tuple[str, ...]) -> None:
    if "globex" in command and "open" not in command:
        assert call("account", "open", "globex", "--prepaid").code == 0
    prepare_credit(command)
    done = call(*filled(command, workspace))
    assert (done.code, done.err) == (0, "")
    assert done.out.strip()
    handed_on = {("seals", "prove"), ("statement", "prove"), ("seal",), ("audit",)}
    wide = [line for line in done.out.splitlines() if len(line) > 80 and "/" not in line]
    assert not wide or {command[:1], command[:2]} & handed_on


def test_a_generated_picture_is_charged_once_and_copied_where_it_is_wanted(workspace: Workspace) -> None:
    pictures = workspace.home / "pictures" / "new"
    done = call("generate", "a cat", "--user", "zoe", "-n", "2", "--out", pictures, *SMALL, "--json").document
    copies = [output["copy"] for one in done["operations"] for output in one["outputs"]]
    assert [Path(copy).parent for copy in copies] == [pictures] * 2
    assert [sides(Path(copy)) for copy in copies] == [(64, 64)] * 2
    assert done["price"] == {"micros": 20_000, "currency": "USD", "amount": "0.02"}
    assert done["left"]["spend"]["amount"] == "99.95"


def test_a_repeat_under_the_same_key_charges_nothing(workspace: Workspace) -> None:
    before = call("account", "show", "--json").document["used"]
    again = call("generate", "a lake at dawn", "--user", "ann", "--key", "k1", *SMALL, "--json").document
    assert (again["repeated"], again["operation"]) == (True, workspace.ids["lake"])
    assert call("account", "show", "--json").document["used"] == before


def test_a_repeat_says_so_to_people_too(workspace: Workspace) -> None:
    done = call("generate", "a lake at dawn", "--user", "ann", "--key", "k1", *SMALL)
    assert done.out.startswith("Done before under this key; nothing was done or charged again")


def test_an_estimate_records_nothing_and_says_what_would_be_refused(workspace: Workspace) -> None:
    end = call("seal", "--json").document["position"]
    found = call("estimate", "text-to-image", "-i", "prompt=x", "-n", "7", "--user", "bob", "--json").document
    assert (found["price"]["amount"], found["refused"], found["operations"]) == ("0.07", "limit", 7)
    assert call("seal", "--json").document["position"] == end


def test_usage_sums_up_by_user_and_kind(workspace: Workspace) -> None:
    found = call("usage", "--json").document
    rows = {row["user"]: row for row in found["usage"]}
    assert set(rows) == {ACCOUNT, "ann", "bob"}
    bob = rows["bob"]
    assert (bob["operations"], bob["charged"], bob["rejected"], bob["price"]["amount"]) == (3, 2, 1, "0.02")
    assert (rows[ACCOUNT]["price"]["amount"], rows[ACCOUNT]["cost"]["amount"]) == ("0.00", "0.015")
    assert found["total"][0]["price"] == {"micros": 30_000, "currency": "USD", "amount": "0.03"}


def test_usage_of_one_user_or_another_period_is_a_part(workspace: Workspace) -> None:
    assert [row["user"] for row in call("usage", "--user", "ann", "--json").document["usage"]] == ["ann"]
    assert call("usage", "--at", "2001-01-01", "--json").document == {"usage": [], "total": []}
    assert len(call("usage", "--all", "--everyone", "--json").document["usage"]) == 3


def test_amounts_stand_on_their_decimal_points(workspace: Workspace) -> None:
    assert call("upscale", workspace.picture(), "--user", "ann").code == 0
    _, titles, *rows, _left_out, _total = call("usage").out.splitlines()
    price = slice(titles.index("PRICE USD") - 2, titles.index("COST USD") - 1)
    amounts = [row[price].strip() for row in rows]
    assert amounts == ["0.00", "0.01", "0.000082", "0.02"]
    assert len({row[price].index(".") for row in rows}) == 1


def test_a_period_is_shown_by_the_accounts_own_midnights(workspace: Workspace) -> None:
    done = call("periods")
    start, _, end = done.out.splitlines()[2].split()[0].partition("/")
    assert start.endswith("-01")
    assert end.endswith("-01")
    row = call("periods", "--json").document["periods"][0]
    assert row["period_start"].endswith(("T23:00:00.000000Z", "T22:00:00.000000Z"))
    assert row["price"]["amount"] == "0.03"


def test_costs_show_what_a_provider_billed_for_its_failure(workspace: Workspace) -> None:
    rows = {row["provider"]: row for row in call("costs", "--json").document["costs"]}
    assert (rows["scripted"]["charged"], rows["scripted"]["cost"]["amount"]) == (0, "0.015")
    assert (rows["local"]["charged"], rows["local"]["units"], rows["local"]["price"]["amount"]) == (3, "3", "0.03")
    assert call("costs", "--provider", "local", "--json").document["costs"] == [rows["local"]]


def test_what_was_rejected_is_nothing_in_the_currency_of_its_account(workspace: Workspace) -> None:
    [row] = call("operations", "--state", "rejected", "--json").document["operations"]
    assert row["price"] == {"micros": 0, "currency": "USD", "amount": "0.00"}
    assert (row["cost"], row["currency"]) == (row["price"], "USD")


def test_operations_are_listed_newest_first_and_found_by_state(workspace: Workspace) -> None:
    rows = call("operations", "--json").document["operations"]
    assert [row["state"] for row in rows] == ["rejected", "released", "charged", "charged", "charged"]
    assert rows[-1]["id"] == workspace.ids["lake"]
    released = call("operations", "--state", "released", "--json").document["operations"]
    assert [row["id"] for row in released] == [workspace.ids["spoilt"]]
    assert (
        len(call("operations", "--batch", workspace.ids["batch"], "--limit", "1", "--json").document["operations"]) == 1
    )


def test_an_id_is_never_broken(workspace: Workspace) -> None:
    assert f"{workspace.ids['batch']}.2  " in call("operations").out


def test_a_timeline_tells_each_fact_with_its_exact_money(workspace: Workspace) -> None:
    story = call("operation", workspace.ids["lake"], "--json").document
    assert [event["type"].split(".")[1] for event in story["events"]] == [
        "requested",
        "validated",
        "dispatched",
        "provider_completed",
        "charged",
    ]
    assert [event["amount"] for event in story["events"]] == [None, CENT, None, None, CENT]
    assert (story["state"], story["user"]) == ("charged", "ann")


def test_a_failures_timeline_ends_with_its_release(workspace: Workspace) -> None:
    words = " ".join(call("operation", workspace.ids["spoilt"]).out.split())
    assert words.endswith("released 0.04 free again, nothing is charged: failed; cost 0.015 USD (provider)")


def test_a_batch_is_told_operation_by_operation(workspace: Workspace) -> None:
    stories = call("operation", workspace.ids["batch"], "--json").document["operations"]
    assert [story["id"] for story in stories] == [f"{workspace.ids['batch']}.{place}" for place in (1, 2)]
    assert call("operation", workspace.ids["batch"]).out.count("Operation ") == 2


def test_the_log_is_printed_as_lines_a_document_or_text(workspace: Workspace) -> None:
    document = call("events", "--json").document["events"]
    lines = [json.loads(line) for line in call("events", "--ndjson").out.splitlines()]
    assert lines == document
    assert len(call("events").out.splitlines()) == len(document)
    assert [event["position"] for event in document] == list(range(1, len(document) + 1))
    assert document[0]["type"] == "account.opened"


def test_the_log_is_filtered_by_account_operation_name_and_position(workspace: Workspace) -> None:
    charged = call("events", "--type", "charged", "--json").document["events"]
    assert {event["type"] for event in charged} == {"operation.charged"}
    assert [event["amount"] for event in charged] == [CENT] * 3
    about = call("events", "--operation", workspace.ids["lake"], "--json").document["events"]
    assert {event["operation"] for event in about} == {workspace.ids["lake"]}
    later = call("events", "--after", about[-1]["position"], "--limit", "1", "--json").document["events"]
    assert [event["position"] for event in later] == [about[-1]["position"] + 1]
    assert call("events", "--after", "1000000", "--json").document == {"events": []}
    assert len(call("events", "--account", ACCOUNT, "--limit", "2", "--ndjson").out.splitlines()) == 2


def test_a_refund_gives_back_what_was_charged_and_counts_once(workspace: Workspace) -> None:
    first = call("refund", workspace.ids["lake"], "--reference", "t1", "--amount", "0.004", "--json").document
    again = call("refund", workspace.ids["lake"], "--reference", "t1", "--amount", "0.004", "--json").document
    part = call("refund", workspace.ids["lake"], "--amount", "0.001", "--json").document
    rest = call("refund", workspace.ids["lake"], "--json").document
    assert [one["refunded"]["amount"] for one in (first, again, part, rest)] == ["0.004", "0.004", "0.001", "0.005"]
    assert [one["repeated"] for one in (first, again, part, rest)] == [False, True, False, False]
    assert len({one["reference"] for one in (first, part, rest)}) == 3
    other = call("refund", workspace.ids["lake"], "--reference", "t1", "--amount", "0.002", "--json")
    assert (other.code, other.error["code"]) == (2, "key_reused")
    assert call("operation", workspace.ids["lake"], "--json").document["price"]["amount"] == "0.00"


def test_what_was_corrected_stands_between_what_was_charged_and_the_price(workspace: Workspace) -> None:
    call("refund", workspace.ids["lake"], "--amount", "0.004")
    *_, total = call("usage").out.splitlines()
    assert " gross, -0.004 USD adjusted, " in total
    [row] = [row for row in call("operations", "--json").document["operations"] if row["id"] == workspace.ids["lake"]]
    assert [row[name]["amount"] for name in ("gross", "adjusted", "price")] == ["0.01", "-0.004", "0.006"]


def test_periods_show_what_a_prepaid_account_paid_in_and_what_is_left_of_it(empty: Workspace) -> None:
    call("account", "open", "globex", "--prepaid")
    call("account", "top-up", "5.00", "--key", "p1", "--account", "globex")
    [row] = call("periods", "-a", "globex", "--json").document["periods"]
    assert (row["credits"]["amount"], row["balance"]["amount"]) == ("5.00", "5.00")
    assert {"CREDITS", "BALANCE"} <= set(call("periods", "-a", "globex").out.split())


@pytest.mark.parametrize("command", [(), ("usage",), ("account",), ("account", "open"), ("generate",)])
def test_help_never_says_that_a_flag_takes_a_value(command: tuple[str, ...], empty: Workspace) -> None:
    assert "<bool>" not in call(*command, "--help").out


def test_an_account_is_opened_once_on_its_terms(empty: Workspace) -> None:
    terms = ("account", "open", "globex", "--plan", "basic", "--zone", "Europe/Berlin", "--cycle", "anniversary")
    first, again = call(*terms, "--json"), call(*terms, "--json")
    assert first.document["zone"] == "Europe/Berlin"
    assert again.document == first.document
    assert call("account", "show", "globex", "--json").document == first.document


def test_limits_are_set_lifted_and_inherited(workspace: Workspace) -> None:
    def limits(*command: str) -> Any:
        return call("account", "limit", *command, "--json").document["limits"]

    assert limits("spend", "2.50")["account"]["spend"]["micros"] == 2_500_000
    assert limits("spend", "unlimited")["account"]["spend"] is None
    assert limits("spend", "inherit")["account"]["spend"]["amount"] == "100.00"
    assert limits("edits", "0", "--project", "poster")["project:poster"] == {"edits": 0}
    assert "user:bob" in call("account", "show").out


def test_limits_of_other_windows_are_set_listed_and_met(workspace: Workspace) -> None:
    assert call("account", "limit", "images", "0", "--user", "eve", "--window", "day").code == 0
    told = call("account", "limit", "spend", "9.50", "-w", "life", "--json").document["windows"]
    assert (told["day"], told["life"]["account"]["spend"]["amount"]) == ({"user:eve": {"images": 0}}, "9.50")
    [day, *_, life] = call("limits", "--json").document["limits"]
    assert (day["scope"], day["measure"], day["window"], day["left"]) == ("user:eve", "images", "day", 0)
    assert (life["window"], life["limit"]["amount"], life["resets_at"]) == ("life", "9.50", None)
    assert "for ever" in call("limits").out
    refused = call("generate", "a fox", "--user", "eve", *SMALL, "--json")
    assert refused.code == 3
    assert f'"resets_at": "{day["resets_at"]}"' in refused.err
    assert call("account", "limit", "images", "5", "-w", "week").code == 2


def test_credit_is_paid_in_once(empty: Workspace) -> None:
    assert call("account", "open", "globex", "--prepaid").code == 0
    pay = ("account", "top-up", "25.00", "--key", "p1", "--account", "globex", "--json")
    assert call(*pay).document["balance"]["amount"] == "25.00"
    assert call(*pay).document["balance"]["amount"] == "25.00"


def test_the_plan_and_the_zone_are_changed(workspace: Workspace) -> None:
    assert call("account", "plan", "basic", "--json").document["plan"] == "basic"
    assert call("account", "zone", "Asia/Tokyo", "--json").document["zone"] == "Asia/Tokyo"


def test_what_is_erased_is_gone_and_the_log_still_verifies(workspace: Workspace) -> None:
    path = Path(
        call("generate", "a lake at dawn", "--user", "ann", "--key", "k1", *SMALL, "--json").document["operations"][0][
            "outputs"
        ][0]["path"]
    )
    erased = call("erase", workspace.ids["lake"], "--yes", "--json").document
    assert (erased["erased"]["contents"], erased["erased"]["files"], erased["left"]) == (1, 1, {})
    assert not path.exists()
    again = call("erase", "--user", "ann", "--yes", "--json", "--out", workspace.home / "evidence.json")
    assert json.loads((workspace.home / "evidence.json").read_text()) == again.document
    rest = {name: value for name, value in again.document.items() if name != "digest"}
    written = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert again.document["digest"] in (None, sha256(written.encode()).hexdigest())
    assert call("erase", "--everything", "--user", "ann", "--yes").code == 2
    assert call("audit").code == 0


def test_the_schema_is_made_on_demand_and_reported(empty: Workspace) -> None:
    url = f"sqlite:///{empty.home / 'deep' / 'new.db'}"
    assert call("db", "upgrade", "--db", url).code == 0
    status = call("db", "status", "--db", url, "--json").document
    assert (status["current"], status["database"]) == (True, url)


def test_a_password_is_never_shown(empty: Workspace) -> None:
    done = call("usage", "-a", "x", "--db", "postgresql://me:secret@127.0.0.1:1/none")
    assert (done.code, "secret" in done.err) == (6, False)


def test_recover_settles_what_no_process_owns(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_LEASE_SECONDS", "1")
    assert call("recover").out == "Nothing is left to recover\n"
    assert call("recover", "--json").document == {"recovered": [], "working": {"operations": 0, "until": None}}


def test_recover_says_that_others_still_work(workspace: Workspace) -> None:
    stuck()
    done = call("recover")
    assert done.out.startswith("Nothing is left to recover\n  1 operation open under a lease that still runs, until ")
    assert call("recover", "--json").document["working"]["operations"] == 1


def test_the_account_may_be_named_by_the_environment(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("account", "show", "--json").document["id"] == ACCOUNT
    monkeypatch.delenv("IMAGESTUDIO_ACCOUNT")
    assert call("account", "show", "--account", ACCOUNT, "--json").document["id"] == ACCOUNT


def test_the_whole_line_runs_on_either_database(
    database_url: str, empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGESTUDIO_DATABASE_URL", database_url)
    monkeypatch.setenv("IMAGESTUDIO_ACCOUNT", ACCOUNT)
    assert call("account", "open", ACCOUNT).code == 0
    lake = call("generate", "a lake", *SMALL, "--allow", "stand-in", "--json").document
    assert call("usage", "--json").document["total"][0]["price"] == CENT
    assert call("refund", lake["operation"]).code == 0
    assert call("projections", "rebuild").code == 0
    audit = call("audit", "--json").document
    assert (audit["verdict"], audit["facts"]) == ("clean", 8)
    assert call("audit", "--seal", audit["seal"]).code == 0


def test_a_period_that_has_begun_is_not_ended_and_one_that_is_ahead_is(workspace: Workspace) -> None:
    """The clock is right here, so that the month is the one that it was."""
    before = call("account", "show", "--json").document
    assert call("account", "end-period", "--reason", "a wrong clock", "--json").document == before
    assert call("account", "end-period", "--reason", "").code == 2
