"""Commands of operators against a provider's own bills: recovered, reconciled, booked, exported, and checked."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infrastructure.assembly import Parts
from tests.application.studios import later
from tests.faults.ponds import LISTED, leading_to
from tests.infrastructure.cli.workspaces import Outcome, Workspace, call
from tests.wire.clients import client_for, submit
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake, serving

GENERATE = ("generate", "a pond", "--account", "acme", "--model", LISTED)
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@pytest.fixture
def shell(fake: Fake, empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that leads to the fake, in which an account is open."""
    settings = leading_to(fake, empty.home)
    for name, value in {**settings, "catalogues": settings["catalogues"][0]}.items():
        monkeypatch.setenv(f"IMAGESTUDIO_{name.upper()}", str(value))
    assert call("account", "open", "acme", "--plan", "pro").code == 0
    return monkeypatch


def generated(fake: Fake) -> str:
    """The job of an operation that ended well."""
    assert call(*GENERATE, "--json").code == 0
    return fake.jobs()[-1].id


def reconciled(*options: object) -> Outcome:
    return call("reconcile", "wavespeed", "--until", "2100-01-01", "--since", "2020-01-01", "--json", *options)


def lines(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {line["job"]: line for line in outcome.document["lines"]}


def test_every_job_of_either_side_has_its_standing_and_what_differs_is_booked_once(
    fake: Fake, shell: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jobs = {status: generated(fake) for status in ("matched", "differs", "missing there", "unreadable")}
    with client_for(fake, "wavespeed", "/api/v3") as client:
        jobs["missing here"] = submit(client)
    for status, bill in {"matched": "0.04", "differs": "0.0512", "missing there": None}.items():
        fake.rebill(jobs[status], bill)
    fake.rebill(jobs["unreadable"], "unreadable")

    first = reconciled()
    assert (first.code, {line["status"]: job for job, line in lines(first).items()}) == (1, jobs)
    assert lines(first)[jobs["differs"]]["difference"]["amount"] == "0.0112"

    file = tmp_path / "bills.csv"
    booked, again = reconciled("--correct", "--csv", file), reconciled("--correct")
    assert lines(booked)[jobs["differs"]]["booked"]["amount"] == "0.0112"
    assert lines(again)[jobs["differs"]]["status"] == "matched"
    with file.open(newline="") as stream:
        rows = {row["job"]: (row["status"], row["recorded"], row["billed"]) for row in csv.DictReader(stream)}
    assert rows.keys() == set(jobs.values())
    assert rows[jobs["differs"]] == ("differs", "0.04", "0.0512")
    assert rows[jobs["missing there"]] == ("missing there", "0.04", "")
    assert call("audit").code == 0


def much_later(*command: str) -> Outcome:
    """A command that is given when every lease and every grace is over."""
    return call(*command, "--json", parts=Parts(clock=later()))


def test_what_a_dead_command_left_at_the_provider_is_recovered_by_another(
    fake: Fake, shell: pytest.MonkeyPatch
) -> None:
    fake.next("wavespeed", Behaviour(lost="drop"))
    lost = call(*GENERATE, "--json")
    assert (lost.code, call("recover", "--json").document["recovered"]) == (5, [])
    [one] = much_later("recover").document["recovered"]
    assert (one["operation"], one["action"]) == (lost.error["operation"], "found at the provider")
    assert len(fake.submissions()) == len(fake.jobs()) == 1
    assert call("audit").code == 0


def test_what_came_after_its_release_is_fetched_and_its_bill_booked_at_no_price(
    fake: Fake, shell: pytest.MonkeyPatch
) -> None:
    """Nobody could ask about its job until it was given up; then it had ended all the same."""
    shell.setenv("IMAGESTUDIO_ABANDON_SECONDS", "60")
    fake.next("wavespeed.polls", Behaviour(status=401), times=2)
    operation = call(*GENERATE, "--json").error["operation"]
    [one] = much_later("recover").document["recovered"]
    assert (one["action"], one["phase"]) == ("released by policy", "released")
    [job] = fake.jobs()
    fake.rebill(job.id, "0.03")
    assert lines(reconciled())[job.id]["recorded"] is None
    done = reconciled("--correct")
    line = lines(done)[job.id]
    assert (done.code, line["late"], line["booked"]["amount"]) == (0, True, "-0.01")
    story = call("operation", operation, "--json").document
    assert (story["price"]["amount"], story["cost"]["amount"]) == ("0.00", "0.03")
    assert call("audit").code == 0


def test_bills_that_cannot_be_read_are_one_error_and_book_nothing(fake: Fake, shell: pytest.MonkeyPatch) -> None:
    fake.rebill(generated(fake), "0.07")
    end = call("seal").out
    fake.revoke("wavespeed", "another")
    done = reconciled("--correct")
    assert (done.code, "401" in done.error["message"]) == (4, True)
    assert "imagestudio providers check" in done.error["hint"]
    assert call("seal").out == end
    assert fake.key("stability") not in done.err


CHECKS = {
    "as it is": (0, "answers"),
    "a wrong key": (1, "failed"),
    "no key": (1, "not set up"),
    "an address where nobody is": (1, "failed"),
    "an address that answers anything": (1, "failed"),
}


@pytest.mark.parametrize("provider", ["wavespeed", "stability"])
@pytest.mark.parametrize("what", CHECKS)
def test_a_check_says_whether_key_and_address_work(
    fake: Fake, shell: pytest.MonkeyPatch, provider: str, what: str
) -> None:
    prefix = f"IMAGESTUDIO_{provider.upper()}"
    match what:
        case "a wrong key":
            shell.setenv(f"{prefix}_KEY", "a wrong key")
        case "no key":
            shell.delenv(f"{prefix}_KEY")
        case "an address where nobody is":
            shell.setenv(f"{prefix}_URL", NOWHERE)
        case "an address that answers anything":
            shell.setenv(f"{prefix}_URL", f"{fake.url}/files")
    patience = "0.5" if what == "an address where nobody is" else "20"
    done = call("providers", "check", provider, "--json", "--seconds", patience)
    [one] = done.document["providers"]
    assert (done.code, one["state"]) == CHECKS[what]
    assert one["detail"]
    assert "a wrong key" not in one["detail"]
    assert fake.submissions() == []
