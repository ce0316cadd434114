"""Plug-ins that a distribution offers to the studio, ours and others' alike: providers, and the models they can do.

    [project.entry-points."imagestudio.providers"]
    atelier = "atelier.studio:build"

    [project.entry-points."imagestudio.catalogues"]
    atelier = "atelier:models.toml"

The first name is the one that catalogue entries write as `provider`. Its module has a factory, and may have a model of
its settings, which are read from IMAGESTUDIO_<NAME>_…:

    class Settings(ApiSettings):
        url: Address = "https://api.atelier.example/v1"

    def build(context: ProviderContext[Settings]) -> Provider: ...

The factory is called once, when a studio is opened that performs operations; it must not block, and may keep the
context. An error in it closes the studio again with one error that names it: a provider that is half there could lose
track of what it was sent. A provider of tests stands in the group `imagestudio.test_providers`: it is off until it is
switched on. A catalogue names a file beside a package; none is imported for it. Ours are read first, then those of
other distributions, which bring models and change none that is not their own, then the operator's.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from pydantic import SecretStr
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from domain.advice import Advice, Hint
from domain.errors import PluginError
from infrastructure.settings import PREFIX, Address, Positive, filed, that_speak

if TYPE_CHECKING:
    import httpx

    from application.ports import Downloads, Provider
    from infrastructure.wire.answers import Explain
    from infrastructure.wire.api import Api

PROVIDERS: Final = "imagestudio.providers"
TEST_PROVIDERS: Final = "imagestudio.test_providers"
CATALOGUES: Final = "imagestudio.catalogues"
GROUPS: Final = (PROVIDERS, TEST_PROVIDERS, CATALOGUES)
SUFFIX: Final = ".toml"
WORKSHOP: Final = "image-studio-workshop"
"""The distribution of ours that works on this machine, which the extra `local` installs."""


class ProviderSettings(BaseSettings):
    """One provider's settings: IMAGESTUDIO_<NAME>_… in the environment or a .env file, by the rest of the name."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    concurrency: Positive | None = None
    per_minute: Positive | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As usual, and under the environment the configuration file."""
        prefix = getattr(env_settings, "env_prefix", "").removeprefix(PREFIX.lower())
        in_file = filed(env_settings, dotenv_settings)
        said = {name.removeprefix(prefix): value for name, value in in_file.items() if name.startswith(prefix)}
        own = {name: value for name, value in said.items() if name in settings_cls.model_fields}
        filed_sources = [InitSettingsSource(settings_cls, own)] if own else []
        return init_settings, *that_speak(env_settings, dotenv_settings), *filed_sources, file_secret_settings

    @property
    def origins(self) -> tuple[str, ...]:
        """Addresses whose servers may give files although they are in a private network."""
        return ()


class ApiSettings(ProviderSettings):
    """Of a provider behind an HTTP API; without its key it is never chosen."""

    key: SecretStr | None = None
    url: Address

    @property
    def origins(self) -> tuple[str, ...]:
        return (self.url,)


S = TypeVar("S", bound=ProviderSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderContext(Generic[S]):
    """The surroundings that a provider is built with.

    `settings` are its own. `open_client` makes an HTTP client with the studio's proxy, connection limits and time-outs,
    which the provider closes; `api` puts rules of money and failure over it. `downloads` fetches files, also from the
    settings' origins. Blocking work belongs into the executor, which is the studio's; `home` is where it keeps things.
    """

    name: str
    settings: S = field(repr=False)
    open_client: Callable[[], httpx.AsyncClient]
    downloads: Downloads
    executor: Executor
    home: Path
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic

    def api(
        self,
        base: str,
        *,
        key: str = "",
        scheme: str = "Bearer",
        header: str = "Authorization",
        headers: Mapping[str, str] | None = None,
        explain: Explain | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> Api:
        """An API at `base`, through a client of its own unless several share one; see `imagestudio.plugin.Api`."""
        from infrastructure.wire.api import Api, unexplained

        return Api(
            base,
            client or self.open_client(),
            key=key,
            scheme=scheme,
            header=header,
            headers=headers,
            explain=explain or unexplained,
            sleep=self.sleep,
            monotonic=self.monotonic,
            executor=self.executor,
        )


@dataclass(frozen=True, slots=True)
class Plugin:
    """A provider that a distribution offers; nothing is imported before its settings are asked for."""

    point: EntryPoint
    is_test: bool
    is_free: bool
    """Whether it works on this machine, so that nobody is paid: those for tests, and the workshop's."""

    @property
    def name(self) -> str:
        return self.point.name

    def settings_model(self) -> type[ProviderSettings]:
        """The model of its settings, with no field where it has none. Raises PluginError."""
        model = getattr(_loaded(self.point, import_module, self.point.module), "Settings", ProviderSettings)
        if not isinstance(model, type) or not issubclass(model, ProviderSettings):
            raise _broken(self.point, "its Settings are no ProviderSettings: derive them from ApiSettings")
        return model

    def build(self, context: ProviderContext[Any]) -> Provider:
        """The provider. Raises PluginError."""
        from application.ports import Provider

        provider = _loaded(self.point, _call, self.point, context)
        if not isinstance(provider, Provider):
            lacking = sorted(name for name in dir(Provider) if name[0] != "_" and not hasattr(provider, name))
            raise _broken(self.point, f"it is no provider: {type(provider).__name__} has no {', '.join(lacking)}")
        if provider.name != self.name:
            raise _broken(self.point, f"its provider calls itself {provider.name!r}")
        return provider


def plugins() -> dict[str, Plugin]:
    """The providers that installed distributions offer, by name; of two of one name ours is meant."""
    return {plugin.name: plugin for plugin in reversed(_plugins(tuple(sys.path)))}


def check_names(names: Collection[str]) -> None:
    """Raises PluginError where two distributions offer a provider of one of these names."""
    found = _plugins(tuple(sys.path))
    counts = Counter(plugin.name for plugin in found)
    for plugin in reversed(found):
        if plugin.name in names and counts[plugin.name] > 1:
            raise _broken(plugin.point, "there is another provider of that name")


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """A file of models, with its name in messages, and whether another distribution brought it."""

    name: str
    path: Path
    is_guest: bool


def catalogue_files() -> list[CatalogueFile]:
    """The catalogue files that installed distributions offer, ours first. Raises PluginError."""
    points = [point for point in _points(tuple(sys.path)) if point.group == CATALOGUES]
    found = [CatalogueFile(_named(point), _file_of(point), not _is_ours(point)) for point in points]
    return sorted(found, key=lambda file: (file.is_guest, file.name))


def more_models() -> tuple[Hint, ...]:
    """How to get the models of this machine; empty if they are installed."""
    installed = {point.dist.name for point in _points(tuple(sys.path)) if point.dist}
    return () if WORKSHOP in installed else (Advice("model.install"),)


def _named(point: EntryPoint) -> str:
    return point.attr if _is_ours(point) else f"{_distribution(point)}: {point.attr}".removeprefix(": ")


def _file_of(point: EntryPoint) -> Path:
    spec = _loaded(point, find_spec, point.module)
    if spec is None or not spec.submodule_search_locations or not point.attr.endswith(SUFFIX):
        raise _broken(point, f"{point.value!r} names no {SUFFIX} file beside a package")
    return Path(spec.submodule_search_locations[0]) / point.attr


@lru_cache(1)
def _plugins(path: tuple[str, ...]) -> list[Plugin]:
    """By name, ours before others of the same; read once, as the name of a distribution is parsed for each."""
    found = [_plugin(point) for point in _points(path) if point.group != CATALOGUES]
    return sorted(found, key=lambda plugin: (plugin.name, not _is_ours(plugin.point)))


def _plugin(point: EntryPoint) -> Plugin:
    is_test = point.group == TEST_PROVIDERS
    return Plugin(point, is_test, is_free=is_test or (point.dist is not None and point.dist.name == WORKSHOP))


@lru_cache(1)
def _points(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:  # noqa: ARG001
    """The entry points that are installed where this path leads, read once: that opens a file a distribution."""
    found = entry_points()
    return tuple(point for group in GROUPS for point in found.select(group=group))


def _call(point: EntryPoint, context: ProviderContext[Any]) -> object:
    return cast(Callable[[ProviderContext[Any]], object], point.load())(context)


def _loaded(point: EntryPoint, load: Callable[..., Any], *args: object) -> Any:
    try:
        return load(*args)
    except Exception as error:
        raise _broken(point, f"{type(error).__name__}: {error}") from error


def _broken(point: EntryPoint, why: str) -> PluginError:
    whose = f" of {_distribution(point)}" if point.dist else ""
    hint = f"mend or uninstall {point.dist.name}" if point.dist else "mend or remove it"
    what = "catalogue" if point.group == CATALOGUES else "provider"
    return PluginError(f"the {what} {point.name!r}{whose} cannot be used: {why}", hint=hint)


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else ""


def _is_ours(point: EntryPoint) -> bool:
    return point.module.startswith(f"{__package__}.")
