"""An input is read in one notation or refused, naming the input, the value and the limit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.inputs import MEDIA_TYPES, FileInfo, Input, InputType, check_files, plain, read_value

PROMPT = Input(name="prompt", type=InputType.TEXT, required=True, max_chars=20)
NOTE = Input(name="note", type=InputType.TEXT)
WIDTH = Input(name="width", type=InputType.INTEGER, minimum=Decimal(64), maximum=Decimal(2048))
DURATION = Input(name="duration", type=InputType.INTEGER, choices=(5, 8, 10))
STRENGTH = Input(name="strength", type=InputType.DECIMAL, minimum=Decimal("0.1"), maximum=Decimal(1))
FREE = Input(name="free", type=InputType.INTEGER)
TILED = Input(name="tiled", type=InputType.FLAG)
SIDE = replace(WIDTH, name="side", multiple_of=64)
SHIFT = Input(name="shift", type=InputType.INTEGER, minimum=Decimal(-20), maximum=Decimal(20), multiple_of=8)
SIZE = Input(name="size", type=InputType.SIZE, min_side=256, max_side=1600, max_pixels=2_000_000, multiple_of=16)
QUALITY = Input(name="quality", type=InputType.CHOICE, choices=("draft", "final"))
IMAGE = Input(
    name="image",
    type=InputType.IMAGE,
    many=2,
    max_bytes=1000,
    min_side=32,
    max_side=400,
    min_pixels=4096,
    max_pixels=100_000,
    min_aspect=Decimal("0.4"),
    max_aspect=Decimal("2.5"),
)
VOICE = Input(name="voice", type=InputType.AUDIO, min_ms=3_000, max_ms=30_000)
PICTURE = FileInfo("image/png", 900, 200, 100)
SPEECH = FileInfo("audio/wav", 900, duration_ms=5_000)


def refusal(spec: Input, value: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_value(spec, value)
    assert caught.value.field == spec.name
    return caught.value


def refused_file(spec: Input, *files: FileInfo) -> str:
    with pytest.raises(InvalidInput) as caught:
        check_files(spec, files)
    assert caught.value.field == spec.name
    return caught.value.message


# Values


@pytest.mark.parametrize(
    ("spec", "value", "read"),
    [
        (PROMPT, "a fox", "a fox"),
        (PROMPT, "x" * 20, "x" * 20),
        (NOTE, "", ""),
        (NOTE, "\ud7ff\ue000", "\ud7ff\ue000"),
        (FREE, 10**18 - 1, 10**18 - 1),
        (FREE, str(1 - 10**18), 1 - 10**18),
        (WIDTH, 64, 64),
        (WIDTH, 2048, 2048),
        (WIDTH, "512", 512),
        (DURATION, 8, 8),
        (SIDE, 960, 960),
        (SIDE, "1024", 1024),
        (SHIFT, -16, -16),
        (SHIFT, 0, 0),
        (SIZE, "1024x768", "1024x768"),
        (SIZE, "1600*256", "1600x256"),
        (STRENGTH, "0.1", "0.1"),
        (STRENGTH, "0.50", "0.5"),
        (STRENGTH, "1.000000", "1"),
        (STRENGTH, 1, "1"),
        (TILED, True, True),
        (TILED, "false", False),
        (QUALITY, "draft", "draft"),
    ],
)
def test_a_value_within_its_limits_is_read(spec: Input, value: object, read: object) -> None:
    found = read_value(spec, value)

    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("spec", "value", "why"),
    [
        (PROMPT, "", "is empty"),
        (PROMPT, " \n\t", "is empty"),
        (PROMPT, "x" * 21, "has 21 characters; at most 20 are accepted"),
        (PROMPT, 7, "must be text, not 7"),
        (NOTE, "a\0b", "characters that are not text"),
        (NOTE, "half a pair \ud83d", "characters that are not text"),
        (NOTE, "the first half \ud800", "characters that are not text"),
        (NOTE, "the last half \udfff", "characters that are not text"),
        (FREE, 10**18, "must be a whole number"),
        (FREE, -(10**18), "must be a whole number"),
        (WIDTH, 63, "63 is below 64, the least accepted"),
        (WIDTH, 2049, "2049 is above 2048, the most accepted"),
        (WIDTH, True, "must be a whole number, not True"),
        (WIDTH, 64.0, "must be a whole number, not 64.0"),
        (WIDTH, "12e2", "must be a whole number"),
        (WIDTH, "٦٤", "must be a whole number"),
        (DURATION, 6, "6 is not accepted"),
        (SIDE, 2049, "2049 is above 2048, the most accepted"),
        (SIDE, 1000, "1000 is not accepted: it must be a multiple of 64"),
        (SHIFT, 12, "12 is not accepted: it must be a multiple of 8"),
        (SIZE, "1000x768", "1000x768 is not accepted: each side must be a multiple of 16"),
        (SIZE, "1024x767", "1024x767 is not accepted: each side must be a multiple of 16"),
        (SIZE, "255x256", "its width of 255 px is below 256 px"),
        (STRENGTH, "0.09", "0.09 is below 0.1, the least accepted"),
        (STRENGTH, "1.000001", "1.000001 is above 1, the most accepted"),
        (STRENGTH, "0.1234567", "must be an exact decimal"),
        (STRENGTH, 0.5, "must be an exact decimal, not 0.5"),
        (STRENGTH, "NaN", "must be an exact decimal"),
        (STRENGTH, True, "must be an exact decimal, not True"),
        (TILED, "yes", "must be true or false, not 'yes'"),
        (TILED, 1, "must be true or false, not 1"),
        (QUALITY, "best", "'best' is not accepted"),
        (QUALITY, 4, "must be text, not 4"),
        (IMAGE, "fox.png", "is an image file, not 'fox.png'"),
    ],
)
def test_any_other_value_is_refused(spec: Input, value: object, why: str) -> None:
    assert why in refusal(spec, value).message


@pytest.mark.parametrize(("spec", "value", "choices"), [(QUALITY, "x", "draft, final"), (DURATION, 1, "5, 8, 10")])
def test_a_refused_choice_names_those_there_are(spec: Input, value: object, choices: str) -> None:
    assert refusal(spec, value).hint == f"choose one of: {choices}"


@pytest.mark.parametrize(
    ("spec", "value", "nearest"),
    [
        (SIDE, 1000, "960 or 1024"),
        (SIDE, 65, "64 or 128"),
        (SHIFT, 3, "0 or 8"),
        (SHIFT, -3, "-8 or 0"),
        (SHIFT, 20, "16"),
        (SHIFT, -17, "-16"),
        (SIZE, "1000x768", "992x768 or 1008x768"),
        (SIZE, "1001x700", "1008x704 or 992x704"),
        (SIZE, "257x300", "256x304 or 256x288"),
        (SIZE, "1599x1250", "1600x1248 or 1584x1248"),
        (replace(SIZE, max_side=99_999, max_pixels=None), "99999x256", "99984x256"),
        (replace(SIZE, min_pixels=1_000_000, max_pixels=1_000_000), "800x1250", "another within the other limits"),
    ],
)
def test_a_refused_multiple_names_the_nearest_that_meet_every_limit(spec: Input, value: object, nearest: str) -> None:
    assert refusal(spec, value).hint == f"choose {nearest}"


@given(st.integers(256, 1600), st.integers(256, 1600))
def test_whatever_size_a_refusal_names_is_accepted(width: int, height: int) -> None:
    try:
        read_value(SIZE, f"{width}x{height}")
    except InvalidInput as refused:
        named = [size for size in refused.hint.removeprefix("choose ").split(" or ") if "x" in size]
        assert [read_value(SIZE, size) for size in named] == named
    else:
        assert (width % 16, height % 16) == (0, 0)


def test_a_refusal_never_repeats_a_long_value() -> None:
    assert len(refusal(QUALITY, "x" * 100_000).message) < 100


def test_a_number_too_long_to_write_down_is_refused_all_the_same() -> None:
    for spec in (WIDTH, SIDE, SIZE, STRENGTH, TILED, QUALITY):
        assert "not a number of that size" in refusal(spec, 10**9999).message


@given(st.decimals(0, 10**6, places=6))
def test_equal_decimals_are_read_as_the_same_text(number: Decimal) -> None:
    free = Input(name="x", type=InputType.DECIMAL)

    assert read_value(free, str(number)) == read_value(free, plain(number))
    assert Decimal(str(read_value(free, format(number, "f")))) == number


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.floats(), st.binary()))
def test_whatever_is_given_is_read_or_refused_and_reading_again_changes_nothing(value: object) -> None:
    for spec in (PROMPT, NOTE, WIDTH, SIDE, SIZE, DURATION, STRENGTH, TILED, QUALITY):
        try:
            read = read_value(spec, value)
        except InvalidInput:
            continue
        assert read_value(spec, read) == read


# Files


def test_files_within_every_limit_are_accepted() -> None:
    check_files(IMAGE, (PICTURE, PICTURE))
    check_files(VOICE, (SPEECH,))


WORDED = replace(SIZE, choices=("auto",))


def test_a_size_may_be_one_of_the_words_of_its_model() -> None:
    assert [read_value(WORDED, value) for value in ("auto", "512 x 512")] == ["auto", "512x512"]
    assert 'write width and height as "1024x768", or "auto"' in refusal(WORDED, "large").hint
    assert "auto" not in refusal(SIZE, "auto").hint


def picture(**changes: Any) -> FileInfo:
    return FileInfo(**{"media_type": "image/png", "size": 900, "width": 200, "height": 100, **changes})


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (picture(media_type="image/gif"), "image/gif is not accepted"),
        (picture(size=1001), "has 1001 bytes; at most 1000 are accepted"),
        (picture(width=31, height=31), "its width of 31 px is below 32 px"),
        (picture(height=401), "its height of 401 px is above 400 px"),
        (picture(width=64, height=63), "its area of 4032 px is below 4096 px"),
        (picture(width=400, height=251), "its area of 100400 px is above 100000 px"),
        (picture(width=119, height=300), "119x300 is narrower than 0.4"),
        (picture(width=251), "251x100 is wider than 2.5"),
        (picture(width=None), "its width cannot be read, and is limited"),
    ],
)
def test_a_picture_beyond_a_limit_is_refused(file: FileInfo, why: str) -> None:
    assert why in refused_file(IMAGE, PICTURE, file)


@pytest.mark.parametrize(
    "file",
    [
        picture(width=250),
        picture(width=120, height=300),
        picture(width=64, height=64),
        picture(width=400, height=250),
        picture(size=1000),
    ],
)
def test_a_picture_exactly_at_a_limit_is_accepted(file: FileInfo) -> None:
    check_files(IMAGE, (file,))


@pytest.mark.parametrize("length", [3_000, 30_000])
def test_a_sound_exactly_at_a_limit_is_accepted(length: int) -> None:
    check_files(VOICE, (FileInfo("audio/wav", 900, duration_ms=length),))


@pytest.mark.parametrize("spec", [replace(VOICE, min_ms=None), replace(VOICE, max_ms=None)])
def test_one_limit_is_enough_to_refuse_what_cannot_be_read(spec: Input) -> None:
    assert "cannot be read" in refused_file(spec, FileInfo("audio/wav", 900))


@pytest.mark.parametrize(
    ("length", "why"),
    [
        (2_999, "its duration of 2999 ms is below 3000 ms"),
        (30_001, "its duration of 30001 ms is above 30000 ms"),
        (None, "its duration cannot be read, and is limited"),
    ],
)
def test_a_sound_of_another_length_is_refused(length: int | None, why: str) -> None:
    assert why in refused_file(VOICE, FileInfo("audio/wav", 900, duration_ms=length))


def test_a_shape_that_cannot_be_read_is_refused_where_it_is_limited() -> None:
    wide = Input(name="image", type=InputType.IMAGE, max_aspect=Decimal(2))

    assert "its shape cannot be read" in refused_file(wide, picture(height=None))


def test_more_files_than_an_input_takes_are_refused() -> None:
    assert "3 files are more than the 2 accepted" in refused_file(IMAGE, PICTURE, PICTURE, PICTURE)


def test_a_file_is_no_value() -> None:
    assert "is a text value, not a file" in refused_file(PROMPT, PICTURE)


def test_the_type_of_a_refused_file_is_answered_with_those_accepted() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_files(VOICE, (PICTURE,))

    assert caught.value.hint == f"send one of: {', '.join(MEDIA_TYPES[InputType.AUDIO])}"


@pytest.mark.parametrize(
    ("number", "text"), [("0.10", "0.1"), ("10", "10"), ("1E+3", "1000"), ("-0.0", "0"), ("100", "100")]
)
def test_equal_decimals_have_one_notation(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


@pytest.mark.parametrize(
    ("value", "told"),
    [("germn", "choose one of 101, such as: german"), ("@", "choose one of 101, such as: german, 000, 001")],
)
def test_of_very_many_choices_the_nearest_are_told_or_a_few(value: str, told: str) -> None:
    spec = Input(name="word", type=InputType.CHOICE, choices=("german", *(f"{number:03}" for number in range(100))))
    with pytest.raises(InvalidInput) as refused:
        read_value(spec, value)
    assert refused.value.hint == told
