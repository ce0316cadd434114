"""What docs/providers.md shows is run here as it stands: its table, its model, its provider."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from application.ports import Billing, Quoting, Recovery
from domain.errors import OperationFailed, OperationPending
from infrastructure.bootstrap import open_providers
from infrastructure.clock import now
from infrastructure.service import Studio
from infrastructure.settings import Settings
from tests import atelier
from tests.amounts import micros
from tests.application.studios import charged, facts_of, later, picture, studio_on
from tests.infrastructure import sites
from tests.infrastructure.cli.workspaces import call, settle
from tests.infrastructure.every_setting import NAMES
from tests.infrastructure.wire.servers import Served, answer, answering
from tests.pages import block, page, table
from tests.wire.fake.server import Fake, serving

PAGE = page("docs/providers.md")
LOST = {"looked up": Recovery.FINDABLE, "released": Recovery.BLIND, "run again": Recovery.REPEATABLE}
RED = picture()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


async def test_the_table_says_of_every_provider_what_it_is(tmp_path: Path) -> None:
    rows = {row["provider"]: row for row in table(PAGE, "What each can do")}
    async with open_providers(Settings(home=tmp_path)) as providers:
        assert rows.keys() == providers.keys()
        for name, provider in providers.items():
            bills = isinstance(provider, Billing) and provider.recovery is not Recovery.BLIND
            quotes = isinstance(provider, Quoting)
            assert LOST[rows[name]["lost submission"]] is provider.recovery
            assert (rows[name]["quotes"], rows[name]["bills"]) == (yes(quotes), yes(bills))


def yes(so: bool) -> str:
    return "yes" if so else "no"


def test_every_setting_it_names_exists() -> None:
    named = {name.lower() for name in re.findall(r"IMAGESTUDIO_([A-Z_]+)", PAGE) if not name.startswith("ATELIER")}
    assert named
    assert named <= NAMES.keys()


async def test_its_model_is_used_at_its_price_and_sent_as_it_says(fake: Fake, sqlite_url: str, tmp_path: Path) -> None:
    entry = tmp_path / "house.toml"
    entry.write_text(block(PAGE, "toml", "house-style"))
    url, key = f"{fake.url}/api/v3", fake.key("wavespeed")
    async with studio_on(sqlite_url, tmp_path, catalogues=(entry,), wavespeed_url=url, wavespeed_key=key) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await studio.operations.generate("a pond", account="acme", model="house-style", steps=20)
    assert (result.price.micros, micros(result.cost), len(result.assets)) == (80_000, 40_000, 1)
    [job] = fake.jobs()
    sent = {"prompt": "a pond", "width": 512, "height": 512, "num_inference_steps": 20, "negative_prompt": "lettering"}
    assert {name: job.inputs[name] for name in sent} == sent


COMMAND = re.compile(r"^(?:(\w+)=(\S+) )?imagestudio (.*?)(?: +#.*)?$", re.MULTILINE)


def test_every_command_it_shows_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch, tmp_path)
    (tmp_path / "house.toml").write_text(block(PAGE, "toml", "house-style"))
    shown = COMMAND.findall(PAGE)
    assert len(shown) == 5
    for name, value, command in shown:
        with monkeypatch.context() as patched:
            if name:
                patched.setenv(name, value)
            assert call(*command.split()).code == 0, command


# The provider


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's distribution, as pip would leave it in a folder that Python looks into."""
    atelier.install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "atelier", raising=False)
    monkeypatch.setenv("IMAGESTUDIO_ATELIER_KEY", "a-key")
    return tmp_path


def said(**body: object) -> bytes:
    return answer(200, json.dumps(body).encode())


@dataclass(frozen=True)
class Shop:
    """A studio with the page's provider, before an Atelier that gives the answers it is told."""

    url: str
    home: Path
    served: Served
    files: str

    def studio(self, clock: Callable[[], int] = now) -> AbstractAsyncContextManager[Studio]:
        return studio_on(self.url, self.home, clock=clock, own_origins=(self.files,))

    async def left_pending(self) -> None:
        async with self.studio() as studio:
            with pytest.raises(OperationPending):
                await paint(studio)

    @property
    def asked(self) -> list[str]:
        return [head.split(" HTTP")[0] for head, _ in self.served.requests]


Open = Callable[..., AbstractAsyncContextManager[Shop]]


@pytest.fixture
def open_shop(installed: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Open:
    @asynccontextmanager
    async def opened(*answers: bytes) -> AsyncIterator[Shop]:
        """These answers in turn, and then that an order is done."""
        async with sites.running_site() as site:
            done = said(status="done", url=site.put("/red.png", sites.answer(RED)))
            async with answering(*answers, done) as served:
                monkeypatch.setenv("IMAGESTUDIO_ATELIER_URL", served.url)
                yield Shop(sqlite_url, installed, served, site.origin)

    return opened


async def paint(studio: Studio) -> str:
    """The operation, charged."""
    await studio.accounts.open("acme", plan="pro")
    result = await studio.operations.generate("a pond", account="acme", model="atelier-oil")
    assert (result.price.micros, [one.content for one in result.assets]) == (70_000, [RED])
    return result.operation


async def test_its_provider_paints_and_is_charged(open_shop: Open) -> None:
    async with open_shop(said(id="7")) as shop, shop.studio() as studio:
        operation = await paint(studio)
    assert shop.asked == ["POST /pictures", "GET /orders/7"]
    head, body = shop.served.requests[0]
    assert "authorization: bearer a-key" in head.lower()
    assert json.loads(body) == {"prompt": "a pond", "style": "oil", "reference": operation}


async def test_what_was_lost_on_its_way_back_is_found_by_its_provider_and_charged_once(open_shop: Open) -> None:
    async with open_shop(b"", said(orders=[{"id": "7"}])) as shop:
        await shop.left_pending()
        async with shop.studio(later()) as studio:
            [one] = await studio.upkeep.recover()
            assert (one.action, charged(facts_of(studio))) == ("found at the provider", 70_000)
    assert shop.asked == ["POST /pictures", f"GET /orders?reference={one.operation}", "GET /orders/7"]


async def test_what_it_made_in_vain_is_released(open_shop: Open) -> None:
    async with open_shop(said(id="7"), said(status="failed", error="out of a pond")) as shop, shop.studio() as studio:
        with pytest.raises(OperationFailed, match="out of"):
            await paint(studio)
        assert (await studio.accounts.show("acme")).held["spend"] == 0


@pytest.mark.parametrize("body", [{"status": "working"}, {"id": "../account"}, {"id": 7}])
async def test_an_answer_to_its_order_that_names_none_keeps_the_hold(open_shop: Open, body: dict[str, object]) -> None:
    async with open_shop(said(**body)) as shop:
        await shop.left_pending()
    assert shop.asked == ["POST /pictures"]


@pytest.mark.parametrize("body", [{}, {"orders": "7"}, {"orders": [7]}, {"orders": [{"id": None}]}])
async def test_a_list_of_orders_that_cannot_be_read_keeps_the_hold(open_shop: Open, body: dict[str, object]) -> None:
    async with open_shop(b"", said(**body)) as shop:
        await shop.left_pending()
        async with shop.studio(later()) as studio:
            [one] = await studio.upkeep.recover()
    assert (one.phase, one.action.startswith("left open")) == ("dispatched", True)


async def test_its_check_tells_the_balance(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(said(balance="12.50")) as served:
        monkeypatch.setenv("IMAGESTUDIO_ATELIER_URL", served.url)
        async with open_providers(Settings(home=installed)) as providers:
            assert await providers["atelier"].check() == "12.50 USD left"
            assert not await providers["atelier"].cancel(None, None)  # type: ignore[arg-type]
    monkeypatch.delenv("IMAGESTUDIO_ATELIER_KEY")
    async with open_providers(Settings(home=installed)) as providers:
        assert providers["atelier"].lacks("pictures") == "set IMAGESTUDIO_ATELIER_KEY"
