"""The pictures of the documentation can be drawn anew, and each is there and shown."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.infrastructure.dashboard import pictures
from tests.infrastructure.dashboard.browsing import PHONE, WIDE
from tests.infrastructure.gateway.gateways import Gateway
from tests.pages import page

LARGEST = 300_000


def size_of(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


def test_every_picture_is_drawn_and_has_its_place(chromium: Browser, gateway: Gateway, tmp_path: Path) -> None:
    gateway.run(gateway.studio.operations.generate("a lake", account="acme", model="local-canvas"))
    text = page("docs/dashboard.md")
    for file in pictures.draw(chromium, gateway, tmp_path):
        kept = pictures.FOLDER / file.name
        assert (
            size_of(file) == size_of(kept) == (PHONE if any(one in file.name for one in ("phone", "alerts")) else WIDE)
        )
        assert kept.stat().st_size <= LARGEST
        assert f"(pictures/{file.name})" in text
