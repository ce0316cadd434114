"""The place where each setting was said, for those whom one surprises; of a secret only that it is set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import SecretStr
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource
from sqlalchemy.engine import make_url

from infrastructure.plugins import ProviderSettings
from infrastructure.registry import ENABLED, switched_off, told_settings, variable
from infrastructure.settings import PREFIX, Settings, spoken

SET, DEFAULT, FILE, ENVIRONMENT = "set", "default", ".env", "environment"


@dataclass(frozen=True, slots=True)
class Said:
    """One setting: its variable, its value as text (empty is none), and where that was said."""

    name: str
    value: str
    source: str


def said(settings: Settings, option: str = "") -> list[Said]:
    """Every setting, and every provider's; `option` gave the database, unless it is empty.

    Raises PluginError, InvalidInput.
    """
    in_file, in_environment = DotEnvSettingsSource(Settings)(), EnvSettingsSource(Settings)()
    found = []
    for name in Settings.model_fields:
        source = ENVIRONMENT if name in in_environment else FILE if name in in_file else DEFAULT
        value = getattr(settings, name)
        if name == "database_url":
            value = make_url(settings.database).render_as_string(hide_password=True)
            source = option or source
        found.append(Said(f"{PREFIX}{name.upper()}", _text(value), source))
    providers = told_settings(settings)
    off = switched_off(settings, providers)
    return [*found, *(one for name, own in providers.items() for one in _of_provider(name, own, on=name not in off))]


def _of_provider(name: str, own: ProviderSettings, *, on: bool) -> Iterator[Said]:
    values = {ENABLED: on, **{field: getattr(own, field) for field in type(own).model_fields}}
    in_environment, in_any = EnvSettingsSource(Settings).env_vars, spoken()
    for field, value in values.items():
        spelled = variable(name, field)
        source = ENVIRONMENT if spelled.lower() in in_environment else FILE if spelled.lower() in in_any else DEFAULT
        yield Said(spelled, _text(value), source)


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
