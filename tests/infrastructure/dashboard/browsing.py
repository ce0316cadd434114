"""A person at a browser: everything that the page complains of is kept, and pictures are made of what is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Locator
from playwright.sync_api import Page as Tab

AXE = (Path(__file__).with_name("axe") / "axe.min.js").read_text(encoding="utf-8")
CONTRAST = ", runOnly: ['color-contrast']"
SERIOUS = ("serious", "critical")
QUIET = ("verbose", "debug", "info", "log")
WIDE, PHONE = (1280, 860), (390, 844)


@dataclass
class Person:
    """Somebody's tab, and what it complained of."""

    tab: Tab
    url: str
    complaints: list[str] = field(default_factory=list)

    def log_in(self, secret: str, wanted: str = "/") -> None:
        self.go(wanted)
        self.tab.fill("#key", secret)
        self.tab.click("button[type=submit]")
        self.tab.wait_for_load_state()

    def go(self, address: str) -> None:
        self.tab.goto(f"{self.url}{address}")

    @property
    def text(self) -> str:
        """All that can be read."""
        return self.tab.inner_text("body")

    def check(self, rules: str = "") -> None:
        """The page is one that a screen reader can use, by axe-core or some of its rules, and complained of nothing."""
        if self.tab.evaluate("typeof axe === 'undefined'"):
            self.tab.evaluate(AXE)
        found: dict[str, Any] = self.tab.evaluate(f"axe.run({{resultTypes: ['violations'] {rules}}})")
        serious = [
            (one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]])
            for one in found["violations"]
            if one["impact"] in SERIOUS
        ]
        assert not serious, (self.tab.url, serious)
        assert not self.complaints, self.complaints

    def send(self, button: Locator) -> None:
        """Press the button of a form, and wait for the page that follows."""
        with self.tab.expect_navigation():
            button.click()

    def refused(self) -> None:
        """Something was refused, as is right: the browser itself tells that the answer was an error, once."""
        [told] = self.complaints
        assert "the server responded with a status of 4" in told
        self.complaints.clear()

    def fits(self) -> bool:
        """Whether nothing is wider than the window."""
        return bool(self.tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@contextmanager
def person(
    chromium: Browser,
    url: str,
    size: tuple[int, int] = WIDE,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator[Person]:
    """A browser's window with nothing in it yet."""
    width, height = size
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    one = Person(context.new_page(), url)

    def heard(message: ConsoleMessage) -> None:
        if message.type not in QUIET:
            one.complaints.append(message.text)

    one.tab.on("console", heard)
    one.tab.on("pageerror", lambda error: one.complaints.append(str(error)))
    yield one
    context.close()
