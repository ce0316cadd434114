"""Reports come to what `/v1/usage` says, in every format, under anybody's name, and a service makes each once."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from domain.billing import UnknownPeriod
from domain.errors import InvalidInput
from domain.money import Money
from infrastructure.clock import SECOND
from infrastructure.documents.brand import OURS, load_brand
from infrastructure.documents.plots import bars_by_day, grid_step
from infrastructure.reports.making import GRACE, ReportFolder, put_once
from infrastructure.reports.usage import PARTS, report_document, usage_report
from infrastructure.reports.writing import report_as
from infrastructure.service import Studio
from infrastructure.showing.formats import instant_of
from infrastructure.showing.sums import question_of, sums_document
from tests.application.studios import SYNC, studio_on

BEGIN = instant_of("2026-04-01", "Europe/Berlin")
END = instant_of("2026-05-01", "Europe/Berlin")
DAY = 24 * 60 * 60 * SECOND
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Clock:
    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock(BEGIN + DAY)


@pytest_asyncio.fixture
async def studio(database_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Studio]:
    """A month of an account in Berlin: three charges, one of them given back in part, and one failure."""
    async with studio_on(database_url, tmp_path, clock=clock) as made:
        await made.accounts.open("acme", plan="pro", zone="Europe/Berlin")
        for days, user, project in ((1, "ann", "spring"), (9, "ben", None), (29, "ann", None)):
            clock.at = BEGIN + days * DAY + 23 * 60 * 60 * SECOND // 2
            done = await made.operations.generate("x", account="acme", model=SYNC, user=user, project=project)
        await made.upkeep.refund(
            done.operation, account="acme", amount=Money.parse("0.01", "USD"), reason="a smudge", reference="r1"
        )
        yield made


@pytest.mark.asyncio
async def test_every_part_comes_to_what_usage_says(studio: Studio, clock: Clock) -> None:
    clock.at = END + DAY
    told = report_document(await usage_report(studio, "acme", "2026-04", clock()))
    words = {"from": "2026-04-01", "to": "2026-05-01"}
    asked = question_of(words, "acme", "Europe/Berlin")
    usage = sums_document(studio.views.sum_up(asked))["total"][0]
    assert told["total"] == {name: usage[name] for name in told["total"]}
    assert told["total"]["price"]["micros"] == 110_000
    for name in ("days", *PARTS):
        assert sum(one["price"]["micros"] for one in told[name]) == 110_000, name
        assert sum(one["charged"] for one in told[name]) == 3, name
    assert len(told["days"]) == 30
    assert {one["project"]: one["charged"] for one in told["projects"]} == {"spring": 1, None: 2}
    assert told["period"]["ended"]


@pytest.mark.asyncio
async def test_a_report_of_a_period_that_is_over_stays(studio: Studio, clock: Clock) -> None:
    clock.at = END + DAY
    before = await usage_report(studio, "acme", None, clock())
    await studio.operations.generate("later", account="acme", model=SYNC)
    after = await usage_report(studio, "acme", "2026-04-01", clock())
    assert (before.total, before.days, before.parts) == (after.total, after.days, after.parts)
    assert b"may still change" not in report_as(after, "html", OURS)
    current = await usage_report(studio, "acme", "2026-05", clock())
    assert b"may still change" in report_as(current, "html", OURS)


@pytest.mark.asyncio
async def test_papers_have_the_brand_the_sums_and_nothing_that_runs(
    studio: Studio, clock: Clock, tmp_path: Path
) -> None:
    clock.at = END + DAY
    (tmp_path / "logo.png").write_bytes(PNG)
    file = tmp_path / "fox.toml"
    file.write_text(
        'name = "Fox & <Lake>"\nlogo = "logo.png"\naccent = "#7A2E39"\nlines = ["Hamburg"]\nnote = "Call us"\n'
    )
    report = await usage_report(studio, "acme", "2026-04", clock())
    brand = load_brand(file)
    html = report_as(report, "html", brand).decode()
    for word in (
        "Fox &amp; &lt;Lake&gt;",
        "2px solid #7a2e39",
        "Hamburg",
        "Call us",
        "0.11 USD",
        "data:image/png;base64,",
    ):
        assert word in html, word
    assert html.count('class="bar"') == 4, "three days and a model"
    assert "<script" not in html
    assert "Image Studio" not in html
    pdf = report_as(report, "pdf", brand)
    assert pdf.startswith(b"%PDF-")
    assert pdf == report_as(report, "pdf", brand)
    with pytest.raises(InvalidInput, match="'doc' is none"):
        report_as(report, "doc", brand)


@pytest.mark.asyncio
async def test_what_there_is_not_is_refused(studio: Studio, clock: Clock) -> None:
    with pytest.raises(UnknownPeriod, match="no billing period '2020-01'"):
        await usage_report(studio, "acme", "2020-01", clock())
    await studio.accounts.open("idle", plan="free")
    with pytest.raises(UnknownPeriod, match="nothing was asked"):
        await usage_report(studio, "idle", None, clock())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('accent = "red"', "accent: 'red' is not a colour"),
        ('colour = "#000000"', "'colour' is nothing that a brand has"),
        ("name = 1", "name: is not a text"),
        ('lines = "a"', "lines: is not a list"),
        ('logo = "none.png"', "none.png cannot be read"),
        ('logo = "brand.toml"', "neither PNG nor JPEG"),
        ("name", "it is not TOML"),
    ],
)
def test_a_brand_that_is_wrong_says_where(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "brand.toml"
    file.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_brand(file)
    assert told in caught.value.message


@pytest.mark.asyncio
async def test_a_service_makes_a_report_once_when_its_period_is_over(
    studio: Studio, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "reports"

    def one() -> ReportFolder:
        return ReportFolder(studio, folder, OURS, clock)

    clock.at = END + GRACE - 1
    assert await one().turn() == []
    clock.at = END + GRACE
    first = one()
    assert sorted(path.name for path in await first.turn()) == ["acme-2026-04-01.html", "acme-2026-04-01.pdf"]
    made = {path.name: path.stat() for path in folder.iterdir()}
    assert await first.turn() == []
    assert await one().turn() == [], "nor by another process"
    clock.at = END + 20 * DAY
    assert await one().turn() == []
    assert {path.name: path.stat() for path in folder.iterdir()} == made
    (folder / "acme-2026-04-01.pdf").unlink()
    clock.at = END + 50 * DAY
    assert [path.name for path in await one().turn()] == ["acme-2026-04-01.pdf"], "whoever deletes it gets it anew"


def test_of_two_that_put_a_file_there_one_does(tmp_path: Path) -> None:
    place = tmp_path / "a" / "report.pdf"
    assert put_once(place, b"first")
    assert not put_once(place, b"second")
    assert place.read_bytes() == b"first"
    assert [path.name for path in place.parent.iterdir()] == ["report.pdf"]


def test_a_grid_is_round_and_holds_every_bar() -> None:
    assert [grid_step(most) for most in (0, 1, 4, 5, 9, 400_000, 410_000)] == [1, 1, 1, 2, 5, 100_000, 200_000]
    plot = bars_by_day("t", "w", [("2026-04-01", 40_000), ("2026-04-02", 0), ("2026-04-03", -5)], str)
    assert len(plot.bars) == 1
    assert plot.bars[0].y >= 0
