"""Where each setting was said, for those who look for the one that surprises them; of a secret only that it is set."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import SecretStr
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource
from sqlalchemy.engine import make_url

from infrastructure.settings import Settings, plugin_settings

PREFIX = "IMAGESTUDIO_"
SET, DEFAULT, FILE, ENVIRONMENT = "set", "default", ".env", "environment"


@dataclass(frozen=True, slots=True)
class Said:
    """One setting: its variable, its value as text (empty is none), and where that was said."""

    name: str
    value: str
    source: str


def said(settings: Settings, plugins: Iterable[str], option: str = "") -> list[Said]:
    """Every setting of ours and of the providers from elsewhere; `option` gave the database, unless it is empty."""
    in_file, in_environment = DotEnvSettingsSource(Settings)(), EnvSettingsSource(Settings)()
    found = []
    for name in Settings.model_fields:
        source = ENVIRONMENT if name in in_environment else FILE if name in in_file else DEFAULT
        value = getattr(settings, name)
        if name == "database_url":
            value = make_url(settings.database).render_as_string(hide_password=True)
            source = option or source
        found.append(Said(f"{PREFIX}{name.upper()}", _text(value), source))
    return [*found, *(one for plugin in plugins for one in _of_plugin(plugin))]


def _of_plugin(plugin: str) -> Iterator[Said]:
    """What a provider from elsewhere is told may be a secret, whatever it is called."""
    for name in sorted(plugin_settings(plugin)):
        variable = f"{PREFIX}{plugin}_{name}".replace("-", "_")
        spoken = EnvSettingsSource(Settings).env_vars
        yield Said(variable.upper(), SET, ENVIRONMENT if variable.lower() in spoken else FILE)


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
