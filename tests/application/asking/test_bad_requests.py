"""Bad input gets one clear error: its type, its code, what is wrong and what to do; and nothing is recorded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from domain.errors import (
    AccountExists,
    CurrencyMismatch,
    IllegalTransition,
    ImageStudioError,
    InvalidInput,
    InvalidMoney,
    InvalidPeriod,
    NoMedia,
    OperationRefused,
    UnknownAccount,
    UnknownKind,
    UnknownModel,
    UnknownOperation,
    UnknownPlan,
)
from domain.money import Money
from infrastructure.service import Studio
from infrastructure.showing.hints import in_shell
from tests.application.studios import SYNC, facts_of, picture, studio_on, submissions

LARGEST_FILE, MOST_PIXELS = 100_000, 1_000_000
CHARGED, REFUSED = "charged", "refused"
"""Keys of two operations that exist."""


def bomb(side: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes whose header promises billions of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@dataclass(frozen=True)
class Bad:
    """What is asked, and what the answer must be: type, code, and words of the message and of the hint."""

    ask: Callable[[Studio], Awaitable[object]]
    error: type[ImageStudioError]
    code: str
    says: str
    hint: str = ""


def generate(**changes: object) -> Callable[[Studio], Awaitable[object]]:
    options: dict[str, object] = {"prompt": "a lake", "account": "acme", "model": SYNC, **changes}
    return lambda studio: studio.operations.generate(**options)  # type: ignore[arg-type]


def of_types(**fields: object) -> Callable[[Studio], Awaitable[object]]:
    """A request that says of a field what its type does not allow."""
    asked: dict[str, object] = {"kind": "text-to-image", "account": "acme", "inputs": {"prompt": "x"}, **fields}
    return lambda studio: studio.operations.run(Request(**asked))  # type: ignore[arg-type]


def edit(image: bytes | Path, **changes: object) -> Callable[[Studio], Awaitable[object]]:
    return lambda studio: studio.operations.edit(image, "sepia", **{"account": "acme", **changes})  # type: ignore[arg-type]


def video(**inputs: str | int) -> Callable[[Studio], Awaitable[object]]:
    wanted = Request("text-to-video", "acme", {"prompt": "a lake", **inputs}, model="scripted-video")
    return lambda studio: studio.operations.run(wanted)


def upscale(image: bytes, **changes: object) -> Callable[[Studio], Awaitable[object]]:
    return lambda studio: studio.operations.upscale(image, **{"account": "acme", **changes})  # type: ignore[arg-type]


BAD_REQUESTS = {
    "unknown model": Bad(
        generate(model="nonsense"), UnknownModel, "unknown_model", "no model 'nonsense'", "imagestudio models"
    ),
    "misspelt model": Bad(
        generate(model="scripted-imag"), UnknownModel, "unknown_model", "no model 'scripted-imag'", SYNC
    ),
    "a model of another kind": Bad(edit(picture(), model=SYNC), UnknownKind, "unknown_kind", SYNC, "text-to-image"),
    "a model whose provider is not there": Bad(
        generate(model="elsewhere"),
        UnknownModel,
        "unknown_model",
        "'elsewhere' cannot be used here: its provider is not ready",
        SYNC,
    ),
    "unknown kind": Bad(
        lambda studio: studio.operations.run(Request("text-to-smell", "acme")),
        UnknownKind,
        "unknown_kind",
        "'text-to-smell'",
        "text-to-",
    ),
    "unknown account": Bad(
        generate(account="nobody"),
        UnknownAccount,
        "unknown_account",
        "no account 'nobody'",
        "imagestudio account open nobody",
    ),
    "no account": Bad(generate(account=""), InvalidInput, "invalid_input", "account: every operation needs", "trial"),
    "an account with spaces": Bad(generate(account="a b"), InvalidInput, "invalid_input", "account: 'a b'", "opaque"),
    "an account too long": Bad(generate(account="a" * 201), InvalidInput, "invalid_input", "has 201"),
    "a user that is no text": Bad(generate(user="\ud800"), InvalidInput, "invalid_input", "user: "),
    "a key with a new line": Bad(generate(key="a\nb"), InvalidInput, "invalid_input", "key: "),
    "no image": Bad(edit(b"nonsense"), NoMedia, "invalid_input", "image: is no image", "PNG"),
    "an empty image": Bad(edit(b""), NoMedia, "invalid_input", "image: is empty", "PNG"),
    "a damaged image": Bad(edit(picture()[:-20]), InvalidInput, "invalid_input", "image: is a damaged or truncated"),
    "an image too large": Bad(
        edit(picture() + b"\0" * LARGEST_FILE), InvalidInput, "invalid_input", f"at most {LARGEST_FILE}"
    ),
    "too many pixels": Bad(edit(picture(1001, 1000)), InvalidInput, "invalid_input", "image: "),
    "a decompression bomb": Bad(edit(bomb()), InvalidInput, "invalid_input", "image: ", ""),
    "a file that is not there": Bad(
        edit(Path("/nowhere/x.png")), InvalidInput, "invalid_input", "cannot be read", "path of a file"
    ),
    "a folder for a file": Bad(edit(Path("/")), InvalidInput, "invalid_input", "cannot be read", "path of a file"),
    "an image where none is taken": Bad(
        lambda studio: studio.operations.run(
            Request("text-to-image", "acme", {"prompt": "x"}, {"image": [picture()]}, model=SYNC)
        ),
        InvalidInput,
        "invalid_input",
        "image",
    ),
    "no image where one is needed": Bad(
        lambda studio: studio.operations.run(Request("image-edit", "acme", {"prompt": "x"}, allow="stand-in")),
        InvalidInput,
        "invalid_input",
        "image: ",
    ),
    "two images where one is taken": Bad(
        lambda studio: studio.operations.run(Request("upscale", "acme", {}, {"image": [picture(), picture()]})),
        InvalidInput,
        "invalid_input",
        "2 files are more than the 1",
    ),
    "text for an image": Bad(
        lambda studio: studio.operations.run(Request("upscale", "acme", {"image": "a.png"})),
        InvalidInput,
        "invalid_input",
        "image: ",
    ),
    "a width beyond the model's": Bad(
        generate(model="local-canvas", width=4096), InvalidInput, "invalid_input", "width: 4096 is above 2048"
    ),
    "a width below the model's": Bad(
        generate(model="local-canvas", width=1), InvalidInput, "invalid_input", "width: 1 is below 64"
    ),
    "a duration that is not offered": Bad(video(duration=7), InvalidInput, "invalid_input", "duration: 7", "5, 10"),
    "a resolution that is not offered": Bad(
        video(resolution="8k"), InvalidInput, "invalid_input", "resolution: '8k'", "480p, 720p"
    ),
    "a factor that is not offered": Bad(
        upscale(picture(), factor=3), InvalidInput, "invalid_input", "factor: 3", "2, 4"
    ),
    "an input nobody knows": Bad(generate(colour="red"), InvalidInput, "invalid_input", "colour"),
    "an empty prompt": Bad(
        generate(prompt=""), InvalidInput, "invalid_input", "prompt: is empty", "write what you want"
    ),
    "a blank prompt": Bad(generate(prompt=" \n"), InvalidInput, "invalid_input", "prompt: is empty", "write what"),
    "a prompt too long": Bad(generate(prompt="x" * 4_001), InvalidInput, "invalid_input", "at most 4000"),
    "a prompt that is no text": Bad(
        generate(prompt="\ud800"), InvalidInput, "invalid_input", "not text", "remove them"
    ),
    "a prompt with a NUL": Bad(generate(prompt="a\0b"), InvalidInput, "invalid_input", "not text", "remove them"),
    "a number for a prompt": Bad(generate(prompt=7), InvalidInput, "invalid_input", "prompt: must be text"),
    "a fraction for a seed": Bad(generate(seed=0.5), InvalidInput, "invalid_input", "seed: must be a whole number"),
    "a number in words": Bad(generate(n="2"), InvalidInput, "invalid_input", "n: must be a whole number, not '2'"),
    "a number with a point": Bad(generate(n=2.0), InvalidInput, "invalid_input", "n: must be a whole number, not 2.0"),
    "a truth for a number": Bad(generate(n=True), InvalidInput, "invalid_input", "n: must be a whole number, not True"),
    "a model that is a number": Bad(generate(model=5), InvalidInput, "invalid_input", "model: must be text, not 5"),
    "a user that is a number": Bad(generate(user=5), InvalidInput, "invalid_input", "user: must be text, not 5"),
    "a project that is a list": Bad(generate(project=["x"]), InvalidInput, "invalid_input", "project: must be text"),
    "a key that is bytes": Bad(generate(key=b"k"), InvalidInput, "invalid_input", "key: must be text, not b'k'"),
    "an account that is a number": Bad(generate(account=5), InvalidInput, "invalid_input", "account: must be text"),
    "a kind that is none": Bad(of_types(kind=None), InvalidInput, "invalid_input", "kind: must be text, not None"),
    "inputs in a list": Bad(of_types(inputs=["x"]), InvalidInput, "invalid_input", "inputs: must be a mapping"),
    "inputs by number": Bad(of_types(inputs={1: "x"}), InvalidInput, "invalid_input", "inputs: must be a mapping"),
    "a file that is not in a list": Bad(
        of_types(media={"image": picture()}), InvalidInput, "invalid_input", "image: must be a list of files"
    ),
    "a file that is a number": Bad(
        of_types(media={"image": [5]}),
        InvalidInput,
        "invalid_input",
        "image: a file is bytes, a path, an http address or asset:ID",
    ),
    "none": Bad(generate(n=0), InvalidInput, "invalid_input", "n: 0 variations", "1 to 100"),
    "fewer than none": Bad(generate(n=-1), InvalidInput, "invalid_input", "n: -1 variations", "1 to 100"),
    "too many": Bad(generate(n=101), InvalidInput, "invalid_input", "n: 101 variations", "1 to 100"),
}

BAD_TERMS = {
    "a negative limit": Bad(
        lambda studio: studio.accounts.change_limit("acme", "images", -1),
        InvalidInput,
        "invalid_input",
        "images: -1 is negative",
        "for no limit: imagestudio account limit images unlimited",
    ),
    "a limit beyond all money": Bad(
        lambda studio: studio.accounts.change_limit("acme", "spend", 2**63), InvalidInput, "invalid_input", "too large"
    ),
    "a limit of nothing known": Bad(
        lambda studio: studio.accounts.change_limit("acme", "smells", 1),
        InvalidInput,
        "invalid_input",
        "measure: 'smells'",
    ),
    "a limit of nobody": Bad(
        lambda studio: studio.accounts.change_limit("acme", "images", 1, scope="group:x"),
        InvalidInput,
        "invalid_input",
        "scope: 'group:x'",
    ),
    "a limit of an unknown account": Bad(
        lambda studio: studio.accounts.change_limit("nobody", "images", 1),
        UnknownAccount,
        "unknown_account",
        "no account 'nobody'",
        "imagestudio account open nobody",
    ),
    "an unknown account shown": Bad(
        lambda studio: studio.accounts.show("nobody"),
        UnknownAccount,
        "unknown_account",
        "'nobody'",
        "account open nobody",
    ),
    "an unknown plan": Bad(
        lambda studio: studio.accounts.change_plan("acme", "gold"), UnknownPlan, "unknown_plan", "'gold'", "enterprise"
    ),
    "an account opened on other terms": Bad(
        lambda studio: studio.accounts.open("acme", plan="free"),
        AccountExists,
        "account_exists",
        "on other terms",
        "account plan",
    ),
    "an account in no currency": Bad(
        lambda studio: studio.accounts.open("beta", currency="XXL"), InvalidMoney, "invalid_money", "XXL"
    ),
    "an account in no zone": Bad(
        lambda studio: studio.accounts.open("beta", zone="Mars/Olympus"),
        InvalidPeriod,
        "invalid_period",
        "Mars/Olympus",
    ),
    "an account with no cycle": Bad(
        lambda studio: studio.accounts.open("beta", cycle="weekly"), InvalidInput, "invalid_input", "cycle: 'weekly'"
    ),
    "credit for an account that is not prepaid": Bad(
        lambda studio: studio.accounts.add_credit("acme", Money(1_000_000, "USD"), "payment-1"),
        InvalidInput,
        "invalid_input",
        "is not prepaid",
        "--prepaid",
    ),
    "credit in another currency": Bad(
        lambda studio: studio.accounts.add_credit("prepaid", Money(1_000_000, "EUR"), "payment-1"),
        CurrencyMismatch,
        "currency_mismatch",
        "is in USD, not EUR",
        "nothing is converted",
    ),
    "credit of nothing": Bad(
        lambda studio: studio.accounts.add_credit("prepaid", Money(0, "USD"), "payment-1"),
        InvalidInput,
        "invalid_input",
        "amount: 0",
    ),
    "a refund of nothing known": Bad(
        lambda studio: studio.upkeep.refund("nonsense", reason="r", reference="1", account="acme"),
        UnknownOperation,
        "unknown_operation",
        "'nonsense'",
        "imagestudio operations",
    ),
    "a refund in another currency": Bad(
        lambda studio: refund(studio, CHARGED, Money(1, "EUR")), CurrencyMismatch, "currency_mismatch", "not EUR"
    ),
    "a refund of more than was charged": Bad(
        lambda studio: refund(studio, CHARGED, Money(40_001, "USD")),
        InvalidInput,
        "invalid_input",
        "exceeds the 0.04 USD",
    ),
    "a refund that charges": Bad(
        lambda studio: refund(studio, CHARGED, Money(-1, "USD")), InvalidInput, "invalid_input", "would raise a charge"
    ),
    "a refund of what was refused": Bad(
        lambda studio: refund(studio, REFUSED, Money(1, "USD")), IllegalTransition, "illegal_transition", "rejected"
    ),
    "a refund without a reference": Bad(
        lambda studio: refund(studio, CHARGED, Money(1, "USD"), ""),
        InvalidInput,
        "invalid_input",
        "reference",
        "repeat",
    ),
}


async def refund(studio: Studio, key: str, amount: Money, reference: str = "ticket-1") -> object:
    try:
        operation = (await studio.operations.submit(REQUESTS[key])).operation
    except OperationRefused as refusal:
        operation = refusal.operation
    return await studio.upkeep.refund(operation, amount=amount, reason="blurred", reference=reference, account="acme")


REQUESTS = {
    CHARGED: Request("text-to-image", "acme", {"prompt": "x"}, model=SYNC, key=CHARGED),
    REFUSED: Request("text-to-image", "acme", {"prompt": "x"}, model="scripted-unpriced", key=REFUSED),
}


ELSEWHERE = """
currency = "USD"
[[model]]
id = "elsewhere"
provider = "nowhere"
route = "image"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
prices = [{ rate = "0.10" }]
inputs.prompt = { type = "text", required = true }
"""


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text(ELSEWHERE)
    limits: dict[str, Any] = {"largest_file": LARGEST_FILE, "most_pixels": MOST_PIXELS, "catalogues": (overlay,)}
    async with studio_on(sqlite_url, tmp_path, **limits) as opened:
        await opened.accounts.open("acme", plan="pro")
        await opened.accounts.open("prepaid", plan="pro", prepaid=True)
        await opened.operations.run(REQUESTS[CHARGED])
        with pytest.raises(ImageStudioError):
            await opened.operations.run(REQUESTS[REFUSED])
        yield opened


@pytest.mark.parametrize("name", [*BAD_REQUESTS, *BAD_TERMS])
async def test_bad_input_gets_one_clear_error_and_nothing_is_recorded(
    studio: Studio, tmp_path: Path, name: str
) -> None:
    bad = (BAD_REQUESTS | BAD_TERMS)[name]
    before, sent = facts_of(studio), submissions(tmp_path)
    with pytest.raises(ImageStudioError) as raised:
        await bad.ask(studio)
    error = raised.value
    assert (type(error), error.code) == (bad.error, bad.code)
    assert bad.says in error.message
    assert bad.hint in in_shell(error.advice)
    assert str(error) == error.message
    assert "\n" not in error.message
    assert facts_of(studio) == before
    assert submissions(tmp_path) == sent


async def test_after_all_that_the_studio_goes_on_as_if_nothing_had_been_asked(studio: Studio, tmp_path: Path) -> None:
    before = await studio.accounts.show("acme")
    for bad in BAD_REQUESTS.values():
        with pytest.raises(ImageStudioError):
            await bad.ask(studio)
    assert await studio.accounts.show("acme") == before
    assert (await studio.operations.generate("a lake", account="acme", model=SYNC)).status == "charged"
    assert len(submissions(tmp_path)) == 2
