"""Catalogue files: what is in ours, what a file may say, and what an overlay may change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.catalogue import Class, Family, Model, Strategy, check_inputs
from domain.errors import CatalogueError, UnknownModel
from domain.inputs import FileInfo
from domain.periods import EARLIEST
from domain.pricing import PriceBook, Quote, Unit, Unpriced, quote
from infrastructure.catalogue import load_catalogue
from infrastructure.plugins import catalogue_files
from infrastructure.providers.scripted import OUTCOMES
from infrastructure.showing.hints import in_shell
from tests.infrastructure.catalogue.catalogue_files import MINIMAL, PRICED, SIZED, loaded

NOW = 1_800_000_000_000_000
PICTURE = FileInfo("image/png", 900, 1000, 500)
FOX = {"prompt": "a fox"}

Files = Mapping[str, tuple[FileInfo, ...]]
NO_FILES: Files = {}


def quoted(model: Model, inputs: Mapping[str, object], at: int = NOW, media: Files = NO_FILES) -> Quote | Unpriced:
    checked = check_inputs(model, model.kinds[0], inputs, media)
    return quote(model, PriceBook("", "USD"), checked, 1, at, media)


def price(model: Model, inputs: Mapping[str, object], at: int = NOW, media: Files = NO_FILES) -> str:
    found = quoted(model, inputs, at, media)
    assert isinstance(found, Quote), found
    return str(Decimal(found.price) / 1_000_000)


def needs_a_key(model: Model) -> str:
    """What is missing for a model where no key is set."""
    return "" if model.provider in ("local", "scripted", "blind") else f"set a key of {model.provider}"


def instant(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


# Our own files


CATALOGUE, BOOK = load_catalogue()


def test_our_files_load_and_hold_the_scripted_models_and_the_workshop_brings_the_local_ones() -> None:
    files = catalogue_files()
    assert {file.path.stem for file in files if not file.is_guest} >= {"openai", "scripted"}
    assert {file.name for file in files if file.is_guest} == {"image-studio-workshop 0.1.0: local.toml"}
    assert {model.id for model in CATALOGUE if model.provider == "local"} >= {
        "local-canvas",
        "local-filter",
        "local-upscale",
    }
    assert {model.id for model in CATALOGUE if model.id.startswith("scripted-")} == {
        "scripted-image",
        "scripted-edit",
        "scripted-video",
        "scripted-footage",
        "scripted-upscale",
        "scripted-3d",
        "scripted-unpriced",
        "scripted-blind",
        "scripted-findable",
    }
    assert BOOK.currency == "USD"


def test_loading_twice_gives_the_same_catalogue_and_book() -> None:
    assert load_catalogue() == (CATALOGUE, BOOK)


@pytest.mark.parametrize(
    ("model", "inputs", "media", "expected"),
    [
        ("local-canvas", FOX, {}, "0.01"),
        ("local-filter", FOX, {"image": (PICTURE,)}, "0.02"),
        ("local-upscale", {}, {"image": (PICTURE,)}, "0.01"),
        ("local-upscale", {"factor": 4}, {"image": (PICTURE,)}, "0.04"),
        ("scripted-image", FOX, {}, "0.04"),
        ("scripted-edit", FOX, {"image": (PICTURE,)}, "0.04"),
        ("scripted-video", FOX, {}, "0.25"),
        ("scripted-video", FOX | {"resolution": "720p", "duration": 10}, {}, "1"),
        ("scripted-footage", FOX, {}, "0.1"),
        ("scripted-upscale", {}, {"image": (PICTURE,)}, "0.02"),
        ("scripted-3d", FOX, {}, "0.3"),
        ("scripted-blind", FOX, {}, "0.04"),
        ("scripted-findable", FOX, {}, "0.04"),
    ],
)
def test_our_models_cost_what_their_entries_say(
    model: str, inputs: dict[str, Any], media: Files, expected: str
) -> None:
    assert Decimal(price(CATALOGUE.get(model), inputs, NOW, media)) == Decimal(expected)


def test_local_work_costs_us_nothing() -> None:
    for model in CATALOGUE:
        if model.provider == "local":
            costs = {rule.rate if rule.cost_rate is None else rule.cost_rate for rule in model.prices}
            assert costs == {Decimal(0)}


def test_one_scripted_model_has_no_known_price() -> None:
    assert isinstance(quoted(CATALOGUE.get("scripted-unpriced"), FOX), Unpriced)


@pytest.mark.parametrize(
    ("kind", "inputs", "media"),
    [
        ("text-to-image", FOX, {}),
        ("image-edit", FOX, {"image": (PICTURE,)}),
        ("upscale", {}, {"image": (PICTURE,)}),
    ],
)
def test_without_a_name_real_work_is_chosen_and_never_a_script(kind: str, inputs: dict[str, Any], media: Files) -> None:
    allowed = {Class.REAL} if kind == "upscale" else {Class.REAL, Class.STAND_IN}
    chosen = CATALOGUE.rank(kind, "cheapest", NOW, inputs, media, lacks=needs_a_key, allowed=allowed)[0]

    assert chosen.provider == "local"
    assert not [model.id for model in CATALOGUE if model.auto and model.provider in ("scripted", "blind")]


@pytest.mark.parametrize("wish", list(Strategy))
def test_without_a_key_no_strategy_takes_what_only_imitates(wish: str) -> None:
    with pytest.raises(UnknownModel) as refusal:
        CATALOGUE.rank("text-to-image", wish, NOW, FOX, lacks=needs_a_key)

    assert refusal.value.message == "no real model can do text-to-image here; a stand-in could, which is not allowed"
    assert in_shell(refusal.value.advice).endswith("allow it: --allow stand-in, or imagestudio account allow stand-in")
    assert len(refusal.value.hint) < 300


def test_every_scripted_model_accepts_every_outcome_of_the_script() -> None:
    for model in CATALOGUE:
        if model.provider in ("scripted", "blind"):
            assert set(model.inputs["outcome"].choices) == OUTCOMES
            assert {"delay_ms", "job", "cost", "failure"} < model.inputs.keys()


def test_a_script_travels_as_the_provider_reads_it() -> None:
    script = {"outcome": "fail-billed", "delay_ms": "250", "cost": "0.030", "job": "j-1", "failure": "nsfw"}

    checked = check_inputs(CATALOGUE.get("scripted-image"), "text-to-image", FOX | script)

    assert checked == FOX | script | {"delay_ms": 250, "cost": "0.03"}


def test_every_model_of_ours_has_a_family_a_description_and_a_route() -> None:
    for model in CATALOGUE:
        assert {CATALOGUE.family(kind) for kind in model.kinds} <= set(Family)
        assert model.description.endswith(".")
        assert model.route or model.unavailable


# What a file may say


TRICKY = """
[preset.prompted]
prompt = { type = "text", required = true }
seed = { type = "integer", minimum = -1 }

[[model]]
id = "by-the-second"
provider = "acme"
route = "video"
kinds = ["text-to-video"]
outputs = ["video/mp4"]
unit = "second"
extends = ["prompted"]
inputs.duration = { type = "integer", choices = [4, 6, 8], default = 8 }
inputs.resolution = { type = "choice", choices = ["480p", "720p"], default = "720p" }
inputs.generate_audio = { type = "flag", default = false }
prices = [
    { rate = "0.012", when = { resolution = "480p", generate_audio = false } },
    { rate = "0.026", when = { resolution = "720p", generate_audio = false } },
    { rate = "0.024", when = { resolution = "480p", generate_audio = true } },
    { rate = "0.052", when = { resolution = "720p", generate_audio = true } },
]

[[model]]
id = "by-the-clip"
provider = "acme"
route = "clip"
kinds = ["text-to-video"]
outputs = ["video/mp4"]
unit = "video"
extends = ["prompted"]
inputs.duration = { type = "integer", choices = [5, 10], default = 5 }
prices = [{ rate = "0.21", when = { duration = 5 } }, { rate = "0.42", when = { duration = 10 } }]

[[model]]
id = "by-the-size"
provider = "acme"
route = "size"
kinds = ["text-to-video"]
outputs = ["video/mp4"]
unit = "second"
extends = ["prompted"]
inputs.duration = { type = "integer", choices = [5, 8, 10], default = 5 }
inputs.size.type = "choice"
inputs.size.choices = ["832*480", "480*832", "1280*720", "720*1280"]
inputs.size.default = "832*480"
prices = [
    { rate = "0.02", when = { size = ["832*480", "480*832"] } },
    { rate = "0.04", when = { size = ["1280*720", "720*1280"] } },
]

[[model]]
id = "by-the-sound"
provider = "acme"
route = "avatar"
kinds = ["avatar"]
outputs = ["video/mp4"]
unit = "second"
inputs.image = { type = "image", required = true, max_bytes = 10_000_000 }
inputs.audio = { type = "audio", required = true }
inputs.resolution = { type = "choice", choices = ["480p", "720p"], default = "480p" }
prices = [
    { rate = "0.03", of = "audio", minimum = 5, maximum = 600, when = { resolution = "480p" } },
    { rate = "0.06", of = "audio", minimum = 5, maximum = 600, when = { resolution = "720p" } },
]

[[model]]
id = "by-the-block"
provider = "acme"
route = "upscale"
kinds = ["video-upscale"]
outputs = ["video/mp4"]
unit = "5s_block"
inputs.video = { type = "video", required = true, max_ms = 600_000 }
inputs.target_resolution = { type = "choice", choices = ["720p", "4k"], default = "720p" }
prices = [
    { rate = "0.06", of = "video", when = { target_resolution = "720p" } },
    { rate = "0.16", of = "video", when = { target_resolution = "4k" } },
]

[[model]]
id = "out-of-reach"
provider = "acme"
kinds = ["background-replace", "relight"]
outputs = ["image/png", "image/webp"]
unit = "image"
unavailable = "its path is unknown"
inputs.strength = { type = "decimal", minimum = 0, maximum = 0.95, default = 0.30 }
"""
TALK = FileInfo("audio/wav", 900, duration_ms=3_200)
FILM = FileInfo("video/mp4", 900, 640, 480, 12_001)


@pytest.mark.parametrize(
    ("model", "inputs", "media", "expected"),
    [
        ("by-the-second", FOX, {}, "0.208"),
        ("by-the-second", FOX | {"resolution": "480p", "generate_audio": True, "duration": 4}, {}, "0.096"),
        ("by-the-clip", FOX, {}, "0.21"),
        ("by-the-clip", FOX | {"duration": 10}, {}, "0.42"),
        ("by-the-size", FOX | {"size": "480*832"}, {}, "0.1"),
        ("by-the-size", FOX | {"size": "1280*720", "duration": 8}, {}, "0.32"),
        ("by-the-sound", {}, {"image": (PICTURE,), "audio": (TALK,)}, "0.15"),
        ("by-the-block", {"target_resolution": "4k"}, {"video": (FILM,)}, "0.48"),
    ],
)
def test_every_price_table_of_the_trade_can_be_written(
    tmp_path: Path, model: str, inputs: dict[str, Any], media: Files, expected: str
) -> None:
    catalogue, _ = loaded(tmp_path, TRICKY)

    assert Decimal(price(catalogue.get(model), inputs, NOW, media)) == Decimal(expected)


def test_an_entry_becomes_a_model_word_for_word(tmp_path: Path) -> None:
    model = loaded(tmp_path, TRICKY)[0].get("out-of-reach")

    assert model.kinds == ("background-replace", "relight")
    assert model.outputs == ("image/png", "image/webp")
    assert model.why_unavailable(NOW) == "its path is unknown"
    assert model.inputs["strength"].maximum == Decimal("0.95")
    assert model.inputs["strength"].default == "0.3"
    assert model.prices == ()


def test_a_preset_gives_inputs_and_the_model_has_the_last_word(tmp_path: Path) -> None:
    preset = '[preset.seeded]\nseed = { type = "integer" }\nprompt = { type = "text", required = true }\n'
    own = 'extends = ["seeded"]\ninputs.seed = { type = "integer", maximum = 9 }\n'

    model = loaded(tmp_path, preset + PRICED + own)[0].get("aurora")

    assert list(model.inputs) == ["seed", "prompt"]
    assert model.inputs["seed"].maximum == 9


def test_presets_are_shared_by_all_files(tmp_path: Path) -> None:
    model = loaded(tmp_path, PRICED + 'extends = ["script"]\n')[0].get("aurora")

    assert "outcome" in model.inputs


# Dates


@pytest.mark.parametrize(
    ("written", "since"),
    [
        ("2027-01-01", instant(2027, 1, 1)),
        ("2027-01-01T00:00:00Z", instant(2027, 1, 1)),
        ("2027-01-01T01:30:00+01:30", instant(2027, 1, 1)),
        ("2027-01-01T00:00:00.000001Z", instant(2027, 1, 1) + 1),
        ("1969-12-31", instant(1969, 12, 31)),
    ],
)
def test_a_price_holds_from_its_date_in_utc(tmp_path: Path, written: str, since: int) -> None:
    prices = f'prices = [{{ rate = "0.04" }}, {{ rate = "0.05", from = {written} }}]\n'

    model = loaded(tmp_path, MINIMAL + prices)[0].get("aurora")

    assert [rule.effective_from for rule in model.prices] == [EARLIEST, since]
    assert (price(model, {}, since - 1), price(model, {}, since)) == ("0.04", "0.05")


def test_a_model_retires_at_its_date(tmp_path: Path) -> None:
    model = loaded(tmp_path, PRICED + "retires = 2027-01-01\n")[0].get("aurora")

    assert model.why_unavailable(instant(2027, 1, 1) - 1) == ""
    assert model.why_unavailable(instant(2027, 1, 1)) == "its provider retired it on 2027-01-01"


# Overlays


def test_an_overlay_adds_a_model_and_changes_the_book(tmp_path: Path) -> None:
    catalogue, price_book = loaded(tmp_path, PRICED)

    assert len(catalogue) == len(CATALOGUE) + 1
    assert price(catalogue.get("aurora"), {}) == "0.04"
    assert price_book.version != BOOK.version


def test_an_overlay_without_a_price_leaves_the_book_alone(tmp_path: Path) -> None:
    assert loaded(tmp_path, MINIMAL)[1] == BOOK


def test_an_overlay_replaces_the_price_for_the_same_case_and_no_other(tmp_path: Path) -> None:
    dearer = '[[price]]\nmodel = "aurora"\nrate = "0.09"\nwhen = { size = "2k" }\n'

    model = loaded(tmp_path, SIZED, dearer)[0].get("aurora")

    assert (price(model, {"size": "1k"}), price(model, {"size": "2k"})) == ("0.04", "0.09")
    assert len(model.prices) == 2


def test_an_overlay_adds_a_later_price(tmp_path: Path) -> None:
    later = '[[price]]\nmodel = "local-canvas"\nrate = "0.02"\ncost = "0"\nfrom = 2027-01-01\n'

    model = loaded(tmp_path, later)[0].get("local-canvas")

    assert price(model, FOX, instant(2027, 1, 1) - 1) == "0.01"
    assert price(model, FOX, instant(2027, 1, 1)) == "0.02"


def test_an_overlay_prices_what_had_no_price(tmp_path: Path) -> None:
    known = '[[price]]\nmodel = "scripted-unpriced"\nrate = "0.07"\n'

    assert price(loaded(tmp_path, known)[0].get("scripted-unpriced"), FOX) == "0.07"


def test_of_two_overlays_the_later_has_the_last_word(tmp_path: Path) -> None:
    first, second = (f'[[price]]\nmodel = "local-canvas"\nrate = "{rate}"\n' for rate in ("0.03", "0.05"))

    assert price(loaded(tmp_path, first, second)[0].get("local-canvas"), FOX) == "0.05"
    assert price(loaded(tmp_path, second, first)[0].get("local-canvas"), FOX) == "0.03"


def test_an_overlay_may_bill_by_another_unit(tmp_path: Path) -> None:
    by_area = '[[price]]\nmodel = "local-canvas"\nrate = "1"\nunit = "megapixel"\n'

    model = loaded(tmp_path, by_area)[0].get("local-canvas")

    assert price(model, FOX | {"width": 100, "height": 200}) == "0.02"
    assert model.unit is Unit.IMAGE


def test_part_of_a_model_that_there_is_leads_to_what_changes_one(tmp_path: Path) -> None:
    file = tmp_path / "right.toml"
    file.write_text('currency = "USD"\n[[model]]\nid = "local-canvas"\nprices = [{ rate = "0.008" }]\n', "utf-8")
    with pytest.raises(CatalogueError, match="provider: is missing") as wrong:
        load_catalogue((file,))
    assert "[[price]]" in str(wrong.value.advice)
    assert "[[change]]" in str(wrong.value.advice)
