"""Settings: from the environment (IMAGESTUDIO_…), from a .env file, or as arguments; read here and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from infrastructure.clock import new_id

Positive = Annotated[int, Field(gt=0)]


class Settings(BaseSettings):
    """Where things are kept, and how patient the studio is. Sizes in bytes and pixels, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="IMAGESTUDIO_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default_factory=lambda: user_data_path("imagestudio", appauthor=False))
    database_url: str = ""
    account: str | None = None
    catalogues: Annotated[tuple[Path, ...], NoDecode] = ()
    largest_file: Positive = 50 * 1024 * 1024
    most_pixels: Positive = 100_000_000
    largest_output: Positive = 500 * 1024 * 1024
    provider_quotes: bool = False
    own_origins: Annotated[tuple[str, ...], NoDecode] = ()
    proxy: SecretStr | None = None
    lost_outputs: Literal["credit", "charge"] = "credit"
    workers: Positive = Field(default_factory=lambda: min(8, (os.cpu_count() or 1) + 1))
    lease_seconds: Positive = 60
    grace_seconds: Positive = 15 * 60
    abandon_seconds: Positive = 8 * 24 * 60 * 60
    wait_seconds: Positive = 60
    lock_seconds: Positive = 10
    snapshot_every: Positive = 2_000
    most_waiting: Positive = 10_000

    @field_validator("catalogues", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        """Several overlay files are separated as PATH is."""
        return tuple(Path(part) for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("own_origins", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        """Origins that files may be fetched from although they are not public, such as http://files.internal:8080."""
        return tuple(value.split()) if isinstance(value, str) else value

    @property
    def database(self) -> str:
        """The database's URL; a SQLite file in the user's data directory unless another is chosen."""
        return self.database_url or f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def assets(self) -> Path:
        """Where files are kept."""
        return self.home / "assets"

    @property
    def scripted(self) -> Path:
        """Where the scripted provider keeps its journal."""
        return self.home / "scripted"


def owner_name() -> str:
    """Who this process is in leases and dispatches: its process id for an operator, and never the same twice."""
    return f"{os.getpid()}-{new_id()[-12:]}"
