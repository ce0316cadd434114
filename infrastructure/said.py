"""The place where each setting was said, for those whom one surprises; of a secret only that it is set."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pydantic import SecretStr
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource
from sqlalchemy.engine import make_url

from infrastructure.configfile import VARIABLE
from infrastructure.plugins import ProviderSettings
from infrastructure.registry import ENABLED, switched_off, told_settings, variable
from infrastructure.settings import PREFIX, Settings, filed, used_file

SET, DEFAULT, DOTENV, FILE, ENVIRONMENT = "set", "default", ".env", "file", "environment"


@dataclass(frozen=True, slots=True)
class Said:
    """One setting: its variable, its value as text (empty is none), and where that was said."""

    name: str
    value: str
    source: str


def said(settings: Settings, option: str = "", file_option: str = "") -> list[Said]:
    """Every setting, and every provider's; `option` gave the database and `file_option` the file, unless empty.

    Raises PluginError, InvalidInput.
    """
    sources = Sources.found()
    named = file_option or sources.of("config")
    found = [Said(VARIABLE, str(used_file() or ""), named)]
    for name in Settings.model_fields:
        source, value = sources.of(name), getattr(settings, name)
        if name == "shards":
            value = _address(value)
        if name == "database_url":
            value = _address("" if settings.shards else settings.database)
            source = option or source
        found.append(Said(f"{PREFIX}{name.upper()}", _text(value), source))
    providers = told_settings(settings)
    off = switched_off(settings, providers)
    for name, own in providers.items():
        found += _of_provider(name, own, sources, on=name not in off)
    return found


def _address(url: str) -> str:
    """A database's, without its password."""
    return make_url(url).render_as_string(hide_password=True) if url else ""


def _of_provider(name: str, own: ProviderSettings, sources: Sources, *, on: bool) -> Iterator[Said]:
    values = {ENABLED: on, **{field: getattr(own, field) for field in type(own).model_fields}}
    for field, value in values.items():
        spelled = variable(name, field)
        yield Said(spelled, _text(value), sources.of(spelled.removeprefix(PREFIX)))


@dataclass(frozen=True, slots=True)
class Sources:
    """The names that each place says, in lower case and without our prefix; an earlier place goes before a later."""

    environment: Collection[str]
    dotenv: Collection[str]
    file: Collection[str]

    @classmethod
    def found(cls) -> Sources:
        """As it is now. Raises InvalidInput for a configuration file that is none."""
        prefix = PREFIX.lower()
        environment, dotenv = (
            {name.removeprefix(prefix) for name in source(Settings).env_vars if name.startswith(prefix)}
            for source in (EnvSettingsSource, DotEnvSettingsSource)
        )
        return cls(environment, dotenv, filed())

    def of(self, name: str) -> str:
        """The place that says a setting, or the default."""
        places = {ENVIRONMENT: self.environment, DOTENV: self.dotenv, FILE: self.file}
        return next((place for place, names in places.items() if name.lower() in names), DEFAULT)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case SecretStr():
            return SET if value.get_secret_value() else ""
        case tuple():
            return os.pathsep.join(map(str, value))
    return str(value)
