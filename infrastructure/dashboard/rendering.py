"""Templates, with what every page shows around its document: who looks, the menu, and the position of the log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.authority import KeyHolder
from infrastructure.dashboard import cells
from infrastructure.dashboard.page import ACCOUNT, Guarded, MeantFor, WebPage
from infrastructure.dashboard.permission import may
from infrastructure.dashboard.times import NAMES, ZONE, day, to_the_millisecond, to_the_second
from infrastructure.showing.formats import UTC_NAME, size
from infrastructure.showing.wording import wording, wording_or

GROUPS: Final = ("account", "make", "money", "studio")
"""The parts of the menu, in its order."""
HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"


@cache
def environment() -> Environment:
    """The templates: everything is escaped, and a name that is not there is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(w=wording, word=wording_or, static=static, cells=cells)
    made.filters.update(
        instant=to_the_second,
        precise=to_the_millisecond,
        day=day,
        thousands=thousands,
        compact=compact,
        size=size,
    )
    return made


@cache
def static(name: str) -> str:
    """The address of a static file; it has the file's digest, so that browsers keep it for ever."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def thousands(number: int) -> str:
    return f"{number:,}"


def compact(value: Any) -> str:
    """A value of a fact as JSON that can be read."""
    return json.dumps(value, ensure_ascii=False, indent=2)


class Linker:
    """Addresses of pages and actions by their names; a studio's key takes the account along that it looks at."""

    def __init__(self, known: Mapping[str, Guarded], holder: KeyHolder, account: str | None) -> None:
        self._known, self._holder, self._account = known, holder, account

    def opens(self, name: str) -> bool:
        """Whether whoever looks may follow it."""
        return may(self._holder, self._known[name])

    def __call__(self, name: str, /, form: str = "", **fields: Any) -> str:
        """The address; fields that are no part of the path stand behind it, but for those that are None or empty."""
        one = self._known[name]
        pattern = one.base if form and isinstance(one, WebPage) else one.path
        own = {field: quote(str(value), safe="") for field, value in fields.items() if f"{{{field}}}" in pattern}
        rest = {field: value for field, value in fields.items() if field not in own and value not in (None, "")}
        if not self._holder.runs_studio:
            rest.pop(ACCOUNT, None)
        elif self._account and one.meant is not MeantFor.STUDIO:
            rest.setdefault(ACCOUNT, self._account)
        behind = f"?{urlencode(rest)}" if rest else ""
        return f"{pattern.format_map(own)}{form}{behind}"


def menu(pages: Sequence[WebPage], holder: KeyHolder, chosen: bool) -> dict[str, list[WebPage]]:
    """The pages of the menu by group: those that the key is for, and of an account only if one is looked at.

    Over all accounts the studio's own come first.
    """
    order = GROUPS if chosen else GROUPS[::-1]
    found: dict[str, list[WebPage]] = {group: [] for group in order}
    for page in pages:
        shown = page.group and may(holder, page) and (chosen or page.meant is not MeantFor.ACCOUNT)
        if shown:
            found[page.group].append(page)
    return {group: several for group, several in found.items() if several}


@dataclass(frozen=True, slots=True)
class Wording:
    """How a page writes times, and keys: by the names that people gave them."""

    zone: str = UTC_NAME
    names: Mapping[str, str] = field(default_factory=dict)


def rendered(template: str, context: Mapping[str, Any], wording: Wording | None = None) -> str:
    """A page as text."""
    wording = wording or Wording()
    zone, names = ZONE.set(wording.zone), NAMES.set(wording.names)
    try:
        return environment().get_template(template).render(context, zone=wording.zone)
    finally:
        NAMES.reset(names)
        ZONE.reset(zone)
