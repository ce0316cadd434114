"""Providers built as the studio builds them, from their entry points and settings, in a time of the test's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from application.ports import Downloads, Provider
from infrastructure.downloads import HttpDownloads
from infrastructure.plugins import ProviderContext
from infrastructure.registry import build_providers, told_settings
from infrastructure.settings import Settings
from infrastructure.wire.client import open_client

POOL = ThreadPoolExecutor(2)
NOWHERE = Path("/nowhere")


def built(
    name: str,
    *,
    client: httpx.AsyncClient | None = None,
    downloads: Downloads | None = None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    monotonic: Callable[[], float] = time.monotonic,
    executor: Executor = POOL,
    build: Callable[[ProviderContext[Any]], Provider] | None = None,
    **settings: Any,
) -> Provider:
    """The provider, told these settings of its own; what it is called by in them is left away.

    It is built as its entry point builds it, unless another way to `build` it is given.
    """

    def context(name: str, own: Any) -> ProviderContext[Any]:
        return ProviderContext(
            name=name,
            settings=own,
            open_client=lambda: client or open_client(),
            downloads=downloads or HttpDownloads(),
            executor=executor,
            home=NOWHERE,
            sleep=sleep,
            monotonic=monotonic,
        )

    own = told_settings(Settings(**{f"{name}_{setting}": value for setting, value in settings.items()}), [name])
    return build_providers(own, context)[name] if build is None else build(context(name, own[name]))
