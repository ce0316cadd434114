"""Every page and every action, in the order of the menu: whoever adds a file names it here, once."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Final

from infrastructure.dashboard.page import WebAction, WebPage
from infrastructure.dashboard.pages import accounts, operations, overview

FILES: Final[Sequence[ModuleType]] = (overview, operations, accounts)

PAGES: Final[Sequence[WebPage]] = [page for file in FILES for page in file.PAGES]
ACTIONS: Final[Sequence[WebAction]] = [action for file in FILES for action in getattr(file, "ACTIONS", ())]
