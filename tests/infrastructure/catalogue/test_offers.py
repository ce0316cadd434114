"""The catalogue against the lists that the fakes serve, which have the shape of the real APIs.

As they are, nothing is otherwise. Changed in one way each, that very change is found, and nothing else; and the overlay
that says so loads, after which nothing is found any more.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infrastructure.catalogue import load_catalogue
from tests.infrastructure.cli.workspaces import Outcome, call, settle
from tests.wire.fake import huggingface, openai, wavespeed
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake, serving

CATALOGUE, _ = load_catalogue()
Listed = list[dict[str, Any]]
Found = set[tuple[str, str, str]]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """A fake that the command line is set up for."""
    home = tmp_path / "home"
    home.mkdir()
    settle(monkeypatch, home)
    with serving(tmp_path / "fake") as fake:
        addresses = {
            "WAVESPEED_URL": f"{fake.url}/api/v3",
            "OPENAI_URL": f"{fake.url}/v1",
            "HUGGINGFACE_URL": fake.url,
            "HUGGINGFACE_HUB_URL": fake.url,
            "HUGGINGFACE_FAL_URL": f"{fake.url}/fal/v1",
            "HUGGINGFACE_FAL_KEY": "fal-key",
            "FAL_API_URL": f"{fake.url}/fal/v1",
            "GEMINI_URL": f"{fake.url}/v1beta",
        }
        for name in ("wavespeed", "openai", "huggingface", "fal", "gemini"):
            addresses[f"{name.upper()}_KEY"] = fake.key(name)
        for setting, value in addresses.items():
            monkeypatch.setenv(f"IMAGESTUDIO_{setting}", value)
        yield fake


def check(provider: str, *options: object) -> Outcome:
    return call("catalogue", "check", provider, *options, "--json")


def findings(done: Outcome) -> Found:
    [held] = done.document["providers"]
    return {(one["finding"], one["model"] or one["route"], one["what"]) for one in held["differences"]}


def changed(change: Callable[[Listed], object]) -> Listed:
    """WaveSpeed's list with a change."""
    listed = copy.deepcopy(wavespeed.offered())
    change(listed)
    return listed


def one_of(listed: Listed, route: str) -> dict[str, Any]:
    return next(one for one in listed if one["model_id"] == route)


def properties(listed: Listed, route: str) -> dict[str, Any]:
    found: dict[str, Any] = wavespeed.schema_of(one_of(listed, route))["properties"]
    return found


@pytest.mark.parametrize("provider", ["wavespeed", "openai", "huggingface", "fal", "gemini"])
def test_no_entry_is_otherwise_than_its_provider_lists_it(fake: Fake, provider: str) -> None:
    done = check(provider)
    assert findings(done) == set()
    assert (done.code, done.document["providers"][0]["state"]) == (0, "same")


# One change each: what is done to WaveSpeed's list, and what is found.

SECONDS = "duration=6: 0.42 there, 0.36 here; duration=8: 0.56 there, 0.48 here; duration=10: 0.7 there, 0.6 here"
NEW = {
    "model_id": "acme/aurora-2/text-to-image",
    "base_price": 0.07,
    "formula": '{"total_price": base_price * (resolution = "4k" ? 2 : 1)}',
    "type": "text-to-image",
    "description": "Draws the sky.",
    "api_schema": {
        "api_schemas": [
            {
                "request_schema": {
                    "properties": {
                        "prompt": {"type": "string"},
                        "resolution": {"type": "string", "enum": ["1k", "4k"], "default": "1k"},
                        "num_inference_steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 20},
                        "loras": {"type": "array", "items": {"type": "object"}},
                        "reference_images": {"type": "array", "items": {"type": "string"}},
                    },
                    "required": ["prompt"],
                }
            }
        ]
    },
}


def rename(listed: Listed, route: str, old: str, new: str) -> None:
    schema = wavespeed.schema_of(one_of(listed, route))
    schema["properties"][new] = schema["properties"].pop(old)
    schema["required"] = [new if name == old else name for name in schema["required"]]


CHANGES: dict[str, tuple[Callable[[Listed], object], Found]] = {
    "a new model": (
        lambda listed: listed.append(copy.deepcopy(NEW)),
        {("new", NEW["model_id"], f"does text-to-image; price: {NEW['formula']}")},  # type: ignore[arg-type]
    ),
    "a new model whose price is in words that nobody knows": (
        lambda listed: listed.append({**copy.deepcopy(NEW), "formula": '{"total_price": $moon(prompt)}'}),
        {("new", NEW["model_id"], 'does text-to-image; price: {"total_price": $moon(prompt)}')},  # type: ignore[arg-type]
    ),
    "one gone": (
        lambda listed: listed.remove(one_of(listed, "bytedance/seededit-v3")),
        {("gone", "seededit-v3", "is not offered any more")},
    ),
    "an input renamed": (
        lambda listed: rename(listed, "wavespeed-ai/flux-kontext-max", "guidance_scale", "guidance"),
        {
            ("inputs", "flux-kontext-max", "input 'guidance_scale' is not documented there"),
            ("inputs", "flux-kontext-max", "input 'guidance' is new there"),
        },
    ),
    "a file renamed that is needed": (
        lambda listed: rename(listed, "wavespeed-ai/image-face-swap", "face_image", "face_image_url"),
        {
            ("inputs", "image-face-swap", "input 'face_image' is not documented there"),
            ("inputs", "image-face-swap", "input 'face_image_url' is required there and missing here"),
        },
    ),
    "an input gone": (
        lambda listed: properties(listed, "wavespeed-ai/qwen-image/edit").pop("seed"),
        {("inputs", "qwen-edit", "input 'seed' is not documented there")},
    ),
    "a new choice": (
        lambda listed: properties(listed, "google/nano-banana-2/edit")["output_format"]["enum"].append("webp"),
        {("inputs", "nano-banana-2-edit", "input 'output_format' accepts webp there too")},
    ),
    "a choice gone": (
        lambda listed: properties(listed, "google/nano-banana-2/edit")["aspect_ratio"]["enum"].remove("8:1"),
        {("inputs", "nano-banana-2-edit", "input 'aspect_ratio' does not accept 8:1 there")},
    ),
    "narrower bounds": (
        lambda listed: properties(listed, "wavespeed-ai/step1x-edit")["guidance_scale"].update(maximum=10),
        {("inputs", "step1x-edit", "input 'guidance_scale' is at most 10 there")},
    ),
    "another type": (
        lambda listed: properties(listed, "wavespeed-ai/flux-kontext-pro")["guidance_scale"].update(type="boolean"),
        {("inputs", "flux-kontext-pro", "input 'guidance_scale' is one flag there, one decimal here")},
    ),
    "a flat price": (
        lambda listed: one_of(listed, "bytedance/seededit-v3").update(base_price=0.03),
        {("price", "seededit-v3", "always: 0.03 there, 0.027 here")},
    ),
    "a price a second": (
        lambda listed: one_of(listed, "lightricks/ltx-2-pro/text-to-video").update(base_price=0.07),
        {
            (
                "price",
                "ltx-2-pro",
                SECONDS,
            )
        },
    ),
    "whole seconds instead of begun ones": (
        lambda listed: one_of(listed, "wavespeed-ai/video-face-swap").update(
            formula='{"total_price": base_price * $max([5, $min([get_duration_v3(video), 600])])}'
        ),
        {("price", "video-face-swap", "7.2 s of video: 0.072 there, 0.08 here")},
    ),
    "a price that nobody can read": (
        lambda listed: one_of(listed, "bytedance/seededit-v3").update(formula='{"total_price": $spot(prompt)}'),
        {("unclear", "seededit-v3", "its price cannot be compared: it hangs on 'prompt', which may be anything")},
    ),
    "a price that is in no language": (
        lambda listed: one_of(listed, "bytedance/seededit-v3").update(formula="ask our sales team"),
        {("unclear", "seededit-v3", "its price cannot be read there: ask our sales team")},
    ),
    "a price by a function that nobody knows": (
        lambda listed: one_of(listed, "bytedance/seededit-v3").update(formula='{"total_price": $spot(image)}'),
        {("unclear", "seededit-v3", "its price cannot be compared: the formula calls '$spot'")},
    ),
    "a price where there was none": (
        lambda listed: one_of(listed, "decart/lucy-edit-pro").update(formula="", base_price=0.5),
        {("price", "lucy-edit-pro", "always: 0.5 there, no price here")},
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found_and_the_overlay_that_says_it_leaves_nothing_to_find(
    fake: Fake, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, expected = CHANGES[name]
    fake.offer("wavespeed", changed(change))

    done = check("wavespeed")
    assert (done.code, findings(done)) == (1, expected)

    assert_silent_with_its_overlay("wavespeed", tmp_path, monkeypatch)


def assert_silent_with_its_overlay(provider: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    overlay = folder / "overlay.toml"
    assert check(provider, "--overlay", overlay).code == 1
    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", str(overlay))
    after = check(provider)
    assert (after.code, findings(after)) == (0, set()), overlay.read_text()
    return overlay.read_text()


def test_a_new_model_is_entered_with_the_words_that_its_siblings_use(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.offer("wavespeed", changed(lambda listed: listed.append(copy.deepcopy(NEW))))
    assert_silent_with_its_overlay("wavespeed", tmp_path, monkeypatch)

    model = call("models", "aurora-2-text-to-image", "--json").document
    assert (model["route"], model["auto"], model["omits"]) == (NEW["model_id"], False, ["loras"])
    assert [(rule["rate"], rule["unit"], rule["when"]) for rule in model["prices"]] == [
        ("0.07", "image", {"resolution": ["1k"]}),
        ("0.14", "image", {"resolution": ["4k"]}),
    ]
    inputs = {name: (one["type"], one["sent_as"]) for name, one in model["inputs"].items()}
    assert inputs == {
        "prompt": ("text", ""),
        "resolution": ("choice", ""),
        "steps": ("integer", "num_inference_steps"),
        "reference": ("image", "reference_images"),
    }


def test_begun_seconds_and_their_bounds_are_found_from_what_each_length_costs(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formula = '{"total_price": $max([8, $min([$ceil(get_duration_v3(video)), 300])]) * base_price}'
    fake.offer(
        "wavespeed",
        changed(lambda listed: one_of(listed, "wavespeed-ai/hunyuan-video-foley").update(formula=formula)),
    )
    text = assert_silent_with_its_overlay("wavespeed", tmp_path, monkeypatch)
    assert '{ rate = "0.02", of = "video", step = 1, minimum = 8, maximum = 300 }' in text


def test_what_cannot_be_written_is_made_unavailable_and_never_charged_wrongly(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = '{"total_price": base_price * $length(prompt)}'
    fake.offer("wavespeed", changed(lambda listed: one_of(listed, "bytedance/seededit-v3").update(formula=odd)))
    assert_silent_with_its_overlay("wavespeed", tmp_path, monkeypatch)
    assert call("models", "seededit-v3", "--json").document["status"] == "unavailable"


def test_a_price_of_ours_stays_where_the_cost_changes(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[[price]]\nmodel = "seededit-v3"\nrate = "0.10"\ncost = "0.027"\n')
    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", str(own))
    fake.offer("wavespeed", changed(lambda listed: one_of(listed, "bytedance/seededit-v3").update(base_price=0.03)))
    overlay = tmp_path / "overlay.toml"
    assert check("wavespeed", "--overlay", overlay).code == 1
    assert '{ rate = "0.1", cost = "0.03" }' in overlay.read_text()


@pytest.mark.parametrize("seed", range(6))
def test_many_changes_at_once_are_said_by_one_overlay(
    fake: Fake, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.offer("wavespeed", changed(lambda listed: shake(listed, random.Random(seed))))
    assert check("wavespeed").code == 1
    assert_silent_with_its_overlay("wavespeed", tmp_path, monkeypatch)


def shake(listed: Listed, chance: random.Random) -> None:
    """Change a third of the list in every way that there is."""
    for one in list(listed):
        schema = wavespeed.schema_of(one)
        names = list(schema["properties"])
        name = chance.choice(names)
        match chance.randrange(21):
            case 0:
                listed.remove(one)
            case 1:
                one["base_price"] = round(one["base_price"] * chance.choice([0.5, 2, 3]), 6)
            case 2:
                schema["properties"][f"{name}_v2"] = schema["properties"].pop(name)
                schema["required"] = [f"{each}_v2" if each == name else each for each in schema["required"]]
            case 3:
                del schema["properties"][name]
                schema["required"] = [each for each in schema["required"] if each != name]
            case 4:
                schema["properties"]["mood"] = {"type": "string", "enum": ["calm", "wild"], "default": "calm"}
                one["formula"] = '{"total_price": base_price * (mood = "wild" ? 2 : 1)}'
            case 5:
                listed.append({**copy.deepcopy(one), "model_id": f"{one['model_id']}-v{chance.randrange(100)}"})
            case 6:
                schema["required"] = names


# Lists that cannot be believed


@pytest.mark.parametrize(
    "spoil",
    [
        lambda listed: listed.append("aurora"),
        lambda listed: listed.append({"model_id": 7}),
        lambda listed: listed.append({"model_id": "", "type": "text-to-image"}),
        lambda listed: listed.append({**copy.deepcopy(NEW), "model_id": "a" * 1_000}),
        lambda listed: listed.append({**copy.deepcopy(NEW), "model_id": "acme/\x07"}),
        lambda listed: listed.append({**copy.deepcopy(NEW), "formula": "1" * 100_000}),
        lambda listed: properties(listed, "wavespeed-ai/flux-kontext-max").update({"": {"type": "string"}}),
    ],
)
def test_entries_that_cannot_be_read_are_noted_and_then_nothing_is_called_gone(
    fake: Fake, spoil: Callable[[Listed], object]
) -> None:
    def change(listed: Listed) -> None:
        spoil(listed)
        listed.remove(one_of(listed, "bytedance/seededit-v3"))

    fake.offer("wavespeed", changed(change))
    [held] = check("wavespeed").document["providers"]
    assert held["differences"] == []
    assert "1 entry of the list cannot be read" in held["notes"][-1]


@pytest.mark.parametrize("price", [None, "0.03", True, -1, [], {}])
def test_a_price_of_another_type_is_unclear_and_never_taken(fake: Fake, price: object) -> None:
    fake.offer("wavespeed", changed(lambda listed: one_of(listed, "bytedance/seededit-v3").update(base_price=price)))
    done = check("wavespeed")
    assert (done.code, {(finding, model) for finding, model, _ in findings(done)}) == (1, {("unclear", "seededit-v3")})


@pytest.mark.parametrize("schema", [None, [], "x", {"api_schemas": []}, {"api_schemas": [{"request_schema": 5}]}])
def test_a_schema_that_is_none_says_nothing_about_inputs(fake: Fake, schema: object) -> None:
    fake.offer("wavespeed", changed(lambda listed: one_of(listed, "bytedance/seededit-v3").update(api_schema=schema)))
    assert findings(check("wavespeed")) == set()


def test_a_list_that_is_none_is_no_answer(fake: Fake) -> None:
    fake.state.set("models:wavespeed", {"models": []})
    done = check("wavespeed")
    assert (done.code, done.document["providers"][0]["state"]) == (4, "does not answer")


@pytest.mark.parametrize("provider", ["wavespeed", "openai"])
def test_a_list_of_nothing_calls_nothing_gone(fake: Fake, provider: str, tmp_path: Path) -> None:
    fake.offer(provider, [])
    done = check(provider, "--overlay", tmp_path / "overlay.toml")
    [held] = done.document["providers"]
    assert (done.code, held["state"], held["differences"]) == (4, "does not answer", [])
    assert "lists no model at all" in held["detail"]
    assert not (tmp_path / "overlay.toml").exists()


def test_what_is_listed_twice_alike_is_one(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = [copy.deepcopy(NEW), copy.deepcopy(NEW)]
    fake.offer("wavespeed", [*wavespeed.offered(), *wavespeed.offered(), *new])
    assert [finding for finding, *_ in findings(check("wavespeed"))] == ["new"]
    assert assert_silent_with_its_overlay("wavespeed", tmp_path, monkeypatch).count("[[model]]") == 1


def test_what_is_listed_twice_and_not_alike_is_unclear_and_never_taken(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dearer = {**one_of(wavespeed.offered(), "bytedance/seededit-v3"), "base_price": 7}
    new = [copy.deepcopy(NEW), {**copy.deepcopy(NEW), "base_price": 7}]
    fake.offer("wavespeed", [*wavespeed.offered(), dearer, *new])
    told = "is listed more than once, and not alike"
    assert findings(check("wavespeed")) == {("unclear", "seededit-v3", told), ("unclear", NEW["model_id"], told)}
    assert "unavailable" in assert_silent_with_its_overlay("wavespeed", tmp_path, monkeypatch)


@pytest.mark.parametrize("odd", ["gpt-image-9", None, {"id": 7}, {"id": ""}, {"id": "a" * 1_000}, {}])
def test_odd_entries_of_openai_spoil_no_other(fake: Fake, odd: Any) -> None:
    listed = [one for one in listed_by_openai(gpt_image_2="2027-04-21") if one["id"] != "gpt-image-2.6-flare"]
    fake.offer("openai", [*listed, odd])
    done = check("openai")
    assert {finding for finding, *_ in findings(done)} == {"ends"}
    assert any("1 entry of the list cannot be read" in note for note in done.document["providers"][0]["notes"])


def test_ten_thousand_new_models_are_found(fake: Fake) -> None:
    more = [{**copy.deepcopy(NEW), "model_id": f"acme/aurora-{number}"} for number in range(10_000)]
    fake.offer("wavespeed", [*wavespeed.offered(), *more])
    found = findings(check("wavespeed"))
    assert (len(found), {finding for finding, *_ in found}) == (10_000, {"new"})


# Providers that do not answer, or cannot


def test_one_that_does_not_answer_ends_with_4_and_is_not_the_same(fake: Fake) -> None:
    fake.revoke("wavespeed", "another")
    done = check("wavespeed")
    assert (done.code, done.document["providers"][0]["state"]) == (4, "does not answer")
    assert "bad_key" in done.document["providers"][0]["detail"]
    assert call("catalogue", "check").code == 4


@pytest.mark.parametrize("provider", ["local", "stability"])
def test_one_that_has_no_list_says_so_and_is_not_the_same(fake: Fake, provider: str) -> None:
    done = check(provider)
    assert (done.code, done.document["providers"][0]["state"]) == (4, "cannot list")


def test_one_without_a_key_is_not_set_up(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGESTUDIO_WAVESPEED_KEY")
    done = check("wavespeed")
    assert (done.code, done.document["providers"][0]["detail"]) == (4, "set IMAGESTUDIO_WAVESPEED_KEY")


def test_all_are_checked_at_once_and_shown_as_text(fake: Fake) -> None:
    fake.offer("wavespeed", changed(lambda listed: listed.remove(one_of(listed, "bytedance/seededit-v3"))))
    done = call("catalogue", "check")
    assert done.code == 1
    assert "gone     seededit-v3  is not offered any more" in done.out
    assert "cannot list" in done.out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--overlay", "new.toml"), "is about one provider"),
        (("wavespeed", "--overlay", "old.toml"), "is there already"),
        (("acme",), "there is no provider 'acme'"),
    ],
)
def test_a_wrong_question_is_refused_before_anything_is_asked(
    fake: Fake, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    (tmp_path / "home" / "old.toml").write_text("mine")
    done = call("catalogue", "check", *options, "--json")
    assert (done.code, told in done.error["message"]) == (2, True)
    assert (tmp_path / "home" / "old.toml").read_text() == "mine"


def test_no_overlay_is_written_where_nothing_differs(fake: Fake, tmp_path: Path) -> None:
    done = check("wavespeed", "--overlay", tmp_path / "overlay.toml")
    assert (done.code, done.document["overlay"]) == (0, None)
    assert not (tmp_path / "overlay.toml").exists()


# OpenAI


def listed_by_openai(**days: str | None) -> Listed:
    """Its list, with other days of shutdown: their models' names with "_" for each sign that is no letter or digit."""
    found = copy.deepcopy(openai.offered())
    for one in found:
        word = "".join(sign if sign.isalnum() else "_" for sign in one["id"])
        one["shutdown_date"] = days.get(word, one["shutdown_date"])
    return found


def test_a_day_of_shutdown_is_found_and_entered(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.offer("openai", listed_by_openai(gpt_image_2="2027-04-21"))
    told = "its provider retires it on 2027-04-21, the entry says no day"
    assert findings(check("openai")) == {("ends", id, told) for id in ("gpt-image-2", "gpt-image-2-edit")}
    text = assert_silent_with_its_overlay("openai", tmp_path, monkeypatch)
    assert "retires = 2027-04-21" in text


def test_a_day_that_was_taken_back_is_found_and_entered(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = listed_by_openai()
    next(one for one in listed if one["id"] == "chatgpt-image-latest")["shutdown_date"] = None
    fake.offer("openai", listed)
    assert {finding for finding, *_ in findings(check("openai"))} == {"ends"}
    assert "lasts = true" in assert_silent_with_its_overlay("openai", tmp_path, monkeypatch)


def test_a_new_picture_model_and_one_that_is_gone_are_found(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [one for one in listed_by_openai() if one["id"] != "gpt-image-2.6-flare"]
    fake.offer("openai", [*listed, {**listed[0], "id": "gpt-image-9", "shutdown_date": None}])
    assert findings(check("openai")) == {
        ("new", "gpt-image-9", "does text-to-image, image-edit; its price is not told"),
        ("gone", "gpt-image-2.6-flare", "is not offered any more"),
        ("gone", "gpt-image-2.6-flare-edit", "is not offered any more"),
        ("gone", "gpt-image-2.6-flare-gif", "is not offered any more"),
    }
    text = assert_silent_with_its_overlay("openai", tmp_path, monkeypatch)
    assert '"gpt-image-9",' in text


@pytest.mark.parametrize("day", ["soon", "2027-13-01", 20270421, ["2027-04-21"]])
def test_a_day_that_is_none_is_noted(fake: Fake, day: Any) -> None:
    listed = listed_by_openai()
    next(one for one in listed if one["id"] == "gpt-image-2")["shutdown_date"] = day
    fake.offer("openai", listed)
    [held] = check("openai").document["providers"]
    assert held["differences"] == []
    assert "the shutdown date of 'gpt-image-2' cannot be read" in held["notes"]


# What a key can reach


def test_a_check_of_a_provider_says_what_its_key_can_reach_and_what_ends(fake: Fake) -> None:
    listed = [one for one in listed_by_openai(gpt_image_2="2027-04-21") if one["id"] != "gpt-image-2.6-flare"]
    fake.offer("openai", listed)
    [found] = call("providers", "check", "openai", "--json").document["providers"]
    assert found["state"] == "answers"
    assert found["missing"] == ["gpt-image-2.6-flare", "gpt-image-2.6-flare-edit", "gpt-image-2.6-flare-gif"]
    assert {"gpt-image-2", "gpt-image-2-edit"} <= {*found["offered"]}
    assert (found["retires"]["gpt-image-2"], "gpt-image-2.5-flare" in found["retires"]) == ("2027-04-21", False)
    text = " ".join(call("providers", "check", "openai").out.split())
    assert "not gpt-image-2.6-flare, gpt-image-2.6-flare-edit, gpt-image-2.6-flare-gif; retires" in text


def test_a_list_that_is_not_given_is_no_failure_of_a_check(fake: Fake) -> None:
    fake.next("wavespeed.models", Behaviour(status=404), times=None)
    [found] = call("providers", "check", "wavespeed", "--json").document["providers"]
    assert (found["state"], found["detail"], "offered" in found) == ("answers", "100 USD left", False)


# Hugging Face, and fal behind it

CLIPS = "fal-ai/hunyuan-video"


def test_what_fal_bills_is_held_against_the_entry(fake: Fake) -> None:
    fake.state.set("prices:fal", {CLIPS: [0.4, "video"]})
    assert findings(check("huggingface")) == {("price", "hunyuan-video-hf", "always: 0.4 there, 0.1 here")}


def test_a_unit_of_which_nobody_knows_how_many_there_are_is_unclear(fake: Fake) -> None:
    fake.state.set("prices:fal", {CLIPS: [0.02, "compute seconds"]})
    told = "its price cannot be read there: 0.02 USD per compute seconds"
    assert findings(check("huggingface")) == {("unclear", "hunyuan-video-hf", told)}


def test_without_a_key_of_fals_own_its_prices_are_said_not_to_be_known(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMAGESTUDIO_HUGGINGFACE_FAL_KEY")
    done = check("huggingface")
    assert done.code == 0
    notes = done.document["providers"][0]["notes"]
    assert "what fal bills was not asked: set IMAGESTUDIO_HUGGINGFACE_FAL_KEY" in notes


def test_a_price_that_fal_does_not_tell_is_noted(fake: Fake) -> None:
    fake.state.set("prices:fal", {CLIPS: ["a lot", "video"]})
    done = check("huggingface")
    assert (done.code, findings(done)) == (0, set())
    assert f"fal tells no price of {CLIPS}" in done.document["providers"][0]["notes"]


def test_a_model_that_nobody_runs_any_more_is_gone(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(huggingface.MODELS, "tencent/HunyuanVideo")
    assert findings(check("huggingface")) == {("gone", "hunyuan-video-hf", "is not offered any more")}


def test_the_list_is_one_of_json_with_exact_numbers() -> None:
    assert json.loads(json.dumps(wavespeed.offered())) == wavespeed.offered()
