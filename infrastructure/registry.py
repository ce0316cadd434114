"""Which providers there are here, what each is told, and which are switched off.

    entry points ──> names ──┬─ IMAGESTUDIO_<NAME>_ENABLED ──> switched_off      nothing is imported for that
                             └─ its module's Settings ──> told ──> built         only where work can be done

A program's word for a provider goes before the environment, that before the .env file, and that before the
configuration file.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from domain.errors import ImageStudioError, InvalidInput, PluginError
from domain.inputs import shortened
from infrastructure.configfile import VARIABLE
from infrastructure.plugins import Plugin, ProviderContext, ProviderSettings, check_names, plugins
from infrastructure.settings import PREFIX, Settings, spoken
from infrastructure.settingwords import wrong_settings_in

if TYPE_CHECKING:
    from application.ports import Provider

NEAR: Final = 0.8
"""How alike two names are, of 1, of which one may be meant for the other."""
ENABLED: Final = "enabled"
FREE: Final = frozenset({ENABLED, *ProviderSettings.model_fields})
COMMON: Final = frozenset({*FREE, "key", "url"})
"""Settings that are usual, for which alone no provider that is paid is imported to see if it has them."""
LOGGER = logging.getLogger("imagestudio")

Contexts = Callable[[str, ProviderSettings], ProviderContext[Any]]


def told_settings(settings: Settings, names: Collection[str] | None = None) -> dict[str, ProviderSettings]:
    """The settings of each provider, or of those that are named, as far as there are such. Raises PluginError,
    InvalidInput."""
    found = plugins()
    chosen = sorted(found if names is None else found.keys() & set(names))
    check_names(chosen)
    if names is None:
        _check_program(settings, found)
        _warn_of_usual_ones(found)
    return {name: _told(settings, found[name]) for name in chosen}


def build_providers(settings: Mapping[str, ProviderSettings], context: Contexts) -> dict[str, Provider]:
    """The providers of these settings, by name. Raises PluginError for the first that cannot be built."""
    found = plugins()
    return {name: found[name].build(context(name, own)) for name, own in settings.items()}


def switched_off(settings: Settings, providers: Iterable[str]) -> dict[str, str]:
    """Those of the providers that are switched off, each with how to switch it on. Raises InvalidInput.

    A switch is IMAGESTUDIO_<NAME>_ENABLED. Providers of tests are off until it is true. Whoever is off is sent nothing
    new; what was sent before is still looked up, waited for and stopped.
    """
    known, said = plugins(), spoken()
    off = [name for name in providers if not _is_on(settings, name, known.get(name), said)]
    return {name: f"switched off; to switch it on, set {variable(name, ENABLED)}=true" for name in off}


def variable(provider: str, setting: str) -> str:
    """The environment's name for a provider's setting."""
    return f"{prefix_of(provider)}{setting}".upper()


def prefix_of(provider: str) -> str:
    """How the names of a provider's settings begin, in lower case."""
    return re.sub(r"[^a-z0-9]", "_", f"{PREFIX}{provider}_".lower())


def unknown_settings() -> dict[str, str]:
    """Variables under our prefix that are not settings, each with the setting it may be meant for, or an empty text."""
    ours = {VARIABLE.lower(), *(f"{PREFIX}{name}".lower() for name in Settings.model_fields)}
    left = sorted(spoken().keys() - ours)
    found = plugins() if left else {}
    unknown = {name: near for name in left if (near := _meant(name, ours, found)) is not None}
    return {name.upper(): near for name, near in unknown.items()}


def _meant(name: str, ours: Collection[str], found: Mapping[str, Plugin]) -> str | None:
    """The setting that an unknown one may be meant for, or an empty text; None if it is a provider's."""
    known = {prefix_of(provider): plugin for provider, plugin in found.items()}
    whose = max((prefix for prefix in known if name.startswith(prefix)), key=len, default="")
    if whose and name.removeprefix(whose) in _believed(known[whose]):
        return None
    alike = [whose] if whose else [prefix for prefix in known if _is_near(name, prefix)]
    theirs = {each for prefix in alike for each in _names(prefix, known[prefix])}
    if name in theirs:
        return None
    own = get_close_matches(name, theirs, 1, NEAR) if whose else []
    near = own or get_close_matches(name, [*ours, *theirs], 1, NEAR)
    return near[0].upper() if near else ""


def _believed(plugin: Plugin) -> Collection[str]:
    """The settings that it is taken to have before it is imported; who is paid has a key, and mostly an address."""
    return FREE if plugin.is_free else COMMON


def _is_near(name: str, prefix: str) -> bool:
    """Whether a name seems to begin with a provider's prefix, but for what all prefixes have in common."""
    start = len(PREFIX)
    return bool(get_close_matches(name[start : len(prefix)], [prefix[start:]], 1, NEAR))


def _names(prefix: str, plugin: Plugin) -> Iterator[str]:
    yield from (f"{prefix}{setting}" for setting in (ENABLED, *plugin.settings_model().model_fields))


def _check_program(settings: Settings, found: Mapping[str, Plugin]) -> None:
    """Raises InvalidInput for what a program says that is no setting of any provider."""
    names = {each for name, plugin in found.items() for each in _names(prefix_of(name), plugin)}
    for said in settings.model_extra or {}:
        if f"{PREFIX}{said}".lower() not in names:
            raise InvalidInput(f"{PREFIX}{said}".upper(), "there is no such setting")


def _warn_of_usual_ones(found: Mapping[str, Plugin]) -> None:
    """Name what was believed of providers that are imported by now, and turns out to be no setting of theirs."""
    said = spoken()
    for provider, plugin in found.items():
        prefix = prefix_of(provider)
        for name in sorted({f"{prefix}{usual}" for usual in _believed(plugin)} & said.keys()):
            if name not in _names(prefix, plugin):
                LOGGER.warning("there is no setting %s", name.upper())


def _told(settings: Settings, plugin: Plugin) -> ProviderSettings:
    found = _read(settings, plugin)
    if isinstance(found, list):
        raise found[0]
    return found


def _read(settings: Settings, plugin: Plugin) -> ProviderSettings | list[InvalidInput]:
    """A provider's settings, or all that is wrong with them."""
    model, prefix = plugin.settings_model(), prefix_of(plugin.name)
    own = _said_in_program(settings, prefix)
    try:
        return model(_env_prefix=prefix, **{name: value for name, value in own.items() if name in model.model_fields})
    except ValidationError as error:
        wrong = []
        for one in wrong_settings_in(error, model):
            which = f"{prefix}{one.name}".upper() if one.name else prefix.removesuffix("_").upper()
            wrong.append(InvalidInput(which, one.why, hint=one.hint))
        return wrong


def wrong_settings(settings: Settings) -> Iterator[ImageStudioError]:
    """All that is wrong with the settings of providers, and with the switches of each."""
    said = spoken()
    for name, plugin in sorted(plugins().items()):
        try:
            found = _read(settings, plugin)
            _is_on(settings, name, plugin, said)
        except (InvalidInput, PluginError) as error:
            yield error
            continue
        if isinstance(found, list):
            yield from found


def _said_in_program(settings: Settings, prefix: str) -> dict[str, Any]:
    own = prefix.removeprefix(PREFIX.lower())
    said = (settings.model_extra or {}).items()
    return {name.removeprefix(own): value.get_secret_value() for name, value in said if name.startswith(own)}


def _is_on(settings: Settings, name: str, plugin: Plugin | None, said: Mapping[str, str]) -> bool:
    value = _said_in_program(settings, prefix_of(name)).get(ENABLED)
    if value is None:
        value = said.get(f"{prefix_of(name)}{ENABLED}") or plugin is None or not plugin.is_test
    try:
        return TypeAdapter(bool).validate_python(value)
    except ValidationError as error:
        message = f"{shortened(value)} is neither true nor false"
        raise InvalidInput(variable(name, ENABLED), message, hint="set it to true or to false") from error
