"""Pictures of the dashboard for the documentation, drawn by a real browser.

    python -m tests.infrastructure.dashboard.pictures

An account's month before the fakes of providers, as the pages show it. They are made anew by hand, since a picture is
never twice the same to the byte.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, sync_playwright

from domain.alerting import AlertTerms
from domain.errors import ImageStudioError
from domain.keys import KeyScope, KeyTerms
from infrastructure.clock import SECOND, now
from tests.application.studios import studio_on
from tests.infrastructure.dashboard.browsing import PHONE, WIDE, person
from tests.infrastructure.dashboard.conftest import OPTIONS, found_chromium
from tests.infrastructure.gateway.gateways import Gateway, before, gateway_on
from tests.wire.fake.server import serving

FOLDER: Final = Path(__file__).parents[3] / "docs" / "pictures"
DAY: Final = 24 * 60 * 60 * SECOND
DAYS: Final = 24
WISHES: Final[Sequence[tuple[str, str, str]]] = (
    ("a lake at dawn", "seedream-v4.5", "ann"),
    ("a red door in the snow", "nano-banana-2", "bob"),
    ("a paper crane on slate", "sd3.5-large", "ann"),
    ("a lighthouse under the stars", "local-canvas", "cleo"),
)


@dataclass(frozen=True)
class Shot:
    """A page, and how it is looked at."""

    name: str
    address: str
    scheme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = WIDE
    waits: str = "main"
    studio: bool = False
    """Whether it is looked at with a key of the studio's own."""


def shots(gateway: Gateway) -> list[Shot]:
    """All pictures, of an account that has been at work."""
    rows = gateway.run(gateway.studio.statements.periods("acme"))
    made = gateway.run(gateway.studio.operations.generate("a lake at dawn", account="acme", model="local-canvas"))
    asked = "/create?prompt=a+lighthouse+under+the+stars&allow=stand-in&model=local-canvas"
    return [
        Shot("dashboard-overview", "/", waits=".uplot"),
        Shot("dashboard-operation", f"/operations/{made.operation}", "dark", waits=".thumbs img"),
        Shot("dashboard-create", asked, waits="#price button"),
        Shot("dashboard-statement", f"/statements/{rows[-1].name}"),
        Shot("dashboard-phone", "/", "dark", PHONE, ".uplot"),
        Shot("dashboard-library", "/library?sort=dearest", waits=".thumbs img"),
        Shot("dashboard-report", f"/reports/{rows[-1].name}", waits="svg"),
        Shot("dashboard-closing", f"/periods/{rows[-1].name}/closing?account=acme", "dark", studio=True),
        Shot("dashboard-studio", "/studio", studio=True),
        Shot("dashboard-alerts", "/alerts", "dark", PHONE),
    ]


async def _month(url: str, home: Path, **settings: Any) -> None:
    """The same month every time, up to this hour."""
    at = [now() - DAYS * DAY]
    async with studio_on(url, home, clock=lambda: at[0], **settings) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.change_limit("acme", "spend", 6_000_000, reason="the budget of the shop")
        await studio.alerts.set("acme", AlertTerms("account", "spend", "period", (25, 80), (), locks=False))
        for day in range(DAYS):
            for place in range(1 + (day * 7 + day // 3) % 4):
                prompt, model, user = WISHES[(day + place) % len(WISHES)]
                try:
                    await studio.operations.generate(
                        prompt, account="acme", model=model, user=user, project="spring" if day % 3 else None
                    )
                except ImageStudioError as error:
                    sys.stderr.write(f"{model}: {error}\n")
            at[0] += DAY


def draw(browser: Browser, gateway: Gateway, folder: Path) -> list[Path]:
    """Make them all."""
    secret = gateway.issue("acme", KeyTerms((KeyScope.OPERATE, KeyScope.ADMIN)), name="the shop's")
    studio = gateway.administrator()
    drawn = []
    for shot in shots(gateway):
        with person(browser, gateway.url, shot.size, shot.scheme) as one:
            one.log_in(studio if shot.studio else secret, shot.address)
            one.tab.wait_for_selector(shot.waits)
            one.tab.wait_for_load_state("networkidle")
            if not shot.address.startswith("/reports/"):  # which runs nothing, and so not what checks a page
                one.check()
            file = folder / f"{shot.name}.png"
            one.tab.screenshot(path=file)
            drawn.append(file)
    return drawn


def main(folder: Path = FOLDER) -> None:
    """Draw them into the documentation."""
    with tempfile.TemporaryDirectory() as scratch, serving(Path(scratch)) as fake:
        home = Path(scratch)
        url = f"sqlite:///{home / 'ledger.db'}"
        asyncio.run(_month(url, home, **before(fake)))
        with gateway_on(url, home, **before(fake)) as gateway, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found_chromium(), args=OPTIONS.split())
            draw(browser, gateway, folder)
            browser.close()


if __name__ == "__main__":
    main()
