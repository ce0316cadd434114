"""Exports at the command line: what is written, where it goes on, and what is refused before anything is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.infrastructure.cli.test_processes import ROOT, environment
from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace, call, filled

PROGRAM = "import sys; from infrastructure.cli import main; sys.exit(main())"


def test_an_export_says_where_the_next_one_goes_on_and_both_are_the_whole(workspace: Workspace, tmp_path: Path) -> None:
    whole = call("export", "json", "--out", tmp_path / "whole", "--json").document
    first = call("export", "json", "--out", tmp_path / "first", "--upto", 12, "--json").document
    rest = call("export", "json", "--out", tmp_path / "rest", "--after", first["position"], "--json").document
    read = [(tmp_path / name).read_text(encoding="utf-8") for name in ("first", "rest", "whole")]
    assert read[0] + read[1] == read[2]
    assert first["postings"] + rest["postings"] == whole["postings"] == len(read[2].splitlines()) > 0
    assert (first["position"], rest["position"]) == (12, whole["position"])
    balance = call("books", "--json").document
    assert balance["total"] == whole["total"]
    shown = call("export", "json", "--out", tmp_path / "again", "--account", ACCOUNT)
    assert f"--after {whole['position']}" in shown.out


def test_stdout_has_the_file_alone(workspace: Workspace, tmp_path: Path) -> None:
    call("export", "hledger", "--out", tmp_path / "journal")
    command = [sys.executable, "-c", PROGRAM, "export", "hledger"]
    done = subprocess.run(command, cwd=ROOT, env=environment(workspace.home), check=True, capture_output=True)
    assert (done.stdout, done.stderr) == ((tmp_path / "journal").read_bytes(), b"")


WRONG = {
    ("pdf",): "there is no format 'pdf'",
    ("csv", "--from", "2026-11-31"): "'2026-11-31' is not a day",
    ("csv", "--to", "20261130"): "'20261130' is not a day",
    ("csv", "--from", "2026-11-02", "--to", "2026-11-01"): "is before",
    ("csv", "--assertions"): "csv has none",
    ("beancount", "--assertions", "--after", "3"): "what went before",
    ("csv", "--account", "nobody"): "nobody",
    ("csv", "--after", "5", "--upto", "3"): "3 is before 5",
    ("beancount", "--after", "1000000"): "before 1000000",
    ("stripe", "--after", "1" + 30 * "0"): "--after",
    ("stripe", "--upto", "1" + 30 * "0"): "--upto",
    ("focus-1.4-invoices", "--after", "3"): "of whole statements",
}


def test_a_wrong_question_is_one_error_and_no_file(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for options, said in WRONG.items():
        done = call("export", *options, "--out", folder / "file", "--json")
        assert (done.code, done.out) == (2, "")
        assert said in done.error["message"]
    assert not list(folder.iterdir())


HUGE = "9" * 30
TOO_LARGE = (
    ("books", "receivable", "--limit", HUGE),
    ("events", "--limit", HUGE),
    *(("operations", "--limit", HUGE), ("assets", "list", "--limit", HUGE)),
    ("webhooks", "replay", "hook_1", "--position", HUGE),
)


def test_a_number_that_no_database_takes_is_an_error_of_one_line(workspace: Workspace) -> None:
    for command in TOO_LARGE:
        done = call(*command, "--json")
        assert (done.code, done.error["code"]) == (2, "usage"), command
        assert "less than or equal to" in done.error["message"]
    for about in (("books", "receivable"), ("events",)):
        done = call(*about, "--after", HUGE, "--json")
        assert (done.code, done.error["code"]) == (2, "invalid_input"), about
        assert "is not a position" in done.error["message"]


def test_a_ledger_account_is_drilled_into_and_a_wrong_one_refused(workspace: Workspace) -> None:
    lines = call("books", "--json").document["balances"]
    [income] = [one["ledger_account"] for one in lines if one["ledger_account"].startswith("income:")]
    page = call("books", income, "--limit", "1", "--json").document
    assert page["postings"][0]["operation"] in call("books", income).out + json.dumps(page)
    assert page["next"] == str(page["postings"][0]["position"])
    assert call("books", "cash", "--json").error["message"].startswith("ledger account: there is none named")


def test_the_lines_of_statements_are_written(workspace: Workspace, tmp_path: Path) -> None:
    [account] = filled(("ISSUED",), workspace)
    for options in ((), ("--account", account)):
        done = call("export", "focus-1.4-invoices", "--out", tmp_path / "invoices.csv", *options, "--json").document
        assert done["statements"] == ["past-0001"]
        assert (tmp_path / "invoices.csv").read_text(encoding="utf-8").startswith("BilledCost,BillingAccountId,")
