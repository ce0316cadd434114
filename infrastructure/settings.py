"""Settings: from the environment (IMAGESTUDIO_…), from a .env file, or as arguments; read here and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

from platformdirs import user_data_path
from pydantic import Field, SecretStr, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, NoDecode, SettingsConfigDict

from domain.errors import InvalidInput
from infrastructure.clock import new_id

PREFIX = "IMAGESTUDIO_"
NEAR = 0.8
"""How alike two names are, of 1, of which one may be meant for the other."""
ENABLED = "enabled"
Positive = Annotated[int, Field(gt=0)]
Address = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")]
"""Where an API is, without a query."""


class Settings(BaseSettings):
    """Where things are kept, and how patient the studio is. Sizes in bytes and pixels, times in seconds."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default_factory=lambda: user_data_path("imagestudio", appauthor=False))
    database_url: str = ""
    account: str | None = None
    catalogues: Annotated[tuple[Path, ...], NoDecode] = ()
    largest_file: Positive = 50 * 1024 * 1024
    most_pixels: Positive = 100_000_000
    largest_output: Positive = 500 * 1024 * 1024
    provider_quotes: bool = False
    own_origins: Annotated[tuple[str, ...], NoDecode] = ()
    lost_outputs: Literal["credit", "charge"] = "credit"
    workers: Positive = Field(default_factory=lambda: min(8, (os.cpu_count() or 1) + 1))
    lease_seconds: Positive = 60
    grace_seconds: Positive = 15 * 60
    abandon_seconds: Positive = 8 * 24 * 60 * 60
    wait_seconds: Positive = 60
    lock_seconds: Positive = 10
    statement_seconds: Positive = 30
    clock_seconds: Positive = 5 * 60
    today: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    snapshot_every: Positive = 2_000
    most_waiting: Positive = 10_000
    proxy: SecretStr | None = None
    local_enabled: bool = True
    scripted_enabled: bool = False
    blind_enabled: bool = False
    wavespeed_enabled: bool = True
    stability_enabled: bool = True
    huggingface_enabled: bool = True
    openai_enabled: bool = True
    wavespeed_key: SecretStr | None = None
    wavespeed_url: Address = "https://api.wavespeed.ai/api/v3"
    wavespeed_webhook: Address | None = None
    wavespeed_webhook_secret: SecretStr | None = None
    stability_key: SecretStr | None = None
    stability_url: Address = "https://api.stability.ai"
    huggingface_key: SecretStr | None = None
    huggingface_bill_to: str = ""
    huggingface_url: Address = "https://router.huggingface.co"
    huggingface_hub_url: Address = "https://huggingface.co"
    huggingface_fal_key: SecretStr | None = None
    huggingface_fal_url: Address = "https://api.fal.ai/v1"
    openai_key: SecretStr | None = None
    openai_url: Address = "https://api.openai.com/v1"

    @field_validator("catalogues", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        """Several overlay files are separated as PATH is."""
        return tuple(Path(part) for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("own_origins", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        """Several are separated by spaces, as in "http://files.internal:8080 https://pictures.internal"."""
        return tuple(value.split()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _signed_webhooks(self) -> Self:
        if self.wavespeed_webhook and not self.wavespeed_webhook_secret:
            raise ValueError("IMAGESTUDIO_WAVESPEED_WEBHOOK needs IMAGESTUDIO_WAVESPEED_WEBHOOK_SECRET beside it")
        return self

    @property
    def origins(self) -> tuple[str, ...]:
        """Addresses whose servers may give files although they are in a private network: our own, and each API's."""
        apis = (self.wavespeed_url, self.stability_url, self.huggingface_url, self.huggingface_hub_url, self.openai_url)
        return (*self.own_origins, *apis)

    @property
    def database(self) -> str:
        """The database's URL; a SQLite file in the user's data directory unless another is chosen."""
        if self.database_url:
            return self.database_url
        from infrastructure.store.urls import sqlite_url

        return sqlite_url(self.home / "ledger.db")

    @property
    def assets(self) -> Path:
        """Where files are kept."""
        return self.home / "assets"

    @property
    def scripted(self) -> Path:
        """Where the scripted provider keeps its journal."""
        return self.home / "scripted"


def revealed(secret: SecretStr | None) -> str:
    """The secret itself, for the one who uses it; empty where it is not set."""
    return "" if secret is None else secret.get_secret_value()


def unknown_settings(plugins: Callable[[], Iterable[str]]) -> dict[str, str]:
    """What is said under our prefix that is no setting, each with the setting it may be meant for, or an empty text.

    `plugins` names the providers from elsewhere, whose settings are their own; it is called only if it matters.
    """
    spoken = {**DotEnvSettingsSource(Settings).env_vars, **EnvSettingsSource(Settings).env_vars}
    ours = {f"{PREFIX}{name}".lower() for name in Settings.model_fields}
    unknown = sorted(name for name in spoken if name.lower().startswith(PREFIX.lower()) and name.lower() not in ours)
    if not unknown:
        return {}
    theirs = tuple(_prefix_of(plugin) for plugin in plugins())
    found = {
        name.upper(): get_close_matches(name.lower(), ours, 1, NEAR) for name in unknown if not name.startswith(theirs)
    }
    return {name: near[0].upper() if near else "" for name, near in found.items()}


def _prefix_of(plugin: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", f"{PREFIX}{plugin}_".lower())


def plugin_settings(name: str) -> Mapping[str, str]:
    """What the environment, and before it the .env file, say for a provider from elsewhere: IMAGESTUDIO_<NAME>_…

    By the rest of each variable's name in lower case.
    """
    prefix = _prefix_of(name)
    found = {**DotEnvSettingsSource(Settings).env_vars, **EnvSettingsSource(Settings).env_vars}
    return {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix) and value}


def switched_off(settings: Settings, providers: Iterable[str]) -> dict[str, str]:
    """Those of the providers that are switched off, each with how to switch it on. Raises InvalidInput.

    A switch is IMAGESTUDIO_<NAME>_ENABLED, of our own providers and of those from elsewhere alike. Whoever is off is
    sent nothing new; what was sent before is still looked up, waited for and stopped.
    """
    off = [name for name in providers if not _is_on(settings, name)]
    return {name: f"switched off; to switch it on, set {_switch(name)}=true" for name in off}


def _is_on(settings: Settings, name: str) -> bool:
    own = f"{name}_{ENABLED}"
    if own in Settings.model_fields:
        return bool(getattr(settings, own))
    said = plugin_settings(name).get(ENABLED, "true")
    try:
        return TypeAdapter(bool).validate_python(said)
    except ValidationError as error:
        raise InvalidInput(_switch(name), f"{said!r} is neither true nor false", hint="correct the setting") from error


def _switch(name: str) -> str:
    return f"{_prefix_of(name)}{ENABLED}".upper()


def owner_name() -> str:
    """Who this process is in leases and dispatches: its process id for an operator, and never the same twice."""
    return f"{os.getpid()}-{new_id()[-12:]}"
