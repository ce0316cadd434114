"""Providers from elsewhere: a distribution names a factory, and the studio builds its provider beside its own.

    [project.entry-points."imagestudio.providers"]
    atelier = "atelier.studio:build"

    def build(context: ProviderContext) -> Provider: ...

The name is the one that catalogue entries write as `provider`. The factory is called once, when a studio is opened; it
must not block, and may keep the context. What it raises closes the studio again with one error that names it: a
provider that is half there could lose track of what it was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final, cast

from domain.errors import PluginError

if TYPE_CHECKING:
    import httpx

    from application.ports import Provider

GROUP: Final = "imagestudio.providers"


@dataclass(frozen=True, slots=True)
class ProviderContext:
    """What a provider from elsewhere is built with.

    `settings` is what the environment and the .env file say under IMAGESTUDIO_<NAME>_, by the rest of the name in
    lower case: IMAGESTUDIO_ATELIER_KEY is "key" for a provider called "atelier". `open_client` makes an HTTP client
    with the studio's proxy, connection limits and time-outs, as `imagestudio.plugin.Api` wants it; the provider
    closes it. Blocking work belongs into the executor, which is the studio's.
    """

    name: str
    open_client: Callable[[], httpx.AsyncClient]
    executor: Executor
    settings: Mapping[str, str] = field(repr=False)


def plugin_names() -> list[str]:
    """The names of the providers that installed distributions offer."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load_plugins(context: Callable[[str], ProviderContext], taken: Collection[str]) -> dict[str, Provider]:
    """The providers that installed distributions offer, by name. Raises PluginError for the first that cannot be."""
    providers: dict[str, Provider] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in (*taken, *providers):
            raise _broken(point, "there is another provider of that name")
        providers[point.name] = _built(point, context(point.name))
    return providers


def _built(point: EntryPoint, context: ProviderContext) -> Provider:
    from application.ports import Provider

    try:
        provider = cast(Callable[[ProviderContext], object], point.load())(context)
    except Exception as error:
        raise _broken(point, f"{type(error).__name__}: {error}") from error
    if not isinstance(provider, Provider):
        raise _broken(point, f"it is no provider: {type(provider).__name__} lacks some of its methods")
    if provider.name != point.name:
        raise _broken(point, f"its provider calls itself {provider.name!r}")
    return provider


def _broken(point: EntryPoint, why: str) -> PluginError:
    whose = f" of {point.dist.name} {point.dist.version}" if point.dist else ""
    hint = f"mend or uninstall {point.dist.name}" if point.dist else "mend or remove it"
    return PluginError(f"the provider {point.name!r}{whose} cannot be used: {why}", hint=hint)
