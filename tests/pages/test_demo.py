"""The demonstration tells the truth: its facts are asserted, to the millionth."""

from __future__ import annotations

import io
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from PIL import Image

from infrastructure.cli import demo

PICTURES = {
    "1-lake.png": (512, 512),
    "2-lighthouse.png": (512, 512),
    "3-lake-in-sepia.png": (512, 512),
    "4-lake-enlarged.png": (1024, 1024),
    "5-forest-1.png": (512, 512),
    "5-forest-2.png": (512, 512),
    "5-forest-3.png": (512, 512),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """What the demonstration prints on 80 columns, and where its pictures are; played once."""
    workspace = tmp_path_factory.mktemp("demo")
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out):
        patched.setenv("COLUMNS", "80")
        patched.setattr("tempfile.mkdtemp", lambda prefix: str(workspace))
        patched.setattr("sys.excepthook", sys.excepthook)
        assert demo.main() == 0
    return out.getvalue().splitlines(), workspace / "pictures"


def line(told: tuple[list[str], Path], start: str) -> str:
    """The one line that begins so, its columns one space apart."""
    found = [" ".join(one.split()) for one in told[0]]
    return next(one for one in found if one.startswith(start))


@pytest.mark.parametrize(
    ("act", "end"),
    [
        ("ann a mountain lake at dawn ", "charged 0.01 USD, stand-in"),
        ("bob a lighthouse", "charged 0.01 USD, stand-in"),
        ("ann edit it", "charged 0.02 USD, stand-in"),
        ("ann enlarge that", "charged 0.005243 USD"),
        ("bob a forest in autumn, 3 times", "charged 0.03 USD, stand-in"),
        ("bob a forest in autumn, 3 more", "refused, recorded"),
        ("ann one that the provider spoils", "failed, released"),
        ("ann a mountain lake at dawn, again", "charged nothing, stand-in"),
    ],
)
def test_each_act_ends_as_it_should(told: tuple[list[str], Path], act: str, end: str) -> None:
    assert line(told, act).endswith(end)


def test_the_refusal_names_the_limit_and_what_is_left(told: tuple[list[str], Path]) -> None:
    refusal = line(told, "user:bob's")
    assert re.fullmatch(r"user:bob's images limit of 5 a period leaves 1 until \d{4}-\d\d-01, 3 asked", refusal)


def test_the_timeline_shows_the_hold_and_the_charge(told: tuple[list[str], Path]) -> None:
    facts = [" ".join(one.split()[1:]) for one in told[0] if re.match(r"  \d\d:\d\d:\d\d", one)]
    assert [fact.split()[0] for fact in facts] == ["requested", "validated", "dispatched", "completed", "charged"]
    assert facts[1] == "validated 0.005243 held for 0.262144 megapixel at 0.02 USD"
    assert facts[4].startswith("charged 0.005243 for 0.262144 megapixel (quoted); cost")


def test_the_views_add_up_to_what_was_charged(told: tuple[list[str], Path]) -> None:
    assert line(told, "ann image-edit") == "ann image-edit 1 1 0 0.02 0.00"
    assert line(told, "ann text-to-image") == "ann text-to-image 2 1 0 0.01 0.015"
    assert line(told, "ann upscale") == "ann upscale 1 1 0 0.005243 0.00"
    assert line(told, "bob text-to-image") == "bob text-to-image 7 4 3 0.04 0.00"
    totals = [one for one in told[0] if one.strip() == "in all 0.075243 USD price, 0.015 USD cost"]
    assert len(totals) == 2


def test_the_audit_replays_every_fact_and_finds_every_view_equal(told: tuple[list[str], Path]) -> None:
    assert line(told, "facts replayed") == "facts replayed 50"
    assert line(told, "hash chains") == "hash chains intact"
    for view in ("usage_summary 4", "period_totals 1", "model_costs 4", "operation_log 11"):
        assert line(told, view) == f"{view} 0 equal"
    assert line(told, "Every fact is as it was written")


def test_the_pictures_are_real_and_stay(told: tuple[list[str], Path]) -> None:
    assert str(told[1]) in line(told, "The pictures are in")
    found = {}
    for path in told[1].iterdir():
        with Image.open(path) as image:
            image.load()
            found[path.name] = image.size
    assert found == PICTURES


def test_it_fits_on_two_screens(told: tuple[list[str], Path]) -> None:
    assert len(told[0]) <= 80
    assert not [one for one in told[0] if len(one) > 80 and "/" not in one]


def test_the_library_tells_what_each_picture_cost_with_all_that_it_came_from(told: tuple[list[str], Path]) -> None:
    title = next(place for place, one in enumerate(told[0]) if one.startswith("Library of acme"))
    rows = [" ".join(one.split()[1:]) for one in told[0][title + 2 : title + 9]]
    assert sorted(rows) == sorted(
        [
            "upscale 2 0.005243 0.035243",
            "image-edit 1 0.02 0.03",
            *["text-to-image 0.01 0.01"] * 5,
        ]
    )
