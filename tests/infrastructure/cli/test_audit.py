"""The audit sees a changed byte, a changed view and a rewritten log, and says where."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from infrastructure.assembly import Parts
from infrastructure.clock import now
from projections.views import ALL
from tests.domain.wall_clocks import DAY
from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace, call


def tamper(database: Path, *statements: str) -> None:
    """Change a database behind the studio's back, its triggers removed."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        triggers = other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            other.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert other.execute(statement).rowcount > 0, statement


def test_a_clean_ledger_is_equal_to_its_replay(workspace: Workspace) -> None:
    found = call("audit", "--json").document
    assert (found["verdict"], found["chains"], found["index"]) == ("clean", [], [])
    assert found["facts"] == call("seal", "--json").document["position"]
    assert {view["view"]: view["differing"] for view in found["views"]} == {view.name: 0 for view in ALL}


def test_one_account_is_audited_alone(workspace: Workspace) -> None:
    assert call("account", "open", "globex").code == 0
    facts = {
        account: call("audit", "--account", account, "--json").document["facts"] for account in (ACCOUNT, "globex")
    }
    assert facts["globex"] == 1
    assert call("audit", "--json").document["facts"] == sum(facts.values())


def test_a_changed_view_is_a_difference_with_both_values(workspace: Workspace) -> None:
    assert call("usage").code == 0
    tamper(workspace.database, "UPDATE usage_summary SET price = price + 1 WHERE user = 'ann'")
    done = call("audit", "--json")
    assert (done.code, done.err, done.document["verdict"]) == (1, "", "differences")
    view = next(view for view in done.document["views"] if view["differing"])
    only = view["differences"][0]
    assert (view["view"], only["live"]["price"], only["replayed"]["price"]) == ("usage_summary", 10_001, 10_000)
    text = call("audit").out
    assert "price: the view says 10001, the log 10000" in text
    assert text.endswith("The audit found differences.\n")


def test_a_missing_row_is_a_difference(workspace: Workspace) -> None:
    assert call("usage").code == 0
    tamper(workspace.database, "DELETE FROM usage_summary WHERE user = 'bob'")
    assert "row: the view says no row, the log a row" in call("audit").out
    assert call("projections", "rebuild").code == 0
    assert call("audit").code == 0


def test_a_changed_byte_of_the_log_is_found_with_its_place(workspace: Workspace) -> None:
    changed = (
        "UPDATE log SET state = replace(state, '\"price\":10000', '\"price\":10009') WHERE topic = 'operation.charged'"
    )
    tamper(workspace.database, changed)
    done = call("audit", "--json")
    assert done.code == 1
    assert len(done.document["chains"]) == 3
    assert "is not what was written" in done.document["chains"][0]
    told = call("audit").out
    assert "hash chains     damaged" in told
    assert "bring what is damaged back from a copy first" in told
    assert "made anew from the log by" not in told


def test_a_fact_that_cannot_be_read_is_a_finding_not_a_crash(workspace: Workspace) -> None:
    tamper(workspace.database, "UPDATE log SET state = '{' WHERE topic = 'operation.released'")
    done = call("audit", "--json")
    assert (done.code, done.err, done.document["verdict"]) == (1, "", "differences")
    assert done.document["chains"]
    assert done.document["seal"] is None


STANDINGS = (("db", "status"), ("archive", "list"))


def test_an_archive_that_lacks_a_file_is_one_problem_and_what_is_not_known_no_zero(workspace: Workspace) -> None:
    parts = Parts(clock=lambda: now() - 90 * DAY)
    call("account", "open", "past", "--plan", "pro", parts=parts)
    for number in range(3):
        assert call("generate", f"a lake {number}", "--account", "past", "-m", "scripted-image", parts=parts).code == 0
    call("period", "close", "--account", "past")
    assert "1 segment" in call("archive", "run").out
    (segment,) = (workspace.home / "archive").rglob("*.xz")
    assert [call(*command).code for command in STANDINGS] == [0, 0]
    segment.unlink()
    for command in STANDINGS:
        done = call(*command, "--json")
        assert (done.code, done.document["missing_segments"][0] in segment.name) == (6, True)
    told = call("audit").out
    assert "facts replayed  not known" in told
    assert "1 problem:" in told
    assert told.count(segment.name) == 2  # the segment's name, and its file
    assert "bring what is damaged back from a copy first" in told


def test_a_damaged_log_is_not_sealed(workspace: Workspace) -> None:
    tamper(workspace.database, "UPDATE log SET state = '{' WHERE topic = 'operation.released'")
    done = call("seal", "--json")
    assert (done.code, done.error["code"]) == (6, "log_corrupted")


def test_a_seal_holds_while_the_log_goes_on_and_breaks_when_it_is_another(workspace: Workspace) -> None:
    sealed = call("seal").out.strip()
    assert call("account", "open", "globex").code == 0
    assert call("audit", "--seal", sealed).code == 0
    forged = sealed[:-1] + ("0" if sealed[-1] != "0" else "1")
    assert call("audit", "--seal", forged).code == 1


def test_a_view_that_stands_still_is_told_and_tried_again(workspace: Workspace) -> None:
    assert call("usage").code == 0
    stop = "UPDATE view_checkpoints SET failed_at = 3, error = 'a poison fact' WHERE view = 'usage_summary'"
    tamper(workspace.database, stop)
    assert "warning: usage_summary stands still" in call("usage").err
    assert json.loads(call("usage", "--json").err)["warning"]["message"].startswith("usage_summary stands still")
    status = call("projections", "status")
    assert (status.code, "usage_summary stopped at position 3: a poison fact" in status.out) == (6, True)
    assert call("projections", "retry", "usage_summary", "--json").document["views"][0]["error"] is None
    assert (call("usage").err, call("projections", "status").code) == ("", 0)


def test_a_lost_key_is_a_difference_and_is_made_anew_by_one_command(workspace: Workspace) -> None:
    tamper(workspace.database, "DELETE FROM keys")
    done = call("audit", "--json")
    assert (done.code, done.document["tables"]) == (
        1,
        [f"keys account={ACCOUNT!r} key='k1': is missing, the log has it"],
    )
    assert "the tables are made anew from the log by: imagestudio rebuild" in call("audit").out
    assert "1 row would be made anew" in call("rebuild", "--dry-run").out
    assert call("audit").code == 1
    assert [row["table"] for row in call("rebuild", "keys", "--json").document["rows"]] == ["keys"]
    assert call("audit").code == 0
    assert "nothing was changed" in call("rebuild").out


def test_a_table_that_is_not_made_from_the_log_is_refused_with_those_that_are(workspace: Workspace) -> None:
    done = call("rebuild", "usage_summary")
    assert done.code == 2
    assert "'usage_summary' is not made from the log" in done.err
    assert "imagestudio projections rebuild" in done.err


def test_nothing_is_made_from_a_damaged_log(workspace: Workspace) -> None:
    tamper(workspace.database, "UPDATE log SET state = '{' WHERE topic = 'operation.released'", "DELETE FROM keys")
    done = call("rebuild", "--json")
    assert (done.code, done.error["code"]) == (6, "log_corrupted")


def test_an_audit_names_a_view_that_stands_still(workspace: Workspace) -> None:
    assert call("usage").code == 0
    tamper(workspace.database, "UPDATE view_checkpoints SET token = 'somebody' WHERE view = 'usage_summary'")
    assert call("account", "open", "globex").code == 0
    done = call("audit", "--json")
    assert done.code == 1
    assert "usage_summary stands still" in done.document["replay"]
    assert call("projections", "rebuild").code == 0
    assert call("audit").code == 0


def test_an_audit_names_a_view_that_has_read_further_than_the_log_reaches(workspace: Workspace) -> None:
    assert call("usage").code == 0
    tamper(workspace.database, "UPDATE view_checkpoints SET position = position + 1000 WHERE view = 'usage_summary'")
    done = call("audit", "--json")
    assert done.code == 1
    assert "usage_summary" in done.document["replay"]
    assert call("projections", "rebuild").code == 0
    assert call("audit").code == 0


def test_an_audit_of_one_account_compares_its_tables(workspace: Workspace) -> None:
    assert call("audit", "--account", ACCOUNT).code == 0
    tamper(workspace.database, "DELETE FROM keys")
    assert call("audit", "--account", ACCOUNT).code == 1
    assert call("rebuild", "--account", ACCOUNT).code == 0
    assert call("audit", "--account", ACCOUNT).code == 0


def test_an_asset_that_is_named_otherwise_than_its_file_is_told_by_its_position(workspace: Workspace) -> None:
    added = call("assets", "add", workspace.picture(), "--json").document["assets"][0]["id"]
    assert call("upscale", workspace.picture(), "--json").code == 0
    assert call("audit", "--json").document["assets"] == []
    for topic, name in (
        ("asset.added", "asset"),
        ("operation.requested", "id"),
        ("operation.provider_completed", "id"),
    ):
        was, becomes = f'"{name}":"{added}"', f'"{name}":"{"0" * 24}"'
        change = f"UPDATE log SET state = replace(state, '{was}', '{becomes}')"
        tamper(workspace.database, f"{change} WHERE topic = '{topic}' AND state LIKE '%{added}%'")
    found = call("audit", "--json")
    assert (found.code, found.document["verdict"], len(found.document["assets"])) == (1, "differences", 3)
    told = f"names a file asset {'0' * 24}, and by its digest it is {added}"
    assert all(one.endswith(told) for one in found.document["assets"])
    assert "asset ids       differ" in call("audit").out
