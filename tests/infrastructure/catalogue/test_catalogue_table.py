"""The catalogue against the reference table: every row is there, and every price to the micro-unit."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest

from domain.catalogue import KINDS, Class, Model, check_inputs
from domain.charging import Told, reckon
from domain.errors import InvalidInput, UnknownModel
from domain.inputs import Input, read_value
from domain.periods import EARLIEST
from domain.pricing import Quote, Unit, Unpriced, quote
from infrastructure.catalogue import load_catalogue
from tests.infrastructure.sample_inputs import Sample, chosen, sample

CATALOGUE, BOOK = load_catalogue()
NOW = 1_800_000_000_000_000
TABLE = Path(__file__).parents[2] / "reference" / "catalogue.tsv"
SECONDS = [Decimal(text) for text in ("0.4", "3", "5", "7.5", "61", "700")]

# What the table calls otherwise, in words for people.
ROUTES = {
    "black-forest-labs/FLUX.1-Krea-dev (inference provider fal-ai)": "fal-ai/black-forest-labs/FLUX.1-Krea-dev",
    "tencent/HunyuanVideo (fal-ai)": "fal-ai/tencent/HunyuanVideo",
    "InferenceClient.image_to_image (caller-named model)": "hf-inference/{model_id}",
}
TOOLS = {"ffmpeg", "pillow"}
# Names of the table that are no inputs: what the adapter decides, what it makes of others, what nobody takes.
DECIDED = {"enable_sync_mode", "enable_base64_output"}
ELSEWHERE = {"sdxl-1.0": {"text_prompts"}, "hf-image-edit": {"mask_image"}}

# Kinds beside those of the table, from what users of image studios expect.
EXPECTED_KINDS = """
    text-to-image reference-to-image image-edit inpaint outpaint erase search-replace recolor background-remove
    background-replace relight text-removal image-translate caption prompt-optimize control-sketch control-structure
    control-style style-transfer upscale face-swap head-swap image-to-3d multiview-to-3d sketch-to-3d text-to-3d
    text-to-video image-to-video avatar video-extend video-upscale video-style video-edit video-face-swap
    video-background video-translate video-add-audio image-compress image-convert image-social-optimize
    image-resize image-watermark classify mesh-convert mesh-preview
"""
# What the table has for free, and is billed all the same: fal bills it to the key's owner, at a price of its own.
NOT_FREE = {"flux.1-krea-dev"}
# Nobody has told a price for any model of these.
WITHOUT_PRICE = {"video-style", "video-outpaint"}


class Row:
    """One row of the table."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.id = fields["id"]
        self.provider = fields["provider"]
        self.path = fields["path"]
        self.kinds = fields["operation"].split("+")
        self.price = Decimal(fields["price_usd"]) if fields["price_usd"] else None
        unit, _, self.variant = re.sub(r" \(.*\)", "", fields["unit"]).partition("@")
        self.unit = unit.removeprefix("generated ")
        self.about = fields["inputs_and_limits"]

    def __repr__(self) -> str:
        return f"{self.id}@{self.variant}" if self.variant else self.id

    @property
    def model(self) -> Model:
        return CATALOGUE.get(self.id)

    def billed(self, seconds: Decimal) -> Decimal:
        """The seconds that are billed of so many: the table bounds them, or what they cost, or leaves them alone."""
        assert self.price is not None
        if bounds := re.search(r"min ([\d.]+), max ([\d.]+) USD", self.about):
            least, most = (Decimal(bound) / self.price for bound in bounds.groups())
        else:
            bounds = re.search(r"; (?:billed )?(?:min )?(\d+) ?(?:s$|-|s, max )(?:(\d+) s)?", self.about)
            least, most = (Decimal(bound or seconds) for bound in bounds.groups()) if bounds else (seconds, seconds)
        return min(max(seconds, least), max(most, least))

    def expected(self, seconds: Decimal) -> int:
        """Micro-units for one output that lasts so long."""
        assert self.price is not None
        billed = self.billed(seconds)
        units = {
            "second": billed.to_integral_value(ROUND_CEILING),
            "5s_block": (billed / 5).to_integral_value(ROUND_CEILING),
        }.get(self.unit, Decimal(1))
        return int((self.price * units * 1_000_000).to_integral_value(ROUND_HALF_EVEN))


def rows() -> list[Row]:
    with TABLE.open(encoding="utf-8") as file:
        return [Row(fields) for fields in csv.DictReader(file, delimiter="\t")]


ROWS = rows()
PRICED = [row for row in ROWS if row.price is not None and row.id not in NOT_FREE]
UNPRICED = [row for row in ROWS if row.price is None or row.id in NOT_FREE]
BEYOND_THE_TABLE = [model for model in CATALOGUE if model.id not in {row.id for row in ROWS}]


def quoted(model: Model, asked: Sample) -> Quote | Unpriced:
    inputs = check_inputs(model, model.kinds[0], asked.inputs, asked.media)
    return quote(model, BOOK, inputs, 1, NOW, asked.media)


def lasting(model: Model, asked: Sample) -> Decimal:
    """How long what is asked for lasts: as long as was asked, or as the sound, or as the video."""
    inputs = check_inputs(model, model.kinds[0], asked.inputs, asked.media)
    if "duration" in inputs:
        return Decimal(inputs["duration"])
    files = asked.media.get("audio") or asked.media.get("video") or ()
    return Decimal(sum(file.duration_ms or 0 for file in files)) / 1000


# Rows


def test_the_table_is_whole() -> None:
    assert (len(ROWS), len({row.id for row in ROWS})) == (177, 129)


def test_the_bounds_of_the_table_are_read() -> None:
    bounded = {
        row.id: (int(row.billed(Decimal(0))), int(row.billed(Decimal(9999)))) for row in ROWS if row.price is not None
    }
    assert {id: bounds for id, bounds in bounded.items() if bounds != (0, 9999)} == {
        "infinitetalk": (5, 600),
        "hunyuan-avatar": (5, 120),
        "flashvsr": (5, 600),
        "mocha": (5, 120),
        "video-face-swap": (5, 600),
        "video-background-remover": (5, 600),
        "heygen-video-translate": (1, 9999),
        "hunyuan-video-foley": (5, 600),
    }


def test_every_row_is_in_the_catalogue() -> None:
    assert [row.id for row in ROWS if row.id not in CATALOGUE] == []


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_a_row_is_entered_as_the_table_has_it(row: Row) -> None:
    assert row.model.provider == row.provider
    assert list(row.model.kinds[: len(row.kinds)]) == row.kinds
    assert bool(row.model.unavailable) == (not row.path)
    if row.path not in TOOLS:
        assert row.model.route == ROUTES.get(row.path, row.path)


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_what_the_table_names_is_sent_under_that_name(row: Row) -> None:
    named = {*re.findall(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b", row.about)} - ELSEWHERE.get(row.id, set()) - DECIDED
    assert named <= {spec.wire_name for spec in row.model.inputs.values()}


@pytest.mark.parametrize("row", PRICED, ids=repr)
def test_a_quote_is_the_price_of_the_table_to_the_micro_unit(row: Row) -> None:
    for choice in chosen(row.model, row.variant):
        for seconds in SECONDS:
            asked = sample(row.model, choice, seconds)
            found = quoted(row.model, asked)
            assert isinstance(found, Quote), found
            assert (found.price, found.cost) == (row.expected(lasting(row.model, asked)),) * 2, (choice, seconds)


@pytest.mark.parametrize("row", [row for row in PRICED if row.unit == "second"], ids=repr)
def test_a_longer_clip_costs_its_seconds(row: Row) -> None:
    spec = row.model.inputs.get("duration")
    if spec is None:
        return
    for duration in spec.choices or range(int(spec.minimum or 1), int(spec.maximum or 1) + 1):
        for choice in chosen(row.model, row.variant):
            found = quoted(row.model, sample(row.model, {**choice, "duration": duration}))
            assert isinstance(found, Quote)
            assert found.price == row.expected(Decimal(duration))


def test_every_variant_of_a_row_picks_a_price_of_its_own() -> None:
    variants = defaultdict(list)
    for row in PRICED:
        variants[row.id].append(row)
    for id, several in variants.items():
        assert len(CATALOGUE.get(id).prices) == len(several), id
        for row in several if len(several) > 1 else ():
            assert any(chosen(row.model, row.variant)), row


@pytest.mark.parametrize("row", UNPRICED, ids=repr)
def test_a_row_without_a_price_has_none(row: Row) -> None:
    found = quoted(row.model, sample(row.model))
    assert isinstance(found, Unpriced)
    assert found.reason == "no price is known"


# What cannot be used


def unusable() -> Iterator[Model]:
    return (model for model in CATALOGUE if model.why_unavailable(NOW))


def test_what_cannot_be_used_is_refused_with_its_reason_for_every_kind_it_did() -> None:
    for model in unusable():
        for kind in model.kinds:
            with pytest.raises(UnknownModel, match=re.escape(model.why_unavailable(NOW))):
                CATALOGUE.rank(kind, model.id, NOW, sample(model).inputs, sample(model).media)


def test_what_cannot_be_used_is_what_has_no_path_or_is_retired() -> None:
    assert {model.id: model.why_unavailable(NOW) for model in unusable()} == {
        "chatgpt-image-latest": "its provider retired it on 2026-12-01",
        "chatgpt-image-latest-edit": "its provider retired it on 2026-12-01",
        "dall-e-2": "its provider retired it on 2026-05-12",
        "dall-e-3": "its provider retired it on 2026-05-12",
        "flux-2-flex": "its path at the provider is not known",
        "glm-image": "its path at the provider is not known",
        "gpt-image-1-mini": "its provider retired it on 2026-12-01",
        "gpt-image-1-mini-edit": "its provider retired it on 2026-12-01",
        "gpt-image-1.5": "its provider retired it on 2026-12-01",
        "gpt-image-1.5-edit": "its provider retired it on 2026-12-01",
        "openai-gpt-image-1": "its provider retired it on 2026-10-23",
        "vidu-reference-q2": "its path at the provider is not known",
    }


def test_a_retired_model_could_be_used_until_its_day() -> None:
    for model in unusable():
        assert model.retires is None or model.why_unavailable(model.retires - 1) == ""


def test_what_is_about_to_be_retired_says_so_ahead() -> None:
    at = 1_795_910_400_000_000
    leaving = {model.id: model.warning(at) for model in CATALOGUE if model.warning(at)}
    named = ("gpt-image-1-mini", "gpt-image-1.5", "chatgpt-image-latest")
    assert set(leaving) == {*named, *(f"{name}-edit" for name in named)}
    assert set(leaving.values()) == {"its provider retires it on 2026-12-01, in 2 days"}


@pytest.mark.parametrize(
    ("id", "choice", "seconds", "price"),
    [
        ("infinitetalk", {"resolution": "480p"}, "7.2", 240_000),
        ("infinitetalk", {"resolution": "720p"}, "7.2", 480_000),
        ("infinitetalk", {"resolution": "480p"}, "4.001", 150_000),
        ("infinitetalk", {"resolution": "480p"}, "599.2", 18_000_000),
        ("mocha", {"resolution": "480p"}, "7.2", 320_000),
        ("mocha", {"resolution": "720p"}, "7.2", 640_000),
        ("video-face-swap", {}, "7.001", 80_000),
        ("video-background-remover", {}, "5.999", 60_000),
        ("heygen-video-translate", {}, "0.4", 37_500),
        ("heygen-video-translate", {}, "10.1", 412_500),
        ("hunyuan-video-foley", {}, "7.2", 160_000),
    ],
)
def test_a_second_that_is_begun_is_billed_whole(id: str, choice: dict[str, object], seconds: str, price: int) -> None:
    model = CATALOGUE.get(id)
    found = quoted(model, sample(model, choice, Decimal(seconds)))
    assert isinstance(found, Quote)
    assert (found.price, found.cost) == (price, price)


# Kinds


def test_every_kind_of_the_reference_exists() -> None:
    assert {kind for row in ROWS for kind in row.kinds} | set(EXPECTED_KINDS.split()) == set(KINDS)


def test_every_kind_has_a_model_that_can_be_used() -> None:
    usable = {kind for model in CATALOGUE for kind in model.kinds if not model.why_unavailable(NOW)}
    assert set(KINDS) == usable


def test_every_kind_but_a_few_has_a_model_of_known_price() -> None:
    usable = [model for model in CATALOGUE if not model.why_unavailable(NOW) and model.class_ is not Class.TEST]
    unpriced = {kind for model in usable for kind in model.kinds} - {
        kind for model in usable if model.prices for kind in model.kinds
    }
    assert unpriced == WITHOUT_PRICE


# Beside the table


def test_beside_the_table_there_are_models_of_our_own_and_of_those_who_make_them() -> None:
    assert {model.provider for model in BEYOND_THE_TABLE} == {"local", "scripted", "blind", "openai", "fal", "gemini"}


def openai(id: str) -> Model:
    return CATALOGUE.get(id)


@pytest.mark.parametrize(
    ("id", "choice", "most"),
    [
        ("gpt-image-2", {"quality": "low"}, {"image_output": 300, "image_input": 0}),
        ("gpt-image-2", {"quality": "medium"}, {"image_output": 1_932, "image_input": 0}),
        ("gpt-image-2", {"quality": "high", "size": "1536x1024"}, {"image_output": 6_864, "image_input": 0}),
        ("gpt-image-2", {"quality": "high"}, {"image_output": 7_727, "image_input": 0}),
        ("gpt-image-2", {"quality": "high", "size": "3840x2160"}, {"image_output": 36_197, "image_input": 0}),
        ("gpt-image-2", {"quality": "auto"}, {"image_output": 7_727, "image_input": 0}),
        ("gpt-image-2", {"quality": "low", "size": "auto"}, {"image_output": 2_400, "image_input": 0}),
        ("gpt-image-2", {"quality": "auto", "size": "auto"}, {"image_output": 36_200, "image_input": 0}),
        ("gpt-image-2-edit", {"quality": "medium", "size": "auto"}, {"image_output": 9_200, "image_input": 452}),
        ("gpt-image-1-mini", {"quality": "auto", "size": "auto"}, {"image_output": 7_200, "image_input": 0}),
        ("gpt-image-2-2026-04-21", {"quality": "high"}, {"image_output": 7_727, "image_input": 0}),
        ("gpt-image-2-edit", {"quality": "high"}, {"image_output": 7_727, "image_input": 452}),
        ("gpt-image-1-mini", {"quality": "low"}, {"image_output": 850, "image_input": 0}),
        ("gpt-image-1-mini-edit", {"quality": "high"}, {"image_output": 7_200, "image_input": 500}),
    ],
)
def test_a_metered_model_is_quoted_at_the_most_that_this_request_can_come_to(
    id: str, choice: dict[str, object], most: dict[str, int]
) -> None:
    asked = sample(openai(id), choice)
    found = quoted(openai(id), asked)
    assert isinstance(found, Quote)
    bounds = {meter.name: meter.most for meter in found.meters}
    assert {name: bounds[name] for name in most} == most
    assert bounds["text_input"] == len(str(asked.inputs["prompt"]).encode()) + 32
    assert found.price == sum(meter.rate * (meter.most or 0) for meter in found.meters) * 1_000_000
    assert (found.unit, found.outputs) == ("call", 1)


@pytest.mark.parametrize("id", ["gpt-image-2", "gpt-image-2-edit"])
@pytest.mark.parametrize("quality", ["low", "medium", "high"])
def test_a_size_that_the_provider_chooses_is_held_at_the_dearest_that_is_accepted(id: str, quality: str) -> None:
    model = openai(id)
    held = quoted(model, sample(model, {"quality": quality, "size": "auto"}))
    sides = range(16, 3_841, 16)
    sizes = [f"{wide}x{high}" for wide in sides for high in (wide, wide * 9 // 16 // 16 * 16, wide // 48 * 16) if high]
    accepted = [size for size in sizes if accepts(model.inputs["size"], size)]
    assert len(accepted) > 100
    named = [quoted(model, sample(model, {"quality": quality, "size": size})) for size in accepted]
    assert isinstance(held, Quote)
    assert max(one.price for one in named if isinstance(one, Quote)) <= held.price


def accepts(spec: Input, value: str) -> bool:
    try:
        read_value(spec, value)
    except InvalidInput:
        return False
    return True


def test_a_metered_model_is_charged_what_was_counted_and_never_more_than_was_quoted() -> None:
    found = quoted(openai("gpt-image-2"), sample(openai("gpt-image-2")))
    assert isinstance(found, Quote)
    counted = reckon(found, 1, told=Told(usage={"text_input": 20, "image_input": 0, "image_output": 1_756}))
    beyond = reckon(found, 1, told=Told(usage={"text_input": 20, "image_input": 0, "image_output": 9_000}))
    assert (counted.price, counted.cost) == (52_780, 52_780)
    assert (beyond.price, beyond.cost) == (found.price, 270_100)


def test_the_published_price_of_an_image_is_within_the_bound() -> None:
    published = {"low": "0.006", "medium": "0.053", "high": "0.211"}
    for quality, price in published.items():
        found = quoted(openai("gpt-image-2"), sample(openai("gpt-image-2"), {"quality": quality}))
        assert isinstance(found, Quote)
        output = next(meter for meter in found.meters if meter.name == "image_output")
        assert output.rate * (output.most or 0) >= Decimal(price)


def test_every_model_of_openai_is_metered_or_has_no_price() -> None:
    for model in CATALOGUE:
        if model.provider == "openai":
            assert model.unit is Unit.CALL
            draws_several = bool(model.prices) and "image/gif" not in model.outputs
            assert model.per_call == (10 if draws_several else 1)
            assert all(rule.meters and rule.effective_from == EARLIEST for rule in model.prices)


# Entries


def test_every_entry_says_what_it_is_and_is_chosen_only_if_it_can_be_quoted() -> None:
    for model in CATALOGUE:
        assert model.description.endswith("."), model.id
        assert model.description[0].isupper(), model.id
        assert 0 < model.quality <= 100 or not model.auto, model.id
        assert not model.auto or (model.prices and not model.unavailable), model.id


def test_every_usable_model_accepts_its_sample() -> None:
    for model in CATALOGUE:
        asked = sample(model)
        for kind in model.kinds:
            check_inputs(model, kind, asked.inputs, asked.media)


def test_what_the_adapter_decides_is_no_input() -> None:
    for model in CATALOGUE:
        assert not {*DECIDED, "n", "samples"} & {spec.wire_name for spec in model.inputs.values()}


def test_two_inputs_of_a_model_never_go_by_one_name() -> None:
    for model in CATALOGUE:
        names = [spec.wire_name for spec in model.inputs.values()]
        assert len(names) == len({*names}), model.id
        assert not {*names} & model.fixed.keys(), model.id
