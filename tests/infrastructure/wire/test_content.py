"""Exact amounts, files as text, and words that are safe to show."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from application.ports import Media, Task, Value
from infrastructure.wire.content import (
    AT_ONCE,
    data_uri,
    decode_base64,
    decode_json,
    encode_base64,
    encode_json,
    micros,
    private_texts,
    read_data_uri,
    told_by_provider,
)

MICRO = Decimal("0.000001")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        (b"0.05", 50_000),
        (b"0.1", 100_000),
        (b"0.0000005", 0),
        (b"0.0000015", 2),
        (b"1.2345675", 1_234_568),
        (b"0", 0),
        (b"3", 3_000_000),
        (b"1e-6", 1),
        (b"999999999999", 999_999_999_999_000_000),
        (b'"0.04"', 40_000),
        (b'" 12 "', 12_000_000),
    ],
)
def test_an_amount_is_read_exactly_and_rounded_once(text: bytes, amount: int) -> None:
    assert micros(decode_json(text)) == amount


@pytest.mark.parametrize(
    "text", [b"null", b"true", b'"a few cents"', b'""', b"[1]", b"{}", b"-0.01", b"1e12", b"1e999999999", b'"1e3"']
)
def test_what_is_no_amount_is_never_zero(text: bytes) -> None:
    assert micros(decode_json(text)) is None


@given(st.integers(0, 10**15))
def test_every_amount_of_micro_units_survives_the_way_through_json(amount: int) -> None:
    assert micros(decode_json(encode_json(amount * MICRO))) == amount


@given(st.binary())
def test_a_file_survives_the_way_through_a_data_uri(content: bytes) -> None:
    assert read_data_uri(data_uri(Media(content, "image/png"))) == Media(content, "image/png")


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("data:,a%20pond", Media(b"a pond", "text/plain")),
        ("data:text/plain;charset=utf-8,pond", Media(b"pond", "text/plain")),
        ("DATA:IMAGE/PNG;BASE64,AAAA", Media(bytes(3), "image/png")),
        ("data:image/png;base64,@@@@", None),
        ("data:image/png;base64", None),
        ("https://example.com/a.png", None),
        ("a pond", None),
    ],
)
def test_a_data_uri_is_read_or_is_none(text: str, media: Media | None) -> None:
    assert read_data_uri(text) == media


@pytest.mark.parametrize(
    ("words", "safe"),
    [
        ("too many\n\trequests\x07", "too many requests"),
        ("see https://x.test/a?signature=9&b=1 please", "see https://x.test/a please"),
        (f"image data:image/png;base64,{'A' * 100} is too large", "image … is too large"),
        (f"token {'a1' * 40} is wrong", "token … is wrong"),
        ("wrong key sk-1", "wrong key …"),
        (None, ""),
        (["a list"], ""),
    ],
)
def test_words_are_made_safe_to_show(words: object, safe: str) -> None:
    assert told_by_provider(words, ["sk-1", ""]) == safe


def test_words_are_shortened() -> None:
    assert len(told_by_provider("so " * 1000)) == 201


def test_prompts_are_private_and_plain_words_are_not() -> None:
    inputs: dict[str, Value] = {
        "prompt": "a pond",
        "size": "1024x768",
        "format": "jpeg",
        "scale": Decimal("0.5"),
        "empty": "",
        "on": True,
    }
    task = Task("o", 1, "text-to-image", "m", "r", 1, inputs, {})
    assert private_texts(task) == ("a pond",)


def test_a_number_beyond_all_bounds_is_no_json() -> None:
    with pytest.raises(ValueError, match="beyond all bounds"):
        decode_json(b'{"price": 1e99999999999999999999}')


def test_however_long_words_are_little_is_read_and_no_half_of_a_secret_is_told() -> None:
    secret = "a private pond " * 10
    assert len(told_by_provider("https://a" * 100_000)) <= 201
    assert "private" not in told_by_provider("x " * 985 + secret, [secret])


@settings(max_examples=20)
@given(st.integers(0, 2), st.integers(-4, 4))
def test_what_is_written_in_pieces_is_what_would_be_written_at_once(pieces: int, more: int) -> None:
    content = random.Random(more).randbytes(max(0, pieces * AT_ONCE + more))
    text = encode_base64(content)
    assert text == base64.b64encode(content).decode()
    assert decode_base64(text) == content


@settings(max_examples=100)
@example(before=0, text="=")
@example(before=1, text="AAAA==")
@given(st.integers(0, 12), st.text("AQ=é\n", max_size=40))
def test_what_is_read_in_pieces_is_what_would_be_read_at_once(before: int, text: str) -> None:
    """The end of a piece falls into the text, or just before it."""
    whole = "A" * (AT_ONCE - 4 * before) + text
    assert _read(decode_base64, whole) == _read(_decoded_at_once, whole)


def _decoded_at_once(text: str) -> bytes:
    if len(text) % 4:
        raise ValueError("not a whole number of groups (RFC 4648, 4)")
    return base64.b64decode(text, validate=True)


def _read(read: Callable[[str], bytes], text: str) -> bytes | None:
    try:
        return read(text)
    except ValueError:
        return None
