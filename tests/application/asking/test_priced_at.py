"""A price that was quoted stands, though another one has come into force since."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from application.asking.requests import Request
from domain.money import Money
from infrastructure.clock import SECOND, now
from tests.application.studios import studio_on

MODEL = """
currency = "USD"

[[model]]
id = "a-painter"
provider = "scripted"
route = "image"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
class = "test"
prices = [{{ rate = "0.04" }}, {{ rate = "0.08", from = {since} }}]
inputs.prompt = {{ type = "text", required = true }}
"""


async def test_a_request_is_held_and_charged_at_the_price_of_the_instant_it_names(
    database_url: str, tmp_path: Path
) -> None:
    overlay = tmp_path / "models.toml"
    overlay.write_text(MODEL.format(since="2026-01-01"))
    before = now() - 366 * 24 * 3600 * SECOND
    asked = Request("text-to-image", "acme", {"prompt": "a lake"}, model="a-painter")
    async with studio_on(database_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        quoted = replace(asked, priced_at=before, max_price=Money.parse("0.04", "USD"))
        results = [await studio.operations.run(one) for one in (asked, quoted)]
        assert [str(one.price) for one in results] == ["0.08 USD", "0.04 USD"]
        assert (await studio.accounts.show("acme")).used["spend"] == 120_000
