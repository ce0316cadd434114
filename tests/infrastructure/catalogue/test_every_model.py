"""Every model that can be had elsewhere, from request to charge: asked over real sockets with real files, sent once.

    row of the table ── the least it needs ──> studio ── fake provider ──> output, charge to the micro-unit, bill
    model ── everything it takes ───────────────┘

Each group is one studio on one database, whose books are audited at the end.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from application.asking.requests import File, Request, Result
from domain.catalogue import Catalogue, Model
from domain.errors import ImageStudioError
from domain.inputs import FileInfo, Scalar
from infrastructure.catalogue import load_catalogue
from infrastructure.clock import SECOND, now
from infrastructure.service import Studio
from tests.application.studios import is_sound, studio_on
from tests.infrastructure.catalogue.test_catalogue_table import PRICED, Row, lasting
from tests.infrastructure.sample_inputs import WORDS, Sample, chosen, everything, sample
from tests.wire.fake import media
from tests.wire.fake.server import Fake, serving

CATALOGUE, _ = load_catalogue()
REMOTE = ("wavespeed", "stability", "huggingface", "openai", "fal", "gemini")
AVAILABLE = [model for model in CATALOGUE if model.provider in REMOTE and not model.why_unavailable(now())]
SECONDS = Decimal(6)
"""How long films and sounds last: whole seconds, which we and the provider count alike, and a second block of five."""

CAP = 250_000
"""Micro-units that the account holds for what has no price."""
MINUTE = 60 * SECOND

ELDER = ("gpt-image-1.5", "chatgpt-image-latest")
NEWER = tuple(f"gpt-image-{version}-{name}" for version in ("2.5", "2.6") for name in ("sunburst", "flare"))
RATES = {
    "gpt-image-2": {"text_tokens": "5", "image_tokens": "8", "output_tokens": "30"},
    "gpt-image-1-mini": {"text_tokens": "2", "image_tokens": "2.5", "output_tokens": "8"},
    **{name: {"text_tokens": "5", "image_tokens": "8", "output_tokens": "32"} for name in ELDER},
    **{name: {"text_tokens": "5", "image_tokens": "8", "output_tokens": "30"} for name in NEWER},
}
"""OpenAI's prices in US dollars for a million tokens, which are micro-units for one."""
SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")
"""The end of the name of what never changes."""


@dataclass(frozen=True)
class Case:
    """One request, and what it is to be charged in micro-units; None: by the tokens that are counted."""

    name: str
    model: Model
    asked: Sample
    price: int | None

    @property
    def group(self) -> str:
        return f"{self.model.provider} {Catalogue.family(self.model.kinds[0])}"

    @property
    def request(self) -> Request:
        inputs = cast(Mapping[str, Scalar], self.asked.inputs)
        files: dict[str, list[File]] = {
            name: [content_of(name, one) for one in several] for name, several in self.asked.media.items()
        }
        return Request(self.model.kinds[0], "acme", inputs, files, model=self.model.id)


@dataclass(frozen=True)
class Outcome:
    """What became of a case: how it ended, its charge and our cost in micro-units, how often it was sent, whether it
    delivered what it says."""

    status: str
    price: int
    cost: int | None
    submissions: int
    delivers: bool


def content_of(name: str, facts: FileInfo) -> bytes:
    """A real file of which these facts are true."""
    kind, _, form = facts.media_type.partition("/")
    seconds = (facts.duration_ms or 0) / 1000
    match kind:
        case "image" if name == "mask":
            return media.mask(facts.width or 0, facts.height or 0)
        case "image":
            return media.image(facts.width or 0, facts.height or 0, form.upper())
        case "video":
            return media.mp4(seconds, facts.width or 0, facts.height or 0)
    return media.wav(seconds)


def by_row() -> Iterator[Case]:
    """Each way to ask for each row of the table that has a price."""
    usable = {model.id for model in AVAILABLE}
    for row in PRICED:
        for number, choice in enumerate(chosen(row.model, row.variant) if row.id in usable else ()):
            asked = sample(row.model, choice, SECONDS)
            yield Case(f"{row!r} #{number}" if number else repr(row), row.model, asked, charge(row, asked))


def by_model() -> Iterator[Case]:
    """Each model that is not in the table, or has no price there, and each with everything it takes."""
    tabled = {row.id: row for row in PRICED}
    for model in AVAILABLE:
        if model.id not in tabled:
            yield Case(model.id, model, sample(model, seconds=SECONDS), None if model.prices else CAP)
        asked = everything(model, SECONDS)
        yield Case(f"{model.id} with everything", model, asked, price_of(model, asked))


def charge(row: Row, asked: Sample) -> int:
    return row.expected(lasting(row.model, asked))


def price_of(model: Model, asked: Sample) -> int | None:
    """What the table says of a model with these inputs: the row all of whose words they fulfil."""
    given = asked.inputs.items()
    for row in PRICED:
        if row.id == model.id and any(choice.items() <= given for choice in chosen(model, row.variant)):
            return charge(row, asked)
    return None if model.prices else CAP


CASES: Mapping[str, list[Case]] = defaultdict(list)
for case in (*by_row(), *by_model()):
    CASES[case.group].append(case)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@asynccontextmanager
async def studio_before(fake: Fake, url: str, home: Path) -> AsyncIterator[Studio]:
    """A studio that takes the fake for all its providers, and an account that may do anything."""
    settings: dict[str, Any] = {f"{provider}_key": fake.key(provider) for provider in REMOTE}
    settings |= {"stability_url": fake.url, "huggingface_url": fake.url, "huggingface_hub_url": fake.url}
    settings |= {"wavespeed_url": f"{fake.url}/api/v3", "openai_url": f"{fake.url}/v1"}
    settings |= {"fal_url": f"{fake.url}/queue", "fal_api_url": f"{fake.url}/fal/v1"}
    settings |= {"gemini_url": f"{fake.url}/v1beta"}
    async with studio_on(url, home, **settings) as studio:
        await studio.accounts.open("acme", plan="enterprise")
        await studio.accounts.change_limit("acme", "unpriced", CAP)
        yield studio


async def outcome(studio: Studio, fake: Fake, case: Case) -> Outcome | str:
    """What became of it, or the error that it met."""
    before = len(fake.submissions())
    try:
        result = await studio.operations.run(case.request)
    except ImageStudioError as error:
        return f"{type(error).__name__}: {error} ({error.__cause__})"
    sent = len(fake.submissions()) - before
    cost = None if result.cost is None else result.cost.micros
    return Outcome(result.status, result.price.micros, cost, sent, delivers(case, result))


def delivers(case: Case, result: Result) -> bool:
    """Whether one output came, of a type that the model declares, and the one that was asked for."""
    spec = case.model.inputs.get("output_format")
    form = case.asked.inputs.get("output_format", spec and spec.default)
    wanted = (f"image/{form}",) if form else case.model.outputs
    return [one.media_type in wanted for one in result.assets] == [True]


def wanted(fake: Fake, case: Case) -> Outcome:
    """What is right for a case that has just been run: the table's price, and the bill of the provider's own table."""
    price = metered(fake, case.model) if case.price is None else case.price
    told = case.model.prices and case.price is not None
    cost = int(Decimal(fake.jobs()[-1].price or 0) * 1_000_000) if told else None if case.price == CAP else price
    return Outcome("charged", price, cost, 1, delivers=True)


def metered(fake: Fake, model: Model) -> int:
    """Micro-units for what the provider counted for its latest job; but for one it says itself what that comes to."""
    if model.provider != "openai":
        return int((Decimal(fake.jobs()[-1].price or 0) * 1_000_000).to_integral_value())
    rates, usage = RATES[SNAPSHOT.sub("", model.route)], fake.jobs()[-1].extra["usage"]
    counts = {**usage["input_tokens_details"], "output_tokens": usage["output_tokens"]}
    return int(sum(Decimal(rate) * counts[name] for name, rate in rates.items()).to_integral_value())


@pytest.mark.parametrize("group", sorted(CASES))
async def test_every_model_is_sent_once_and_charged_to_the_micro_unit(
    fake: Fake, sqlite_url: str, tmp_path: Path, group: str
) -> None:
    found: dict[str, Outcome | str] = {}
    right: dict[str, Outcome | str] = {}
    async with studio_before(fake, sqlite_url, tmp_path) as studio:
        for case in CASES[group]:
            found[case.name], right[case.name] = await outcome(studio, fake, case), wanted(fake, case)
        assert found == right
        assert await is_sound(studio)
        log = b"".join(entry.link.state for entry in studio.log.reader.read(0, 1_000_000))
    assert WORDS.encode() not in log
    assert all(fake.key(provider).encode() not in log for provider in REMOTE)


def test_no_model_that_can_be_had_is_left_out() -> None:
    assert {case.model.id for several in CASES.values() for case in several} == {model.id for model in AVAILABLE}
    assert {model.provider for model in AVAILABLE} == {*REMOTE}
