"""Reconciling from a shell: every job of either side is told, exported exactly, and what differs is booked once."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from application.keeping.reconciliation import ReconciledJob
from infrastructure.cli.billpages import show_reconciled
from infrastructure.cli.rendering import Page
from infrastructure.showing.bills import Reconciliation
from tests.infrastructure.cli.workspaces import ACCOUNT, Outcome, Workspace, call, stuck

JOBS = ("generate", "x", "-m", "scripted-findable")


def asked(*script: str) -> str:
    """An operation that ended well, with the costs and bills of its script."""
    inputs = [word for one in script for word in ("-i", one)]
    operation: str = call(*JOBS, *inputs, "--json").document["operation"]
    return operation


def reconciled(*options: object) -> Outcome:
    return call("reconcile", "scripted", *options)


def lines(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {line["operation"] or line["job"]: line for line in outcome.document["lines"]}


@pytest.fixture
def jobs(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An operation of each standing, by its standing, and a job that only the provider knows: another ledger's."""
    found = {
        "matched": asked("cost=0.05"),
        "differs": asked("cost=0.04", "billed=0.0512"),
        "missing there": asked(),
        "open": stuck(),
    }
    other = tmp_path / "other"
    other.mkdir()
    (other / "scripted").symlink_to(workspace.home / "scripted")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("IMAGESTUDIO_HOME", str(other))
        assert call("account", "open", ACCOUNT, "--plan", "pro").code == 0
        assert call(*JOBS, "-i", "job=stranger", "-i", "cost=1.25").code == 0
    return {**found, "missing here": "stranger"}


def test_each_job_has_its_standing_and_its_exact_amounts(jobs: dict[str, str]) -> None:
    done = reconciled("--json")
    assert (done.code, done.err, done.document["explained"]) == (1, "", False)
    found = lines(done)
    assert {found[id]["status"]: id for id in found} == jobs
    differs = found[jobs["differs"]]
    assert [differs[name]["amount"] for name in ("recorded", "billed", "difference", "booked")] == [
        "0.04",
        "0.0512",
        "0.0112",
        "0.00",
    ]
    assert (found["stranger"]["operation"], found["stranger"]["recorded"]) == (None, None)
    assert found["stranger"]["difference"]["amount"] == "1.25"
    assert found[jobs["missing there"]]["billed"] is None
    summary = done.document["summary"]
    assert {status: sums["jobs"] for status, sums in summary.items()} == dict.fromkeys(jobs, 1)
    assert summary["missing there"]["difference"]["amount"] == "-0.04"


def test_people_see_what_is_not_plainly_matched_the_sums_and_how_to_book(jobs: dict[str, str]) -> None:
    done = reconciled()
    text = done.out
    assert done.code == 1
    assert jobs["matched"] not in text
    assert all(jobs[status] in text for status in jobs if status != "matched")
    assert "3 jobs of 5 not explained." in text
    assert "to correct what differs: imagestudio reconcile scripted --correct" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_what_differs_is_booked_once_and_no_price_moves(jobs: dict[str, str]) -> None:
    first, again = reconciled("--correct", "--json"), reconciled("--correct", "--json")
    assert lines(first)[jobs["differs"]]["booked"]["amount"] == "0.0112"
    assert lines(again)[jobs["differs"]]["status"] == "matched"
    story = call("operation", jobs["differs"], "--json").document
    assert (story["price"]["amount"], story["cost"]["amount"]) == ("0.04", "0.0512")
    assert [event["type"] for event in story["events"]].count("operation.adjusted") == 1
    assert call("audit").code == 0


def test_what_was_booked_is_told_and_then_everything_is_explained(workspace: Workspace) -> None:
    asked("cost=0.04", "billed=0.05")
    asked("cost=0.04", "billed=0.01")
    done = reconciled("--correct")
    assert done.code == 0
    assert "Booked 2 corrections of our costs, -0.02 USD in all; no price changed." in done.out
    assert "imagestudio reconcile" not in done.out
    again = reconciled()
    assert again.code == 0
    assert again.out.endswith("Every cost is what the provider billed, or is not settled yet.\n")


def test_where_neither_side_knows_a_job_there_is_nothing_to_explain(workspace: Workspace) -> None:
    done = reconciled("--since", "2001-01-01", "--until", "2001-02-01")
    assert (done.code, done.out.splitlines()) == (
        0,
        [
            "Costs in USD against the bills of scripted",
            "  2001-01-01/2001-02-01 in UTC",
            "  neither side knows of a job in this span",
        ],
    )


def test_the_span_is_the_last_seven_days_unless_it_is_given(workspace: Workspace) -> None:
    spans = [
        reconciled("--json").document,
        reconciled("--until", "2001-01-08", "--json").document,
        reconciled("--since", "2001-01-01", "--until", "2001-01-02T12:00+01:00", "--json").document,
    ]
    assert spans[0]["since"][8:10] != spans[0]["until"][8:10]
    assert [(span["since"][:19], span["until"][:19]) for span in spans[1:]] == [
        ("2001-01-01T00:00:00", "2001-01-08T00:00:00"),
        ("2001-01-01T00:00:00", "2001-01-02T11:00:00"),
    ]


def test_the_command_that_books_has_the_span_that_was_asked(workspace: Workspace) -> None:
    asked("cost=0.04", "billed=0.05")
    text = " ".join(reconciled("--since", "2001-01-01", "--until", "9000-01-01").out.split())
    assert "imagestudio reconcile scripted --since 2001-01-01 --until 9000-01-01 --correct" in text


def test_every_line_is_exported_with_exact_decimals(jobs: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    file.write_text("of last week")
    document = lines(reconciled("--csv", file, "--json"))
    with file.open(newline="") as stream:
        rows = {row["operation"] or row["job"]: row for row in csv.DictReader(stream)}
    assert rows.keys() == document.keys()
    assert rows[jobs["differs"]] == {
        "status": "differs",
        "job": document[jobs["differs"]]["job"],
        "operation": jobs["differs"],
        "account": ACCOUNT,
        "model": "scripted-findable",
        "recorded": "0.04",
        "billed": "0.0512",
        "difference": "0.0112",
        "booked": "0.00",
        "currency": "USD",
        "late": "no",
    }
    assert (rows["stranger"]["account"], rows["stranger"]["recorded"]) == ("", "")
    assert [path for path in tmp_path.iterdir() if "bills" in path.name] == [file]


def test_an_export_that_cannot_be_written_books_nothing(workspace: Workspace) -> None:
    asked("cost=0.04", "billed=0.05")
    end = call("seal").out
    for target in (workspace.home, workspace.home / "nowhere" / "x.csv", workspace.database / "x.csv"):
        done = reconciled("--correct", "--csv", target, "--json")
        assert (done.code, done.error["message"].partition(":")[0]) == (2, "--csv")
    assert call("seal").out == end


def test_an_export_of_bills_that_cannot_be_read_leaves_the_old_one(workspace: Workspace) -> None:
    file = workspace.home / "bills.csv"
    file.write_text("of last week")
    assert call("reconcile", "blind", "--csv", file).code == 4
    assert file.read_text() == "of last week"
    assert [path.name for path in workspace.home.iterdir() if "bills" in path.name] == ["bills.csv"]


def printed(width: int, *found: ReconciledJob) -> str:
    console = Console(file=io.StringIO(), width=10_000, soft_wrap=True)
    show_reconciled(Page(console, width), Reconciliation("atelier", 0, 1, found, "USD"), "")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


UNREADABLE = ReconciledJob("unreadable", "j-1", "op-1", "acme", "painter", 40_000, None)
LATE = ReconciledJob("differs", "j-2", "op-2", "acme", "painter", 0, 30_000, late=True, booked=30_000)


def test_a_bill_that_cannot_be_read_is_not_explained() -> None:
    text = printed(200, UNREADABLE)
    assert "1 job of 1 not explained." in text
    assert [line.split() for line in text.splitlines() if "op-1" in line] == [
        ["unreadable", "op-1", "j-1", "acme", "painter", "0.04"]
    ]


def test_a_wide_page_shows_job_account_model_and_what_was_late() -> None:
    [line] = [line.split() for line in printed(200, LATE).splitlines() if "op-2" in line]
    assert line == ["differs", "op-2", "j-2", "acme", "painter", "late", "0.00", "0.03", "0.03"]
