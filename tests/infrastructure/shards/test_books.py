"""The books and the log of all shards: exports that add up, parts that go on, events, pushes; also after a move."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.infrastructure.cli.workspaces import call
from tests.infrastructure.exporting.test_pushing import OpenMeter, served
from tests.infrastructure.shards.conftest import ACCOUNTS


def exported(file: Path, *options: str, format: str = "json") -> tuple[dict[str, Any], list[Any]]:
    """What the command says, and the rows."""
    done = call("export", format, "--out", file, *options, "--json")
    assert done.code == 0, done.err
    return done.document, [json.loads(line) for line in file.read_text().splitlines() if format == "json"]


def test_an_export_of_all_shards_has_the_totals_of_them_and_goes_on_after_a_move(studio: Path) -> None:
    balance = call("books", "--json").document
    whole, rows = exported(studio / "whole")
    assert (whole["total"], whole["positions"]) == (balance["total"], {"a": 7, "b": 7})
    assert {row["customer"] for row in rows} == {*ACCOUNTS}
    assert [row["instant"] for row in rows] == sorted(row["instant"] for row in rows)
    assert {row["position"][:2] for row in rows} == {"a:", "b:"}
    first, ones = exported(studio / "first", "--upto", "a:7,b:4")
    second, others = exported(studio / "second", "--after", "a:7,b:4")
    assert sorted(map(str, ones + others)) == sorted(map(str, rows))
    assert first["facts"] + second["facts"] == whole["facts"]
    for wrong in (
        ("--after", "5"),
        ("--after", "a:9,b:9"),
        ("--after", "a:1"),
        ("--upto", "a:1", "--after", "a:2,b:2"),
    ):
        assert call("export", "json", "--out", studio / "x", *wrong, "--json").error["code"] == "invalid_input", wrong
    assert call("shard", "move", ACCOUNTS[0], "--to", "b").code == 0
    again, moved = exported(studio / "moved")
    assert (again["total"], again["facts"], len(moved)) == (whole["total"], whole["facts"], len(rows))
    assert {row["user"] for row in moved} == {row["user"] for row in rows}
    for format in ("json", "beancount"):
        after = exported(studio / f"after.{format}", "--after", "a:7,b:7", format=format)[0]
        assert (after["facts"], after["total"]) == (0, []), format
    assert call("generate", "y", "-m", "scripted-image", "--account", ACCOUNTS[0]).code == 0
    assert exported(studio / "more", "--after", "a:7,b:7")[0]["facts"] > 0
    assert call("books", "--json").document["total"] == exported(studio / "all")[0]["total"]


def test_postings_of_all_shards_come_in_pages_that_miss_none(studio: Path) -> None:
    whole = call("books", "receivable", "--json", "--limit", "50").document
    seen, after = list[Any](), "a:0,b:0"
    for _ in range(20):
        page = call("books", "receivable", "--json", "--limit", "1", "--after", after).document
        seen += page["postings"]
        if "next" not in page:
            break
        after = page["next"]
    assert seen == whole["postings"]
    assert {tuple(row["positions"]) for row in seen} == {("a",), ("b",)}


def test_postings_between_whose_pages_an_account_moved_are_told_once(studio: Path) -> None:
    def page(after: str, limit: int) -> Any:
        return call("books", "receivable", "--json", "--limit", str(limit), "--after", after).document

    whole = page("a:0,b:0", 50)
    first = page("a:0,b:0", 1)
    assert call("shard", "move", ACCOUNTS[0], "--to", "b").code == 0
    second = page(first["next"], 50)
    assert first["postings"] + second["postings"] == whole["postings"]
    assert "next" not in second
    end = ",".join(f"{name}:{at}" for name, at in second["positions"].items())
    assert page(end, 50)["postings"] == []
    assert call("generate", "y", "-m", "scripted-image", "--account", ACCOUNTS[0]).code == 0
    assert {row["account"] for row in page(end, 50)["postings"]} == {ACCOUNTS[0]}
    assert len(page("a:0,b:0", 50)["postings"]) == len(whole["postings"]) + len(page(end, 50)["postings"])
    for wrong in ("a:0,b:0/a:0,b:0", "a:0,b:0/a:x,b:0/a:1,b:1"):
        assert call("books", "receivable", "--json", "--after", wrong).error["code"] == "invalid_input"


def test_events_are_told_shard_after_shard_with_their_positions(studio: Path) -> None:
    told = call("events", "--json").document["events"]
    assert [[*row["positions"].items()] for row in told] == [[(name, n)] for name in "ab" for n in range(1, 8)]
    assert len(call("events", "--json", "--after", "a:7,b:3", "--limit", "3").document["events"]) == 3
    own = call("events", "--json", "--account", ACCOUNTS[1], "--after", "5").document["events"]
    assert [row["position"] for row in own] == [6, 7]
    assert call("events", "--json", "--after", "5").error["code"] == "invalid_input"
    assert call("events").out.split()[0] == "a:1"


def test_a_push_goes_on_in_each_shard_and_counts_nothing_twice_after_a_move(studio: Path) -> None:
    meter = OpenMeter()
    with served(meter) as url:
        for count in (2, 0):
            done = call("push", url, "--checkpoint", studio / "mark", "--json").document["shards"]
            assert sum(one["events"] for one in done.values()) == count, done
        counted = len(meter.events)
        assert call("shard", "move", ACCOUNTS[0], "--to", "b").code == 0
        assert call("push", url, "--checkpoint", studio / "mark").code == 0
        assert len(meter.events) == counted
    assert sorted(one.name for one in studio.glob("mark.*")) == ["mark.a", "mark.b"]
