"""Every page and every action, in the order of the menu: whoever adds a file names it here, once."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Final

from infrastructure.dashboard.page import WebAction, WebFile, WebPage
from infrastructure.dashboard.pages import (
    account,
    accounts,
    alerts,
    batches,
    books,
    create,
    files,
    keys,
    library,
    operations,
    overview,
    providers,
    reports,
    running,
    statements,
    studio,
    sums,
    wallet,
    webhooks,
    whatif,
)

MODULES: Final[Sequence[ModuleType]] = (
    *(overview, operations, account, keys, alerts, webhooks, create, batches, library, files),
    *(sums, wallet, statements, reports, books, whatif, running, accounts, providers, studio),
)

PAGES: Final[Sequence[WebPage]] = [page for module in MODULES for page in module.PAGES]
ACTIONS: Final[Sequence[WebAction]] = [one for module in MODULES for one in getattr(module, "ACTIONS", ())]
FILES: Final[Sequence[WebFile]] = [one for module in MODULES for one in getattr(module, "FILES", ())]
