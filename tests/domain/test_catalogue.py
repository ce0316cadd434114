"""The catalogue knows every kind of operation, finds models, chooses among them and checks what they are given."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.advice import Advice
from domain.catalogue import DAY, KINDS, LAST_DAYS, NOTICE, Catalogue, Family, Model, check_inputs, check_kind
from domain.errors import InvalidInput, UnknownKind, UnknownModel
from domain.inputs import FileInfo, Input, InputType
from domain.pricing import PriceRule, Unit

NOW = 1_800_000_000_000_000
PROMPT = Input(name="prompt", type=InputType.TEXT, required=True)
STEPS = Input(name="steps", type=InputType.INTEGER, default=20)
SIDE = Input(name="side", type=InputType.INTEGER, maximum=Decimal(1024), default=512)
IMAGE = Input(name="image", type=InputType.IMAGE, required=True)
PICTURE = FileInfo("image/png", 900, 200, 100)
FOX = {"prompt": "a fox"}


def model(id: str, rate: str | None = "0.04", quality: int = 0) -> Model:
    prices = () if rate is None else (PriceRule(unit=Unit.IMAGE, rate=Decimal(rate)),)
    return Model(
        id=id,
        provider="acme",
        route=f"/{id}",
        kinds=("text-to-image",),
        outputs=("image/png",),
        unit=Unit.IMAGE,
        inputs={"prompt": PROMPT, "steps": STEPS, "side": SIDE},
        prices=prices,
        quality=quality,
    )


def catalogue(*models: Model) -> Catalogue:
    return Catalogue({each.id: each for each in models})


CHEAP = model("cheap", "0.01", 1)
FAIR = model("fair", "0.02", 5)
FINE = model("fine", "0.05", 7)
SUPERB = model("superb", "0.20", 9)
ALL = catalogue(SUPERB, FAIR, CHEAP, FINE)
EDITOR = replace(CHEAP, id="editor", kinds=("image-edit", "inpaint"), inputs={"prompt": PROMPT, "image": IMAGE})


# Kinds


@pytest.mark.parametrize(
    ("family", "kinds"),
    [
        (Family.IMAGES, "text-to-image reference-to-image"),
        (
            Family.EDITS,
            """
            image-edit inpaint outpaint erase search-replace recolor background-remove background-replace
            relight text-removal image-translate control-sketch control-structure control-style
            style-transfer face-swap face-swap-multi head-swap
            """,
        ),
        (
            Family.VIDEOS,
            """
            text-to-video image-to-video avatar video-extend video-upscale video-style video-edit
            video-face-swap video-background video-translate video-add-audio video-outpaint
            """,
        ),
        (Family.MODELS_3D, "image-to-3d multiview-to-3d sketch-to-3d text-to-3d"),
        (Family.UPSCALES, "upscale"),
        (
            Family.OTHER,
            """
            caption classify prompt-optimize image-compress image-convert image-resize image-watermark
            image-social-optimize video-transform video-social-optimize mesh-convert mesh-preview
            """,
        ),
    ],
)
def test_every_kind_of_operation_counts_in_its_family(family: Family, kinds: str) -> None:
    assert {kind for kind, each in KINDS.items() if each is family} == set(kinds.split())
    assert {Catalogue.family(kind) for kind in kinds.split()} == {family}


def test_an_unknown_kind_is_refused_with_what_comes_close() -> None:
    with pytest.raises(UnknownKind) as refusal:
        ALL.for_kind("text-to-imgae")

    assert "'text-to-imgae'" in refusal.value.message
    assert "text-to-image" in refusal.value.hint


# Finding


def test_a_model_is_found_by_its_id() -> None:
    assert ALL.get("fair") is FAIR
    assert "fair" in ALL
    assert len(ALL) == 4
    assert list(ALL) == [SUPERB, FAIR, CHEAP, FINE]


def test_it_is_shown_as_how_many_models_it_has() -> None:
    assert repr(ALL) == "Catalogue(4 models)"


def test_an_unknown_model_is_refused_with_what_comes_close() -> None:
    with pytest.raises(UnknownModel) as refusal:
        ALL.get("suberp")

    assert refusal.value.hint == "did you mean superb?"


def test_a_name_like_none_is_answered_with_all() -> None:
    with pytest.raises(UnknownModel) as refusal:
        ALL.get("zzz")

    assert refusal.value.hint == "there are: cheap, fair, fine, superb"


MANY = catalogue(*(model(f"fox-{number}") for number in range(200)), SUPERB)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("zzz", "all of them: studio.catalogue.models"),
        ("SUPRB", "did you mean superb?"),
        ("per", "did you mean superb?"),
        ("fox", "did you mean fox-0 or fox-1 or fox-10 or fox-100 or fox-101?"),
        ("", "all of them: studio.catalogue.models"),
        ("fox" * 10_000, "all of them: studio.catalogue.models"),
    ],
)
def test_a_hint_names_a_few_and_never_all_of_many(asked: str, hint: str) -> None:
    with pytest.raises(UnknownModel) as refusal:
        MANY.get(asked)

    found = refusal.value.hint
    assert found.startswith("did you mean fox-") if asked == "fox" else found == hint
    assert len(found) < 100


def test_of_many_models_that_could_be_named_the_best_are_shown() -> None:
    with pytest.raises(UnknownModel) as refusal:
        catalogue(*MANY, replace(CHEAP, unavailable="it is gone")).rank("text-to-image", "cheap", NOW, FOX)

    names = "superb, fox-0, fox-1, fox-10, fox-100"
    assert refusal.value.advice == Advice("model.choose", names=names, kind="text-to-image")


def test_the_models_of_a_kind_are_those_that_list_it() -> None:
    everything = catalogue(FINE, EDITOR, CHEAP)

    assert everything.for_kind("inpaint") == (EDITOR,)
    assert everything.for_kind("text-to-image") == (CHEAP, FINE)
    assert everything.for_kind("avatar") == ()


# Choosing


@pytest.mark.parametrize(
    ("wish", "chosen"), [("cheapest", CHEAP), ("best", SUPERB), ("balanced", FAIR), ("auto", FAIR)]
)
def test_a_strategy_weighs_price_and_quality(wish: str, chosen: Model) -> None:
    assert ALL.rank("text-to-image", wish, NOW, FOX)[0] is chosen


def test_the_balanced_choice_is_the_best_of_the_cheaper_half_with_the_middle_one() -> None:
    assert catalogue(CHEAP, FAIR, SUPERB).rank("text-to-image", "auto", NOW, FOX)[0] is FAIR
    assert catalogue(CHEAP, SUPERB).rank("text-to-image", "auto", NOW, FOX)[0] is CHEAP


@pytest.mark.parametrize("wish", ["cheapest", "best", "balanced"])
def test_equal_models_are_chosen_by_id_in_any_order(wish: str) -> None:
    one, other = model("one"), model("other")

    for pair in (catalogue(one, other), catalogue(other, one)):
        assert pair.rank("text-to-image", wish, NOW, FOX)[0] is one


def test_of_equally_cheap_models_the_better_is_the_cheapest() -> None:
    better = model("z-better", "0.01", CHEAP.quality + 1)

    assert catalogue(CHEAP, better).rank("text-to-image", "cheapest", NOW, FOX)[0] is better


def test_of_equally_good_models_the_cheaper_is_the_best() -> None:
    dear = model("a-dear-one", "0.30", SUPERB.quality)

    assert catalogue(dear, SUPERB).rank("text-to-image", "best", NOW, FOX)[0] is SUPERB


def test_a_model_that_does_not_accept_the_inputs_is_not_chosen() -> None:
    small = replace(CHEAP, id="small", inputs={"prompt": PROMPT})

    chosen = catalogue(small, SUPERB).rank("text-to-image", "cheapest", NOW, FOX | {"side": 512})[0]

    assert chosen is SUPERB


def test_the_cheapest_is_the_cheapest_for_these_very_inputs() -> None:
    duration = Input(name="duration", type=InputType.INTEGER, default=5)
    clip = PriceRule(unit=Unit.VIDEO, rate=Decimal("0.30"))
    second = PriceRule(unit=Unit.SECOND, rate=Decimal("0.05"))
    inputs = {"prompt": PROMPT, "duration": duration}
    video = replace(CHEAP, kinds=("text-to-video",), inputs=inputs)
    by_clip = replace(video, id="by-clip", unit=Unit.VIDEO, prices=(clip,))
    by_second = replace(video, id="by-second", unit=Unit.SECOND, prices=(second,))
    both = catalogue(by_clip, by_second)

    assert both.rank("text-to-video", "cheapest", NOW, FOX)[0] is by_second
    assert both.rank("text-to-video", "cheapest", NOW, FOX | {"duration": 10})[0] is by_clip


@pytest.mark.parametrize(
    "hidden",
    [
        replace(CHEAP, prices=()),
        replace(CHEAP, auto=False),
        replace(CHEAP, unavailable="there is no key for it"),
        replace(CHEAP, retires=NOW),
        replace(CHEAP, prices=(replace(CHEAP.prices[0], effective_from=NOW + 1),)),
    ],
    ids=["unpriced", "named only", "unavailable", "retired", "priced later"],
)
def test_what_may_not_be_chosen_is_never_chosen_by_itself(hidden: Model) -> None:
    assert catalogue(hidden, SUPERB).rank("text-to-image", "cheapest", NOW, FOX)[0] is SUPERB


def test_a_model_is_chosen_until_it_retires() -> None:
    leaving = replace(CHEAP, retires=NOW + 1)

    assert catalogue(leaving).rank("text-to-image", "cheapest", NOW, FOX) == (leaving,)
    assert catalogue(leaving, SUPERB).rank("text-to-image", leaving.id, NOW, FOX) == (leaving,)


@pytest.mark.parametrize("strategy", ["auto", "balanced", "cheapest", "best"])
def test_a_strategy_takes_any_other_model_before_one_that_is_about_to_be_retired(strategy: str) -> None:
    leaving = replace(CHEAP, quality=100, retires=NOW + LAST_DAYS)
    both = catalogue(leaving, SUPERB)

    assert both.rank("text-to-image", strategy, NOW, FOX) == (SUPERB, leaving)
    assert both.rank("text-to-image", strategy, NOW - 1, FOX)[0] is leaving


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (NOTICE + 1, ""),
        (NOTICE, "its provider retires it on 2027-01-15, in 90 days"),
        (1 + DAY, "its provider retires it on 2027-01-15, in 2 days"),
        (1, "its provider retires it on 2027-01-15, tomorrow"),
        (0, ""),
    ],
)
def test_it_is_said_ahead_that_a_model_will_be_retired(before: int, told: str) -> None:
    leaving = replace(CHEAP, retires=NOW)

    assert leaving.warning(NOW - before) == told
    named = (f"model 'cheap': {told}",) if told else ()
    assert catalogue(leaving, SUPERB).warnings(["cheap", "superb", "cheap", "gone"], NOW - before) == named


@pytest.mark.parametrize("named", [replace(CHEAP, prices=()), replace(CHEAP, auto=False)])
def test_a_model_that_is_named_is_taken_though_it_would_not_be_chosen(named: Model) -> None:
    assert catalogue(named, SUPERB).rank("text-to-image", "cheap", NOW, FOX)[0] is named


@pytest.mark.parametrize(
    ("gone", "why"),
    [
        (replace(CHEAP, unavailable="there is no key for it"), "there is no key for it"),
        (replace(CHEAP, retires=NOW), "its provider retired it on 2027-01-15"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_with_others_that_can(gone: Model, why: str) -> None:
    with pytest.raises(UnknownModel) as refusal:
        catalogue(gone, SUPERB).rank("text-to-image", "cheap", NOW, FOX)[0]

    assert why in refusal.value.message
    assert refusal.value.hint == "name one of: superb"


def test_a_model_is_refused_for_a_kind_that_it_does_not_do() -> None:
    with pytest.raises(UnknownKind) as refusal:
        catalogue(EDITOR).rank("text-to-image", "editor", NOW, FOX)[0]

    assert refusal.value.hint == "it does: image-edit, inpaint"


def test_no_model_of_known_price_is_an_error_that_names_those_of_unknown_price() -> None:
    unpriced = model("mystery", rate=None)

    with pytest.raises(UnknownModel) as refusal:
        catalogue(unpriced).rank("text-to-image", "auto", NOW, FOX)[0]

    assert "no model of known price does text-to-image here" in refusal.value.message
    assert refusal.value.hint == "name one of: mystery"


def test_where_nothing_does_a_kind_that_is_what_is_said() -> None:
    with pytest.raises(UnknownModel) as refusal:
        ALL.rank("avatar", "auto", NOW, {})[0]

    assert refusal.value.hint == "no model for avatar can be used now"


def test_inputs_that_no_candidate_accepts_are_refused_as_the_best_one_refuses_them() -> None:
    picky = replace(SUPERB, inputs={"prompt": PROMPT, "side": replace(SIDE, maximum=Decimal(2048))})

    with pytest.raises(InvalidInput) as refusal:
        catalogue(CHEAP, picky).rank("text-to-image", "cheapest", NOW, FOX | {"side": 4096})[0]

    assert refusal.value.message == "side: 4096 is above 2048, the most accepted"


# Checking


def test_defaults_fill_what_is_not_given_in_the_order_of_the_model() -> None:
    checked = check_inputs(FINE, "text-to-image", {"side": "640", "prompt": "a fox"})

    assert list(checked.items()) == [("prompt", "a fox"), ("steps", 20), ("side", 640)]


def test_what_was_checked_passes_again_unchanged() -> None:
    checked = check_inputs(FINE, "text-to-image", FOX)

    assert check_inputs(FINE, "text-to-image", checked) == checked


def test_an_optional_input_without_default_stays_out() -> None:
    seeded = replace(FINE, inputs={**FINE.inputs, "seed": Input(name="seed", type=InputType.INTEGER)})

    assert "seed" not in check_inputs(seeded, "text-to-image", FOX)


@pytest.mark.parametrize(
    ("inputs", "field", "why"),
    [
        ({}, "prompt", "is missing"),
        ({"prompt": " "}, "prompt", "is empty"),
        (FOX | {"side": 1025}, "side", "1025 is above 1024"),
        (FOX | {"steps": "many"}, "steps", "must be a whole number"),
        (FOX | {"mask": "m.png"}, "mask", "is no input of model 'fine'"),
    ],
)
def test_wrong_inputs_are_refused_under_their_name(inputs: dict[str, object], field: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_inputs(FINE, "text-to-image", inputs)

    assert refusal.value.field == field
    assert why in refusal.value.message


def test_an_input_that_is_not_accepted_is_answered_with_those_that_are() -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_inputs(FINE, "text-to-image", FOX, {"mask": (PICTURE,)})

    assert refusal.value.field == "mask"
    assert refusal.value.hint == "it accepts: prompt, steps, side"


def test_files_are_checked_and_are_no_values() -> None:
    assert check_inputs(EDITOR, "inpaint", FOX, {"image": (PICTURE,)}) == FOX


@pytest.mark.parametrize(
    ("inputs", "media", "field", "why"),
    [
        (FOX, {}, "image", "is missing"),
        (FOX, {"image": ()}, "image", "is missing"),
        (FOX, {"image": (PICTURE, PICTURE)}, "image", "2 files are more than the 1 accepted"),
        (FOX, {"image": (replace(PICTURE, media_type="video/mp4"),)}, "image", "video/mp4 is not accepted"),
        (FOX | {"image": "fox.png"}, {"image": (PICTURE,)}, "image", "is an image file, not 'fox.png'"),
        ({}, {"image": (PICTURE,), "prompt": (PICTURE,)}, "prompt", "is a text value, not a file"),
    ],
)
def test_wrong_files_are_refused_under_their_name(
    inputs: dict[str, object], media: dict[str, tuple[FileInfo, ...]], field: str, why: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_inputs(EDITOR, "image-edit", inputs, media)

    assert refusal.value.field == field
    assert why in refusal.value.message


WORDS_OR_PICTURE = replace(
    EDITOR,
    inputs={"prompt": replace(PROMPT, required=False), "image": replace(IMAGE, required=False)},
    one_of=("prompt", "image"),
)


@pytest.mark.parametrize(("inputs", "media"), [(FOX, {}), ({}, {"image": (PICTURE,)}), (FOX, {"image": (PICTURE,)})])
def test_of_inputs_that_do_for_each_other_any_is_enough(
    inputs: dict[str, object], media: dict[str, tuple[FileInfo, ...]]
) -> None:
    assert check_inputs(WORDS_OR_PICTURE, "image-edit", inputs, media) == inputs


@pytest.mark.parametrize(("inputs", "media"), [({}, {}), ({"prompt": ""}, {"image": ()})])
def test_of_inputs_that_do_for_each_other_one_is_needed(
    inputs: dict[str, object], media: dict[str, tuple[FileInfo, ...]]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_inputs(WORDS_OR_PICTURE, "image-edit", inputs, media)

    assert refusal.value.message == "prompt or image: is missing"
    assert refusal.value.hint == "model 'editor' needs one of them"


MARKED = replace(
    EDITOR,
    inputs={
        "image": IMAGE,
        "mask": replace(IMAGE, name="mask", required=False),
        "note": replace(PROMPT, name="note", required=False),
    },
    not_both=("mask", "note"),
)


@pytest.mark.parametrize(("inputs", "masks"), [({}, 0), ({"note": "here"}, 0), ({}, 1), ({"note": ""}, 1)])
def test_of_inputs_that_exclude_each_other_one_may_be_given(inputs: dict[str, object], masks: int) -> None:
    media = {"image": (PICTURE,), "mask": (PICTURE,) * masks}
    assert check_inputs(MARKED, "image-edit", inputs, media) == inputs


def test_inputs_that_exclude_each_other_are_refused_together() -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_inputs(MARKED, "image-edit", {"note": "here"}, {"image": (PICTURE,), "mask": (PICTURE,)})

    assert refusal.value.message == "mask and note: exclude each other"
    assert refusal.value.hint == "give one of them"


def test_inputs_are_not_checked_for_a_kind_that_the_model_does_not_do() -> None:
    with pytest.raises(UnknownKind):
        check_inputs(FINE, "image-edit", FOX)
    with pytest.raises(UnknownKind, match="no kind of operation"):
        check_kind(FINE, "painting")
