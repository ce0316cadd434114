"""Every mistake in a catalogue file names the file, the model and the field, and loads nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import CatalogueError
from infrastructure.catalogue import load_catalogue
from tests.infrastructure.catalogue.catalogue_files import MINIMAL, PRICED, SIZED, loaded

HERE = "overlay-1.toml: model 'aurora': "
SIZE = 'inputs.size = { type = "choice", choices = ["1k", "2k"], default = "1k" }\n'


def complaint(folder: Path, *texts: str) -> str:
    with pytest.raises(CatalogueError) as caught:
        loaded(folder, *texts)
    assert caught.value.hint
    return caught.value.message.replace(f"{folder}/", "")


def prices(*entries: str) -> str:
    return MINIMAL + SIZE + f"prices = [{', '.join(entries)}]\n"


# Rates


@pytest.mark.parametrize("field", ["rate", "cost"])
@pytest.mark.parametrize("number", ["0.04", "1", "1e-2", "nan", "true"])
def test_a_rate_that_is_a_bare_number_is_refused(tmp_path: Path, field: str, number: str) -> None:
    entry = {"rate": '"1"', field: number}
    written = ", ".join(f"{name} = {value}" for name, value in entry.items())

    message = complaint(tmp_path, prices(f"{{ {written} }}"))

    assert message == HERE + f'prices[0].{field}: write it as text, such as "0.04": a bare number is not exact'


@pytest.mark.parametrize("rate", ["-0.04", "1e-2", "free", "", " 1", "0.0000000000000000001", "NaN", "1,5"])
def test_a_rate_is_an_exact_amount_that_is_not_negative(tmp_path: Path, rate: str) -> None:
    message = complaint(tmp_path, prices('{ rate = "1", when = { size = "1k" } }', f'{{ rate = "{rate}" }}'))

    assert message.startswith(HERE + "prices[1].rate: not an exact rate")


@settings(max_examples=25)
@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_bare_rate_is_ever_loaded(tmp_path_factory: pytest.TempPathFactory, rate: object) -> None:
    folder = tmp_path_factory.mktemp("overlay")

    assert "prices[0].rate" in complaint(folder, prices(f"{{ rate = {rate:f} }}"))


# Prices


@pytest.mark.parametrize(
    ("entries", "wrong"),
    [
        (['{ cost = "1" }'], "prices[0]: write either a rate or meters"),
        (['{ rate = "1", meters.text = { rate = "1", most = 1 } }'], "prices[0]: write either a rate or meters"),
        (['{ meters.text = { rate = "1", most = -1 } }'], "prices[0].meters.text.most: Input should be greater"),
        (["{ meters.text = { rate = 1, most = 1 } }"], "prices[0].meters.text.rate: write it as text"),
        (['{ rate = "1", per = "image" }'], "prices[0].per: there is no such field"),
        (['{ rate = "1", unit = "hour" }'], "prices[0].unit: Input should be 'image', 'second', '5s_block'"),
        (['{ rate = "1", minimum = -1 }'], "prices[0].minimum: is negative"),
        (['{ rate = "1", step = 0 }'], "prices[0].step: is none; write how much of a unit counts whole once begun"),
        (['{ rate = "1", step = 1 }'], "prices[0].step: a price per image measures nothing"),
        (['{ rate = "1", minimum = 6, maximum = 5 }'], "prices[0].maximum: is below the minimum"),
        (['{ rate = "1", maximum = -1 }'], "prices[0].maximum: is below the minimum"),
        (['{ rate = "1", minimum = "5" }'], "prices[0].minimum: write a number"),
        (['{ rate = "1", minimum = inf }'], "prices[0].minimum: write a number"),
        (['{ rate = "1", minimum = 1e99 }'], "prices[0].minimum: write at most 12 digits and six decimals"),
        (['{ rate = "1", minimum = 0.0000001 }'], "prices[0].minimum: write at most 12 digits and six decimals"),
        (['{ rate = "1", when = { colour = "red" } }'], "prices[0].when.colour: is no choice, flag or number"),
        (['{ rate = "1", when = { size = "3k" } }'], "prices[0].when.size: '3k' is not accepted"),
        (['{ rate = "1", when = { size = ["1k", "3k"] } }'], "prices[0].when.size: '3k' is not accepted"),
        (['{ rate = "1", when = { size = 1 } }'], "prices[0].when.size: must be text, not 1"),
        (['{ rate = "1", when = { size = [] } }'], "prices[0].when.size: write at least one value"),
        (['{ rate = "1", of = "size" }'], "prices[0].of: a price per image measures nothing"),
        (['{ rate = "1" }', '{ rate = "2" }'], "prices[1].rate: "),
    ],
)
def test_a_price_that_cannot_hold_is_refused(tmp_path: Path, entries: list[str], wrong: str) -> None:
    assert complaint(tmp_path, prices(*entries)).startswith(HERE + wrong)


@pytest.mark.parametrize("since", ['"2027-01-01"', "2027-01-01T00:00:00", "00:00:00", "1893456000", "1850-01-01"])
def test_a_price_begins_at_a_date_or_a_time_with_its_offset(tmp_path: Path, since: str) -> None:
    assert complaint(tmp_path, prices(f'{{ rate = "1", from = {since} }}')).startswith(HERE + "prices[0].from: write")


SECOND = MINIMAL.replace('unit = "image"', 'unit = "second"')
AREA = MINIMAL.replace('unit = "image"', 'unit = "megapixel"')
TOKENS = MINIMAL.replace('unit = "image"', 'unit = "token"')
RATE = 'prices = [{ rate = "1" }]\n'


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (SECOND + RATE, "'duration' is no input of type audio or decimal or integer or video"),
        (SECOND + RATE + 'inputs.duration.type = "text"\n', "'duration' is no input of type"),
        (SECOND + RATE + 'inputs.duration = { type = "integer", minimum = 1 }\n', "required or have a default"),
        (SECOND + RATE + 'inputs.duration = { type = "integer", required = true }\n', "may be zero or less"),
        (
            SECOND + RATE + 'inputs.duration = { type = "decimal", minimum = 0, required = true }\n',
            "may be zero or less",
        ),
        (SECOND + RATE + 'inputs.duration = { type = "integer", choices = [0, 5], default = 5 }\n', "be zero or less"),
        (AREA + RATE, "'width' is no input of type integer"),
        (AREA + 'prices = [{ rate = "1", of = "image" }]\n', "'image' is no input of type image or video"),
        (AREA + 'inputs.image.type = "image"\nprices = [{ rate = "1", of = "image" }]\n', "required or have a default"),
        (TOKENS + RATE, "'tokens' is no input of type integer"),
    ],
)
def test_what_a_price_measures_is_always_there_to_be_measured(tmp_path: Path, text: str, wrong: str) -> None:
    message = complaint(tmp_path, text)

    assert message.startswith(HERE + "prices[0].of: ")
    assert wrong in message


def test_a_price_hangs_on_no_input_that_may_be_missing(tmp_path: Path) -> None:
    optional = 'inputs.hd.type = "flag"\nprices = [{ rate = "1", when = { hd = true } }]\n'

    message = complaint(tmp_path, MINIMAL + optional)

    assert message == HERE + "prices[0].when.hd: prices hang on it, so the input must be required or have a default"


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        ('["prompt"]', "names at least two inputs, each once"),
        ('["prompt", "prompt"]', "names at least two inputs, each once"),
        ('["prompt", "colour"]', "'colour' is not an input of the model"),
        ('["prompt", "size"]', "'size' is required or has a default, so that it is always given"),
    ],
)
@pytest.mark.parametrize("key", ["one_of", "not_both"])
def test_of_inputs_that_stand_for_each_other_each_may_be_missing(
    tmp_path: Path, key: str, names: str, wrong: str
) -> None:
    text = MINIMAL + SIZE + f'inputs.prompt.type = "text"\n{key} = {names}\n'

    assert complaint(tmp_path, text) == HERE + f"{key}: {wrong}"


def test_a_condition_is_written_as_requests_are_compared(tmp_path: Path) -> None:
    flag = 'inputs.hd = { type = "flag", default = false }\nprices = [{ rate = "1", when = { hd = "true" } }]\n'

    assert complaint(tmp_path, MINIMAL + flag) == HERE + "prices[0].when.hd: write True, not 'true'"


def test_two_prices_between_which_nothing_decides_are_refused_with_both(tmp_path: Path) -> None:
    inputs = 'inputs.a = { type = "flag", default = false }\ninputs.b = { type = "flag", default = false }\n'
    both = 'prices = [{ rate = "1", when = { a = true } }, { rate = "2", when = { b = true } }]\n'

    message = complaint(tmp_path, MINIMAL + inputs + both)

    assert message == HERE + "prices: nothing decides between 1 (a=True) and 2 (b=True)"


def test_an_overlay_that_makes_prices_ambiguous_is_named_with_the_model(tmp_path: Path) -> None:
    both = '[[price]]\nmodel = "aurora"\nrate = "1"\nwhen = { size = ["1k", "2k"] }\n'

    message = complaint(tmp_path, SIZED, both)

    assert message.startswith("overlay-1.toml and overlay-2.toml: model 'aurora': prices: nothing decides between")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('[[price]]\nrate = "1"\n', "None: price[0].model: is missing"),
        ('[[price]]\nmodel = "nova"\nrate = "1"\n', "'nova': price[0].model: there is no model 'nova'"),
        ('[[price]]\nmodel = "aurora"\nrate = 1\n', "'aurora': price[0].rate: write it as text"),
        ('[[price]]\nmodel = "aurora"\nrate = "1"\nwhen.size = "9k"\n', "'aurora': price[0].when.size: '9k' is not"),
        ('[[price]]\nmodel = "aurora"\nrate = "1"\n' * 2, "'aurora': price[1].rate: overlay-2.toml: model 'aurora'"),
    ],
)
def test_a_wrong_price_of_an_overlay_is_refused_with_its_place(tmp_path: Path, text: str, wrong: str) -> None:
    assert complaint(tmp_path, SIZED, text).startswith(f"overlay-2.toml: model {wrong}")


# Inputs


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ("{ required = true }", "inputs.x.type: is missing"),
        ('{ type = "number" }', "inputs.x.type: Input should be 'text', 'integer'"),
        ('{ type = "text", max_chars = 0 }', "inputs.x.max_chars: Input should be greater than or equal to 1"),
        ('{ type = "text", max_chars = 1.5 }', "inputs.x.max_chars: Input should be a valid integer"),
        ('{ type = "text", maximum = 9 }', "inputs.x.maximum: means nothing for an input of type text"),
        ('{ type = "integer", max_side = 9 }', "inputs.x.max_side: means nothing for an input of type integer"),
        ('{ type = "image", max_ms = 9 }', "inputs.x.max_ms: means nothing for an input of type image"),
        ('{ type = "image", default = "a.png" }', "inputs.x.default: means nothing for an input of type image"),
        ('{ type = "text", many = 2 }', "inputs.x.many: means nothing for an input of type text"),
        ('{ type = "integer", minimum = 9, maximum = 8 }', "inputs.x.minimum: 9 is above the maximum of 8"),
        ('{ type = "image", min_side = 9, max_side = 8 }', "inputs.x.min_side: 9 is above the max_side of 8"),
        ('{ type = "image", min_aspect = 2.5, max_aspect = 0.4 }', "inputs.x.min_aspect: 2.5 is above"),
        ('{ type = "video", min_ms = 9, max_ms = 8 }', "inputs.x.min_ms: 9 is above the max_ms of 8"),
        ('{ type = "choice" }', "inputs.x.choices: an input of type choice has some"),
        ('{ type = "choice", choices = ["a", "a"] }', "inputs.x.choices: names one twice"),
        ('{ type = "choice", choices = [1] }', "inputs.x.choices: all are texts"),
        ('{ type = "integer", choices = ["1"] }', "inputs.x.choices: all are whole numbers"),
        ('{ type = "integer", choices = [true] }', "inputs.x.choices: all are whole numbers"),
        ('{ type = "decimal", multiple_of = 8 }', "inputs.x.multiple_of: means nothing for an input of type decimal"),
        ('{ type = "image", multiple_of = 8 }', "inputs.x.multiple_of: means nothing for an input of type image"),
        ('{ type = "integer", multiple_of = 1 }', "inputs.x.multiple_of: Input should be greater than or equal to 2"),
        ('{ type = "integer", multiple_of = 8.5 }', "inputs.x.multiple_of: Input should be a valid integer"),
        ('{ type = "integer", multiple_of = 8, choices = [8] }', "inputs.x.multiple_of: means nothing beside choices"),
        (
            '{ type = "integer", multiple_of = 64, minimum = 65, maximum = 127 }',
            "inputs.x.multiple_of: no multiple of 64 is from 65 to 127",
        ),
        (
            '{ type = "integer", multiple_of = 64, minimum = -63, maximum = -1 }',
            "inputs.x.multiple_of: no multiple of 64 is from -63 to -1",
        ),
        (
            '{ type = "size", multiple_of = 64, max_side = 63 }',
            "inputs.x.multiple_of: no multiple of 64 is from 1 to 63",
        ),
        (
            '{ type = "integer", multiple_of = 64, default = 100 }',
            "inputs.x.default: 100 is not accepted: it must be a multiple of 64",
        ),
        ('{ type = "integer", default = 9, maximum = 8 }', "inputs.x.default: 9 is above 8"),
        ('{ type = "integer", default = "9" }', "inputs.x.default: write 9, not '9'"),
        ('{ type = "choice", choices = ["a"], default = "b" }', "inputs.x.default: 'b' is not accepted"),
        ('{ type = "flag", default = 1 }', "inputs.x.default: must be true or false"),
        ('{ type = "text", default = [] }', "inputs.x.default: write text, a number, true or false"),
        ('{ type = "text", required = true, default = "a" }', "inputs.x.default: what is required needs none"),
        ('{ type = "image", media_types = ["video/mp4"] }', "inputs.x.media_types: an input of type image takes"),
        ('{ type = "image", media_types = ["image/svg+xml"] }', "inputs.x.media_types: image/svg+xml cannot be read"),
        ('{ type = "image", media_types = ["png"] }', "inputs.x.media_types[0]: String should match"),
    ],
)
def test_an_input_that_cannot_be_meant_is_refused(tmp_path: Path, entry: str, wrong: str) -> None:
    assert complaint(tmp_path, PRICED + f"inputs.x = {entry}\n").startswith(HERE + wrong)


def test_a_wrong_preset_is_refused_under_its_name(tmp_path: Path) -> None:
    preset = '[preset.sized]\nwidth = { type = "integer", max_chars = 9 }\n'

    assert complaint(tmp_path, preset).startswith("overlay-1.toml: preset.sized: inputs.width.max_chars: means nothing")


def test_a_preset_is_given_once(tmp_path: Path) -> None:
    assert complaint(tmp_path, '[preset.script]\njob.type = "text"\n') == (
        "overlay-1.toml: preset.script: there is one already"
    )


# Models


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ('"aurora"', '"Aurora 2"', "overlay-1.toml: model 'Aurora 2': id: String should match pattern"),
        ('"aurora"', '"aurora\\n"', "overlay-1.toml: model 'aurora\\n': id: String should match pattern"),
        ('"aurora"', '"cheapest"', "overlay-1.toml: model 'cheapest': id: is the name of a strategy"),
        ('id = "aurora"', "", "overlay-1.toml: model 1: id: is missing"),
        ('"aurora"', '"scripted-3d"', "overlay-1.toml: model 'scripted-3d': id: scripted.toml has it already"),
        (
            '"text-to-image"',
            '"painting"',
            HERE + "kinds: there is no kind of operation 'painting'; did you mean inpaint",
        ),
        (
            '"text-to-image"',
            '"text2image"',
            HERE + "kinds: there is no kind of operation 'text2image'; did you mean text-",
        ),
        ('"text-to-image"', '"erase", "erase"', HERE + "kinds: names a kind twice"),
        ('"text-to-image"', "", HERE + "kinds: List should have at least 1 item"),
        ('"image/png"', '"png"', HERE + "outputs[0]: String should match pattern"),
        ('"image/png"', '"image/svg+xml"', HERE + "outputs: image/svg+xml cannot be read, so that nothing delivered"),
        ('"image/png"', '"image/png", "application/zip"', HERE + "outputs: application/zip cannot be read"),
        ('"image/png"', "", HERE + "outputs: List should have at least 1 item"),
        ('unit = "image"', 'unit = "hour"', HERE + "unit: Input should be 'image', 'second'"),
        ('unit = "image"', "", HERE + "unit: is missing"),
        ('route = "v1/aurora"', "", HERE + "route: is missing; a model without one says why it is unavailable"),
        ('unit = "image"', 'unit = "image"\nper_call = 0', HERE + "per_call: Input should be greater than"),
        ('unit = "image"', 'unit = "image"\nquality = "high"', HERE + "quality: Input should be a valid integer"),
        (
            'unit = "image"',
            'unit = "image"\nprize = []',
            HERE + "prize: there is no such field; did you mean prices or provider?",
        ),
        ('unit = "image"', 'unit = "image"\nextends = ["paint"]', HERE + "extends[0]: there is no preset 'paint'"),
        ('unit = "image"', 'unit = "image"\nretires = "soon"', HERE + "retires: write a date"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_field(tmp_path: Path, old: str, new: str, wrong: str) -> None:
    assert old in MINIMAL
    assert complaint(tmp_path, MINIMAL.replace(old, new)).startswith(wrong)


def test_a_model_is_given_once_also_in_one_file(tmp_path: Path) -> None:
    assert complaint(tmp_path, MINIMAL + MINIMAL) == HERE + "id: overlay-1.toml has it already"


def test_all_that_is_wrong_with_a_model_is_said_at_once(tmp_path: Path) -> None:
    message = complaint(tmp_path, MINIMAL.replace('"text-to-image"', "").replace('"image/png"', ""))

    assert [line.split(":")[2] for line in message.splitlines()] == [" kinds", " outputs"]


# Files


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[[model]\n", "is not TOML: "),
        ("models = []\n", "models: there is no such field; did you mean model?"),
        ("[model]\nid = 1\n", "model: write a list: [[model]]"),
        ('currency = "gold"\n', "currency: unknown currency 'gold'"),
        ('currency = "EUR"\n', "currency: EUR beside prices in USD"),
        ("a = " + "[" * 5000, "is not TOML: "),
    ],
    ids=["broken", "unknown table", "no list", "no currency", "another currency", "deep"],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, wrong: str) -> None:
    assert complaint(tmp_path, text).startswith(f"overlay-1.toml: {wrong}")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise.toml"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(CatalogueError, match=r"noise\.toml: is not TOML"):
        load_catalogue([path])


def test_a_file_that_is_not_there_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none\.toml: cannot be read: No such file") as caught:
        load_catalogue([tmp_path / "none.toml"])

    assert caught.value.hint == "check the path"
