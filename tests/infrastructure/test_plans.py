"""Plans come from files beside those that are built in, and every mistake names file, plan and field."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from domain.errors import CatalogueError
from domain.plans import PLANS, Limits, Paying, Plan, Trial
from infrastructure.configcheck import settings_troubles
from infrastructure.plans import load_plans
from infrastructure.settings import Settings

WHOLE = """
[[plan]]
id = "studio"
price = "49.00"
allowance = "40.00"
overage = "1.25"
limits = { images = 500, 3d = 3, spend = "200.00" }
windows.day = { images = 100 }
trial = { days = 14, limits = { images = 20 }, windows.hour = { images = 2 }, allowance = "5.00", then = "free" }
"""


def written(folder: Path, text: str, name: str = "plans.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_says_all_that_a_plan_is(tmp_path: Path) -> None:
    plans = load_plans([written(tmp_path, WHOLE)])

    assert plans["studio"] == Plan(
        "studio",
        49_000_000,
        Limits(images=500, models_3d=3, spend=200_000_000),
        {"day": Limits(images=100)},
        allowance=40_000_000,
        overage=Decimal("1.25"),
        trial=Trial(14, Limits(images=20), {"hour": Limits(images=2)}, 5_000_000, "free"),
    )
    assert {id: plans[id] for id in PLANS} == PLANS
    assert plans["studio"].paying == Paying(49_000_000, 40_000_000, Decimal("1.25"))


def test_a_later_file_replaces_a_plan_and_so_does_one_of_ours(tmp_path: Path) -> None:
    first = written(tmp_path, '[[plan]]\nid = "pro"\nprice = "1"\n', "a.toml")
    second = written(tmp_path, '[[plan]]\nid = "pro"\nprice = "2"\n', "b.toml")

    assert load_plans()["pro"].price == 79_000_000
    assert load_plans([first, second])["pro"] == Plan("pro", 2_000_000, Limits())


def test_what_the_allowance_does_not_cover_may_be_refused(tmp_path: Path) -> None:
    text = '[[plan]]\nid = "odd"\nprice = "1"\nallowance = "1"\noverage = "refused"\n'

    assert load_plans([written(tmp_path, text)])["odd"].overage is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('price = "1"', "plan 1: id: is missing"),
        ('id = "odd"', "plan 'odd': price: is missing"),
        ('id = "odd"\nprice = 29.0', "plan 'odd': price: write it as text"),
        ('id = "odd"\nprice = "-1"', "plan 'odd': price: is negative"),
        ('id = "odd"\nprice = "1e3"', "plan 'odd': price: not an exact amount"),
        ('id = "odd"\nprice = "1"\npirce = "1"', "plan 'odd': pirce: there is no such field; did you mean price?"),
        ('id = "odd"\nprice = "1"\nlimits = { images = -1 }', "plan 'odd': limits.images"),
        ('id = "odd"\nprice = "1"\nwindows.year = { images = 1 }', "plan 'odd': windows.year: there is no such field"),
        ('id = "odd"\nprice = "1"\noverage = "1.5"', "plan 'odd': overage: nothing is beyond an allowance"),
        ('id = "odd"\nprice = "1"\nallowance = "1"\noverage = 2', "plan 'odd': overage: write 'refused', or a factor"),
        ('id = "odd"\nprice = "1"\nallowance = "1"\noverage = "101"', "plan 'odd': overage: a factor of 101"),
        ('id = "odd"\nprice = "1"\ntrial = { days = 0 }', "plan 'odd': trial.days"),
        ('id = "odd"\nprice = "1"\ntrial = { days = 9999 }', "plan 'odd': days: a trial of 9,999 days"),
        ('id = "odd"\nprice = "1"\ntrial = { days = 5, then = "gold" }', "plan 'odd': trial.then: there is no plan"),
        ('id = "odd"\nprice = "1"\n[[plan]]\nid = "odd"\nprice = "1"', "plan 'odd': there is one already"),
    ],
)
def test_a_mistake_names_file_plan_and_field(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, f"[[plan]]\n{text}\n")

    with pytest.raises(CatalogueError) as refusal:
        load_plans([path])

    assert f"{path}: {told}" in refusal.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[plan]", "is not TOML"),
        ('currency = "usd"', "currency: unknown currency"),
        ("plans = 1", "plans: there is no"),
    ],
)
def test_what_is_no_file_of_plans_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CatalogueError, match=told):
        load_plans([written(tmp_path, text)])


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_plans([tmp_path / "none.toml"])


def test_the_check_of_the_settings_reads_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, '[[plan]]\nid = "odd"\n')
    monkeypatch.setenv("IMAGESTUDIO_HOME", str(tmp_path))
    monkeypatch.setenv("IMAGESTUDIO_PLANS", str(path))

    told = [trouble for trouble in settings_troubles() if trouble.setting == "IMAGESTUDIO_PLANS"]

    assert [one.error.message for one in told] == [f"{path}: plan 'odd': price: is missing"]
    assert Settings().plans == (path,)
