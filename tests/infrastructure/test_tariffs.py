"""Tariffs come from the files of the plans, and every mistake names file, tariff and field."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from domain.errors import CatalogueError
from domain.pricing import PriceBook
from domain.tariffs import Selling
from infrastructure.configcheck import settings_troubles
from infrastructure.tariffs import load_sales

BOOK = PriceBook("0123456789ab", "USD")
WHOLE = """
[[plan]]
id = "studio"
price = "49.00"
tariff = "retail"

[[tariff]]
id = "retail"
rules = [
  { factor = "1.30" },
  { kind = ["upscale", "image-edit"], of = "list", factor = "0.9", add = "0.002" },
  { model = "flux", by = "model", factor = "1.5", tiers = [{ after = 1000, factor = "1.25" }] },
]
discounts = [{ percent = "12.5", plan = "studio", from = 2026-12-01, until = 2027-01-01 }]

[[tariff]]
id = "retail"
from = 2027-01-01
rules = [{ factor = "1.40" }]
"""


def written(folder: Path, text: str, name: str = "plans.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def loaded(folder: Path, text: str) -> Selling:
    _, selling = load_sales([written(folder, text)], BOOK)
    assert selling is not None
    return selling


def test_a_file_says_which_plan_is_sold_by_which_tariff(tmp_path: Path) -> None:
    selling = loaded(tmp_path, WHOLE)
    first, second = selling.tariffs["retail"]

    assert dict(selling.plans) == {"studio": "retail"}
    assert first.effective_from < second.effective_from
    everything, kinds, model = first.rules
    assert (everything.of, everything.tiers[0].factor, dict(everything.when)) == ("cost", Decimal("1.30"), {})
    assert (kinds.of, kinds.tiers[0].added) == ("list", 2_000)
    assert kinds.when == {"kind": frozenset({"upscale", "image-edit"})}
    assert [(one.after, one.factor) for one in model.tiers] == [(0, Decimal("1.5")), (1000, Decimal("1.25"))]
    assert [(one.percent, one.name) for one in first.discounts] == [(Decimal("12.5"), "plan studio")]
    assert len({first.version, second.version}) == 2


def test_without_tariffs_nothing_is_sold_otherwise() -> None:
    plans, selling = load_sales([], BOOK)

    assert selling is None
    assert "pro" in plans


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[tariff]]\nid = "x"\nrules = [{ factor = 1.3 }]', "tariff 'x': rules[0].factor: write it as text"),
        ('[[tariff]]\nid = "x"\nrules = [{ factor = "-1" }]', "rules[0].factor: not an exact rate"),
        ('[[tariff]]\nid = "x"\nrules = [{ factr = "1" }]', "rules[0].factr: there is no such field"),
        ('[[tariff]]\nid = "x"\nrules = [{ kind = "painting" }]', "there is no kind of operation 'painting'"),
        ('[[tariff]]\nid = "x"\nrules = [{}, {}]', "neither names more: all; all"),
        ('[[tariff]]\nid = "x"\nrules = [{ tiers = [{ after = 5, factor = "2" }] }]', "rises after 5 outputs"),
        ('[[tariff]]\nid = "x"\ndiscounts = [{ percent = "101" }]', "discounts[0].percent: write a share"),
        ('[[tariff]]\nid = "x"\n[[tariff]]\nid = "x"', "there is one from that instant already"),
        ('[[plan]]\nid = "p"\nprice = "1"\ntariff = "y"\n[[tariff]]\nid = "x"', "there is no tariff 'y'"),
        ("[[tariff]]\nrules = []", "tariff 1: id: is missing"),
        ("tariff = 5", "tariff"),
        ("[[tariff", "is not TOML"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_nothing_is_loaded(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CatalogueError, match=r"plans\.toml|plan 'p'") as error:
        load_sales([written(tmp_path, text)], BOOK)

    assert told in error.value.message


def test_a_check_of_the_settings_finds_what_is_wrong_with_a_tariff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, '[[tariff]]\nid = "x"\nrules = [{}, {}]')
    monkeypatch.setenv("IMAGESTUDIO_PLANS", str(path))

    told = [one.error.message for one in settings_troubles() if one.setting == "IMAGESTUDIO_PLANS"]

    assert told == [f"{path}: tariff 'x': when: two rules hold for the same work, and neither names more: all; all"]
