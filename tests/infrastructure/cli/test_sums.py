"""The command `usage` with other groups: by anything, in any zone, as a page, JSON and CSV."""

from __future__ import annotations

import csv
from datetime import datetime

import pytest

from tests.infrastructure.cli.workspaces import MONTH, Workspace, call


def workspace_end() -> int:
    """The last position of the log."""
    return max(int(row["position"]) for row in call("projections", "status", "--json").document["views"])


def test_groups_come_to_what_the_periods_come_to(workspace: Workspace) -> None:
    found = call("usage", "--by", "model,user", "--json").document
    [whole] = found["total"]
    [period] = call("usage", "--json").document["total"]
    assert [whole[name] for name in ("price", "adjusted", "gross")] == [
        period[name] for name in ("price", "adjusted", "gross")
    ]
    assert sum(row["price"]["micros"] for row in found["usage"]) == whole["price"]["micros"]
    assert {row["model"] for row in found["usage"]} >= {"local-canvas", "scripted-image"}


def test_an_answer_says_its_position_its_zone_and_the_ends_of_its_days(workspace: Workspace) -> None:
    whole = ("--from", f"{MONTH[:4]}-01-01", "--to", f"{int(MONTH[:4]) + 1}-02-01")
    found = call("usage", "--by", "day", "--tz", "Asia/Kathmandu", *whole, "--json").document
    assert found["position"] == workspace_end()
    assert found["zone"] == "Asia/Kathmandu"
    assert found["usage"]
    for row in found["usage"]:
        start, end = (datetime.fromisoformat(row[name]) for name in ("start", "end"))
        assert row["start"][11:] == "18:15:00Z" or row["start"] == found["from"], "the first day may begin before"
        assert row["end"][11:] == "18:15:00Z" or row["end"] == found["to"], "and the last go on in the next period"
        assert float(row["hours"]) == (end - start).total_seconds() / 3_600


def test_a_page_is_written_as_csv_and_told_in_words(workspace: Workspace) -> None:
    path = workspace.home / "sums.csv"
    told = call("usage", "--by", "user", "--top", "price", "--csv", path)
    assert told.code == 0
    assert "costs known: " in told.out
    assert "as of position " in told.out
    rows = [*csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    prices = [float(row["price"]) for row in rows]
    assert prices == sorted(prices, reverse=True)
    assert {"user", "currency", "cost_known_provider"} <= rows[0].keys()


def test_pages_go_on_after_a_cursor(workspace: Workspace) -> None:
    whole = call("usage", "--by", "model", "--json").document["usage"]
    first = call("usage", "--by", "model", "--limit", "1", "--json").document
    rest = call("usage", "--by", "model", "--after", first["next"], "--json").document
    assert first["usage"] + rest["usage"] == whole


def test_failures_are_told_by_their_codes(workspace: Workspace) -> None:
    found = call("usage", "--by", "model,code", "--top", "failed", "--everyone", "--json").document["usage"]
    assert all(row["code"] is not None for row in found if row["failed"])
    assert all(row["failure_rate"] is not None for row in found if row["charged"] or row["failed"])


def test_what_was_asked_with_tags_is_found_and_summed_up_by_them(workspace: Workspace) -> None:
    path = workspace.home / "tags.csv"
    found = call("usage", "--by", "tag:team", "--csv", path, "--json").document
    assert {row["tag:team"]: (row["charged"], row["erased"]) for row in found["usage"]} == {
        None: (1, False),
        "red": (2, False),
    }
    assert found["tags_erased"] is False
    assert found["total"] == call("usage", "--by", "model", "--json").document["total"]
    assert [row["tag:team"] for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())] == ["", "red"]
    by_each = call("usage", "--by", "tag", "--tag", "run=7", "--json").document
    assert [row["tag"] for row in by_each["usage"]] == ["run=7", "team=red"]
    assert by_each["total"][0]["charged"] == 2
    ids = [row["id"] for row in call("operations", "--tag", "team=red", "--json").document["operations"]]
    assert sorted(ids) == sorted(f"{workspace.ids['batch']}.{number}" for number in (1, 2))
    assert call("operation", ids[0], "--json").document["tags"] == {"run": "7", "team": "red"}
    listed = {row["id"]: row["tags"] for row in call("operations", "--json").document["operations"]}
    assert {id for id, tags in listed.items() if tags} == {*ids}
    assert listed[ids[0]] == {"run": "7", "team": "red"}
    assert "TAGS" in call("operations", "--tag", "team=red", "--csv", path).out
    written = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    assert {row["id"]: row["tags"] for row in written} == dict.fromkeys(ids, "run=7, team=red")
    assert "tags: run=7, team=red" in call("operation", ids[0]).out


def test_what_was_held_stands_beside_what_was_charged(workspace: Workspace) -> None:
    rows = call("usage", "--estimated", "--json").document["usage"]
    assert {row["model"] for row in rows} >= {"local-canvas"}
    for row in rows:
        assert row["difference"]["micros"] == row["gross"]["micros"] - row["held"]["micros"]
    shown = call("usage", "--estimated").out
    assert "DIFFERENCE" in shown
    assert "GROSS" in shown, "corrections are not in it, as they are in a price"
    assert call("usage", "--by", "model", "--as-of", "3").out.count("as of position") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--by", "colour"), "group_by: there is no 'colour'"),
        (("--by", "day,hour"), "group_by: names two parts of a calendar"),
        (("--from", "2026-04-10T00:07"), "from: is not at a quarter of an hour"),
        (("--from", "2026-04-10", "--to", "2026-04-10"), "to: is not after the beginning"),
        (("--by", "day", "--tz", "Mars"), "unknown time zone 'Mars'"),
        (("--by", "tag:"), "group_by: '' is no name of a tag"),
        (("--by", "tag,tag:team"), "group_by: names two groups by tags"),
        (("--tag", "team"), "tag: 'team' is not NAME=VALUE"),
        (
            ("--by", "tag", "--as-of", "9"),
            "as_of: tags have no past, as they can be erased",
        ),
        (("--top", "beauty"), "top: there is no 'beauty'"),
        (("--by", "user", "--after", "nothing"), "after: 'nothing' is no cursor of this list"),
    ],
)
def test_what_cannot_be_asked_is_one_clear_error(workspace: Workspace, options: tuple[str, ...], said: str) -> None:
    answer = call("usage", *options, "--json")
    assert answer.error["message"] == said
    assert workspace.home.is_dir()
