"""The models command: what it lists and leaves out, and what one model's page says."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from application.providing.standing import ModelStatus, status_of
from infrastructure.catalogue import load_catalogue
from infrastructure.cli.modelpages import limits_of, show_all, show_one
from infrastructure.cli.rendering import Page
from infrastructure.showing.documents import price_text
from tests.infrastructure.catalogue.catalogue_files import PRICED, loaded
from tests.infrastructure.cli.workspaces import Workspace, call

CATALOGUE, BOOK = load_catalogue()
NOW = 1_800_000_000_000_000
BEFORE = 1_795_910_400_000_000
"""The day before the day before some models are retired."""


def listed(*options: str) -> list[str]:
    return [model["id"] for model in call("models", *options, "--json").document["models"]]


def page_of(id: str, width: int = 80, lacks: str = "") -> str:
    return printed(lambda page: show_one(page, CATALOGUE.get(id), BOOK.currency, NOW, lacks), width)


def printed(show: object, width: int) -> str:
    file = io.StringIO()
    assert callable(show)
    show(Page(Console(file=file, width=10_000, soft_wrap=True), width))
    return file.getvalue()


# Listing


def test_all_models_are_listed_under_the_kinds_that_they_do_within_eighty_columns(empty: Workspace) -> None:
    done = call("models")
    assert done.out.startswith(f"{len(CATALOGUE)} models\n")
    assert max(map(len, done.out.splitlines())) <= 80
    assert all(model.id in done.out for model in CATALOGUE)
    assert done.out.count(" sd-relight ") == 2


def test_models_are_filtered_by_kind_in_either_notation(empty: Workspace) -> None:
    lip_sync = ["hunyuan-avatar", "infinitetalk", "scripted-footage"]
    assert listed("avatar") == listed("--kind", "avatar") == listed("avatar", "--kind", "avatar") == lip_sync


def test_models_are_filtered_by_provider(empty: Workspace) -> None:
    assert listed("upscale", "--provider", "stability") == [
        "sd-upscale-conservative",
        "sd-upscale-creative",
        "sd-upscale-fast",
    ]
    assert listed("--provider", "huggingface") == ["flux.1-krea-dev", "hf-image-edit", "hunyuan-video-hf"]


def test_models_are_filtered_by_the_price_of_their_cheapest_case(empty: Workspace) -> None:
    paid = ("image-to-video", "--provider", "wavespeed", "--price")
    cheap = ["seedance-1.5-pro-i2v", "wan-2.5-i2v"]
    assert listed(*paid, "0.21") == sorted(
        [*cheap, "kandinsky5-pro", "kling-v2.5-turbo-std", "veo3.1-fast-i2v", "wan-2.6-i2v"]
    )
    assert listed(*paid, "0.05") == cheap
    assert "prompt-optimizer" in listed("--price", "0")


@pytest.mark.parametrize(
    ("status", "among"),
    [("available", "qwen-edit"), ("unpriced", "lucy-edit-pro"), ("unavailable", "glm-image"), ("retired", "dall-e-3")],
)
def test_models_are_filtered_by_how_they_stand(empty: Workspace, status: str, among: str) -> None:
    found = call("models", "--status", status, "--json").document["models"]
    assert {model["status"] for model in found} == {status}
    assert among in [model["id"] for model in found]


def test_every_model_stands_in_one_way() -> None:
    found = [status_of(model, at) for model in CATALOGUE for at in (NOW, BEFORE)]
    assert set(found) == set(ModelStatus)


def test_filters_are_joined(empty: Workspace) -> None:
    joined = ("--kind", "upscale", "--provider", "stability", "--status", "available")
    assert listed(*joined) == ["sd-upscale-conservative", "sd-upscale-creative", "sd-upscale-fast"]
    assert listed(*joined, "--price", "0.06") == ["sd-upscale-fast"]
    assert listed("--status", "retired", "--kind", "upscale") == []
    assert call("models", "--status", "retired", "--kind", "upscale").out == "0 models\n"


def test_a_model_of_an_overlay_is_listed_like_any_other(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = empty.home / "mine.toml"
    overlay.write_text(PRICED + "retires = 2020-01-01\n")
    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", str(overlay))
    assert listed("--provider", "acme", "--status", "retired") == ["aurora"]


@pytest.mark.parametrize(
    ("command", "code", "error", "word"),
    [
        (("--price", "cheap"), 2, "invalid_input", "--price"),
        (("--price", "-1"), 2, "invalid_input", "--price"),
        (("--kind", "painting"), 2, "unknown_kind", "'painting'"),
        (("--kind", "text-2-image"), 2, "unknown_kind", "did you mean text-to-image"),
        (("text-2-image",), 2, "unknown_model", "did you mean text-to-image"),
        (("qwen-edits",), 2, "unknown_model", "did you mean qwen-edit"),
        (("xyzzy",), 2, "unknown_model", "'all of them: imagestudio models'"),
        (("upscale", "--kind", "avatar"), 2, "invalid_input", "name one kind"),
    ],
)
def test_a_wrong_filter_is_an_error(
    empty: Workspace, command: tuple[str, ...], code: int, error: str, word: str
) -> None:
    done = call("models", *command, "--json")
    assert (done.code, done.error["code"]) == (code, error)
    assert word in str(done.error)


# One model


def test_one_model_is_shown_with_inputs_limits_and_prices(empty: Workspace) -> None:
    model = call("models", "local-upscale", "--json").document
    assert [rule["rate"] for rule in model["prices"]] == ["0.02", "0.08"]
    assert model["prices"][0]["when"] == {"factor": [2]}
    assert (model["status"], model["deadline"]) == ("available", 600)
    assert "image   image    required" in call("models", "local-upscale").out


def test_a_page_says_which_case_costs_what_and_what_is_measured() -> None:
    text = page_of("infinitetalk")
    assert "0.03      0.03  second  resolution is 480p; measured on audio; each 1" in text
    assert "duration at most 600,000 ms" in text
    assert "3,600 s for a job" in text


def test_a_page_says_of_what_a_number_or_a_side_must_be_a_multiple(tmp_path: Path) -> None:
    assert "128 to 1536; a multiple of 64" in page_of("sdxl-1.0")
    size = 'inputs.size = { type = "size", max_side = 1600, multiple_of = 16 }\n'
    model = loaded(tmp_path, PRICED + size)[0].get("aurora")
    assert limits_of(model.inputs["size"]) == "side at most 1,600 px; each side a multiple of 16"


def test_a_page_says_what_is_always_sent() -> None:
    assert "sends too  model = sd3.5-medium" in page_of("sd3.5-medium")


def test_a_page_says_of_which_inputs_one_is_needed() -> None:
    assert re.search(r"needs +at least one of left, right, up, down\n", page_of("sd-outpaint"))


def test_a_page_says_what_is_counted_and_that_the_price_is_the_most() -> None:
    text = page_of("gpt-image-2")
    assert "1.145     1.145  call, at most  quality is auto or high" in text
    assert "image_output        0.00003     2,400 an output / 9,200 an output / 36,200 an" in text
    assert "can come to is reckoned from its inputs" in text
    assert price_text(CATALOGUE.get("gpt-image-2"), "USD") == "at most 1.145 USD/call"


@pytest.mark.parametrize(
    ("id", "standing"),
    [
        ("qwen-edit", "stands    available"),
        ("lucy-edit-pro", "no price is known: refused unless the account allows it"),
        ("glm-image", "stands    unavailable: its path at the provider is not known"),
        ("dall-e-3", "stands    retired: its provider retired it on 2026-05-12"),
    ],
)
def test_a_page_says_how_its_model_stands(id: str, standing: str) -> None:
    assert standing in page_of(id)


def test_every_page_and_the_whole_list_fit_eighty_columns() -> None:
    pages = [page_of(model.id) for model in CATALOGUE]
    everything = frozenset(kind for model in CATALOGUE for kind in model.kinds)
    pages.append(printed(lambda page: show_all(page, list(CATALOGUE), everything, "USD", NOW, {}), 80))
    assert not [line for page in pages for line in page.splitlines() if len(line) > 80 and "/" not in line]


def test_a_wide_page_has_room_for_what_a_model_is() -> None:
    everything = frozenset(kind for model in CATALOGUE for kind in model.kinds)
    wide = printed(lambda page: show_all(page, list(CATALOGUE), everything, "USD", NOW, {}), 160)
    assert "its provider retired it on 2026-05-12" in wide
    assert "Removes what a mask covers" in wide


@pytest.mark.parametrize(("lacks", "told"), [("", "ready to use"), ("set A_KEY", "set A_KEY")])
def test_a_page_says_what_is_missing_to_use_its_model_here(lacks: str, told: str) -> None:
    assert f"here      {told}" in page_of("qwen-edit", lacks=lacks)


def test_what_a_model_lacks_here_is_told_to_programs_too(empty: Workspace) -> None:
    assert "IMAGESTUDIO_WAVESPEED_KEY" in call("models", "qwen-edit", "--json").document["lacks"]
    assert call("models", "local-canvas", "--json").document["lacks"] == ""
