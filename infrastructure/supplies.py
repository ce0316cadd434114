"""Supplies of providers and of files: what fetches, what reads media, and the context that a provider is built with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

from application.ledger.writer import WriterOptions
from application.ports import Downloads, Media, MediaReader
from application.ports.slots import Throughput
from domain.tariffs import Selling
from infrastructure.downloads import HttpDownloads
from infrastructure.files.shelf import Look
from infrastructure.media import LimitedBy, look_at, read_media
from infrastructure.plugins import ApiSettings, ProviderContext, ProviderSettings
from infrastructure.registry import Contexts
from infrastructure.settings import Settings, revealed
from infrastructure.wire.client import open_client

LIMITS = LimitedBy("IMAGESTUDIO_LARGEST_OUTPUT", "IMAGESTUDIO_MOST_PIXELS")


def output_downloads(settings: Settings, providers: Mapping[str, ProviderSettings]) -> HttpDownloads:
    """Fetches what providers made, from their own networks too."""
    theirs = [origin for own in providers.values() for origin in own.origins]
    return HttpDownloads((*settings.own_origins, *theirs), proxy=revealed(settings.proxy))


def input_downloads(settings: Settings) -> HttpDownloads:
    """Fetches what callers name, which may not lead into the networks that only providers' outputs may come from."""
    return HttpDownloads(settings.own_origins, proxy=revealed(settings.proxy))


def contexts(
    settings: Settings,
    pool: Executor,
    downloads: Downloads,
    hook: Callable[[Any], Awaitable[None]] | None = None,
) -> Contexts:
    """The context that each provider is built with: a client of its own, and what all share.

    The client calls `hook`, if there is one, with each of its requests before that goes.
    """
    client = partial(open_client, proxy=revealed(settings.proxy), hook=hook)

    def context(name: str, own: ProviderSettings) -> ProviderContext[ProviderSettings]:
        return ProviderContext(
            name=name, settings=own, open_client=client, downloads=downloads, executor=pool, home=settings.home
        )

    return context


def writer_options(settings: Settings, selling: Selling | None) -> WriterOptions:
    """The writer's room and patience, and how what is admitted is sold."""
    return WriterOptions(settings.most_waiting, waiting_seconds=settings.statement_seconds, selling=selling)


def throughputs(providers: Mapping[str, ProviderSettings]) -> dict[str, Throughput]:
    """The limits of those of the providers that have any."""
    told = {name: Throughput(own.concurrency or 0, own.per_minute or 0) for name, own in providers.items()}
    return {name: limits for name, limits in told.items() if limits != Throughput()}


def remote(providers: Mapping[str, ProviderSettings]) -> frozenset[str]:
    """Those of the providers that are behind an HTTP API."""
    return frozenset(name for name, own in providers.items() if isinstance(own, ApiSettings))


def looking(settings: Settings) -> Look:
    """How a file is looked at before it is kept."""
    return partial(look_at, max_bytes=settings.largest_output, max_pixels=settings.most_pixels, settings=LIMITS)


def media_reader(settings: Settings, pool: Executor) -> MediaReader:
    """Reading decodes every pixel, so it is done in the pool."""
    reading = partial(read_media, max_bytes=settings.largest_file, max_pixels=settings.most_pixels)

    async def read(content: bytes, *, field: str, media_types: Sequence[str] = ()) -> Media:
        work = partial(reading, content, field=field, media_types=media_types)
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    return read
