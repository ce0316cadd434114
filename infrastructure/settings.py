"""Settings: of the environment (IMAGESTUDIO_…), a .env file, a TOML file, or a program; read here and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, PrivateAttr, Secret, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from domain.actor import actor
from domain.advice import Advice
from domain.errors import InvalidInput
from infrastructure.clock import new_id
from infrastructure.configfile import VARIABLE, as_environment, chosen_file, filed_settings

PREFIX = "IMAGESTUDIO_"
Positive = Annotated[int, Field(gt=0)]


def _address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", text):
        raise ValueError(f"{text!r} is not an http or https address without a query")
    return text


def _actor(text: str) -> str:
    try:
        return str(actor(text))
    except InvalidInput as error:
        raise ValueError(f"{error.message.partition(': ')[2]}; {error.hint}") from error


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError(f"{text!r} is not a day, such as 2026-11-30") from error


def _endpoint(text: str) -> str:
    return _address(text) if text else ""


def _origins(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        if not re.fullmatch(r"https?://[^\s/?#@]+/?", word):
            raise ValueError(f"{word!r} is not an origin, such as https://hooks.internal:8443")
    return words


def _mail_server(url: SecretStr) -> SecretStr:
    from infrastructure.hooks.mailserver import mail_server

    mail_server(url.get_secret_value())
    return url


def _relay(url: SecretStr) -> SecretStr:
    from infrastructure.relaying.address import relay_address

    relay_address(url.get_secret_value())
    return url


def _mail_address(text: str) -> str:
    from infrastructure.hooks.mailserver import checked_mail

    return checked_mail(text) if text else text


def _place(text: str) -> str:
    if "://" not in text:
        return str(Path(text).expanduser())
    from infrastructure.files.s3 import checked_address

    return checked_address(text)


def checked_place(field: str, text: str) -> str:
    """A folder, or the address of a bucket. Raises InvalidInput naming `field` for what is neither."""
    try:
        return _place(text)
    except ValueError as error:
        raise InvalidInput(field, str(error), hint="give a folder, or s3://BUCKET/PREFIX") from error


Address = Annotated[str, AfterValidator(_address)]
"""The address of an API, without a query."""


class Settings(BaseSettings):
    """The places where things are kept, and how patient the studio is. Sizes in bytes and pixels, times in seconds."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="allow", frozen=True)

    _shard: str = PrivateAttr("")
    home: Path = Field(default_factory=lambda: user_data_path("imagestudio", appauthor=False))
    assets: Annotated[str, AfterValidator(_place)] = Field(default_factory=lambda data: str(data["home"] / "assets"))
    archive: Path = Field(default_factory=lambda data: data["home"] / "archive")
    s3_endpoint: Annotated[str, AfterValidator(_endpoint)] = ""
    s3_region: str = ""
    s3_key: str = ""
    s3_secret: SecretStr | None = None
    s3_token: SecretStr | None = None
    s3_seconds: Positive = 30
    database_url: str = ""
    shards: str = ""
    account: str | None = None
    actor: Annotated[str, AfterValidator(_actor)] = Field(default_factory=lambda: f"operator:{login_name()}")
    api_key: SecretStr | None = None
    peppers: SecretStr | None = None
    link_keys: SecretStr | None = None
    webhook_keys: SecretStr | None = None
    webhook_origins: Annotated[tuple[str, ...], NoDecode, AfterValidator(_origins)] = ()
    webhook_seconds: Positive = 15
    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] | None = None
    smtp_from: Annotated[str, AfterValidator(_mail_address)] = ""
    relay_url: Annotated[SecretStr, AfterValidator(_relay)] | None = None
    relay_ca: Path | None = None
    relay_certificate: Path | None = None
    relay_certificate_key: Path | None = None
    relay_sasl: Literal["plain", "scram-sha-256", "scram-sha-512"] = "plain"
    seal_keys: SecretStr | None = None
    seal_file: Path | None = None
    reports: Path | None = None
    report_brand: Path | None = None
    seal_url: str = ""
    seal_minutes: Positive = 60
    drift_percent: Annotated[Decimal, Field(ge=0, le=1000)] = Decimal(2)
    catalogues: Annotated[tuple[Path, ...], NoDecode] = ()
    presets: Annotated[tuple[Path, ...], NoDecode] = ()
    plans: Annotated[tuple[Path, ...], NoDecode] = ()
    plan_prices: Literal["charged", "elsewhere"] = "charged"
    largest_file: Positive = 50 * 1024 * 1024
    most_pixels: Positive = 100_000_000
    largest_output: Positive = 500 * 1024 * 1024
    largest_body: Positive = 512 * 1024 * 1024
    body_seconds: Positive = 30
    telemetry: bool | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_form: Literal["auto", "json", "text"] = "auto"
    picture_links: bool = False
    provider_quotes: bool = False
    own_origins: Annotated[tuple[str, ...], NoDecode, AfterValidator(_origins)] = ()
    lost_outputs: Literal["credit", "charge"] = "credit"
    workers: Positive = Field(default_factory=lambda: min(8, (os.cpu_count() or 1) + 1))
    lease_seconds: Positive = 60
    grace_seconds: Positive = 15 * 60
    abandon_seconds: Positive = 8 * 24 * 60 * 60
    trash_days: Positive = 30
    wait_seconds: Positive = 60
    lock_seconds: Positive = 10
    statement_seconds: Positive = 30
    clock_seconds: Positive = 5 * 60
    today: Annotated[str, AfterValidator(_day)] | None = None
    snapshot_every: Positive = 2_000
    most_waiting: Positive = 10_000
    proxy: SecretStr | None = None
    __pydantic_extra__: dict[str, Secret[Any]] = Field(init=False)
    """Settings of providers that a program gives, as `atelier_key="…"`; only their own models know which are secret."""

    @field_validator("catalogues", "presets", "plans", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        """Several files are separated as PATH is."""
        return tuple(Path(part) for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("own_origins", "webhook_origins", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        """Several are separated by spaces, as in "http://files.internal:8080 https://pictures.internal"."""
        return tuple(value.split()) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As usual, but what files say for providers is left to their own models, as in the environment."""
        own = {
            name: value
            for name, value in filed(env_settings, dotenv_settings).items()
            if name in settings_cls.model_fields
        }
        filed_sources = [InitSettingsSource(settings_cls, own)] if own else []
        return init_settings, *that_speak(env_settings, _OwnFile(settings_cls)), *filed_sources, file_secret_settings

    @property
    def shard(self) -> str:
        """The name of the shard that these are the settings of; empty if they are of a ledger of its own."""
        return self._shard

    def of_shard(self, name: str, **changes: Any) -> Settings:
        """Those of one shard of a directory: only these may be written to a shard with."""
        made = self.model_copy(update={"shards": "", **changes})
        made._shard = name
        return made

    @property
    def database(self) -> str:
        """The database's URL; a SQLite file in the user's data directory unless another is chosen.

        Raises InvalidInput if the ledger is in several: what is not done in all of them is done in one by its URL.
        """
        if self.shards:
            told = "the ledger is in several databases, and this is done in one of them"
            raise InvalidInput("database", told, hint=Advice("shards.one"))
        if self.database_url:
            return self.database_url
        from infrastructure.store.urls import sqlite_url

        return sqlite_url(self.home / "ledger.db")


class _OwnFile(DotEnvSettingsSource):
    """The .env file, but for what is no setting of the model itself."""

    def __call__(self) -> dict[str, Any]:
        own = self.settings_cls.model_fields
        return {name: value for name, value in super().__call__().items() if name in own}


def that_speak(*sources: PydanticBaseSettingsSource) -> list[PydanticBaseSettingsSource]:
    """The sources without those that have no variable for their model: asking for each field takes a millisecond."""
    heard = [_ByName(source) if _is_plain(source) else source for source in sources]
    return [source for source in heard if not isinstance(source, _ByName) or source.names]


class _ByName(PydanticBaseSettingsSource):
    """The fields for which a source has a variable; it is not asked for the others."""

    def __init__(self, source: Any) -> None:
        super().__init__(source.settings_cls)
        self._source, prefix = source, source.env_prefix
        self.names = [name for name in self.settings_cls.model_fields if f"{prefix}{name}".lower() in source.env_vars]

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The text of the field's variable."""
        return self._source.get_field_value(field, field_name)  # type: ignore[no-any-return]

    def __call__(self) -> dict[str, Any]:
        """The values; as the source itself tells them if some have a shape of their own."""
        told = {name: self._prepared(name, self.settings_cls.model_fields[name]) for name in self.names}
        if any(isinstance(value, Mapping) for value in told.values()):
            return self._source()  # type: ignore[no-any-return]
        return {name: value for name, value in told.items() if value is not None}

    def _prepared(self, name: str, field: FieldInfo) -> Any:
        value, _, is_complex = self.get_field_value(field, name)
        return self._source.prepare_field_value(name, field, value, is_complex)


def _is_plain(source: PydanticBaseSettingsSource) -> bool:
    """Whether each field has one variable, whose name follows from the field's."""
    if not isinstance(source, EnvSettingsSource):
        return False
    extra = isinstance(source, DotEnvSettingsSource) and source.config.get("extra", "ignore") != "ignore"
    odd = source.case_sensitive or source.env_nested_delimiter or source.env_parse_none_str is not None
    named = any(field.validation_alias for field in source.settings_cls.model_fields.values())
    return not (odd or named or (extra and not isinstance(source, _OwnFile)))


def revealed(secret: SecretStr | None) -> str:
    """The secret itself, for the one who uses it; empty where it is not set."""
    return "" if secret is None else secret.get_secret_value()


def filed(*known: PydanticBaseSettingsSource) -> Mapping[str, Any]:
    """The configuration file's settings, by name without our prefix. Raises InvalidInput for what is no such file.

    Sources that are `known`, the first before the others, need not be read again for the name of that file.
    """
    return filed_settings(used_file(*known))


def used_file(*known: PydanticBaseSettingsSource) -> Path | None:
    """The configuration file, if one is named."""
    return chosen_file(_in_environment(*known).get(VARIABLE.lower(), ""))


def spoken() -> dict[str, str]:
    """The files' settings under our prefix, and over them the environment's, by name in lower case.

    Raises InvalidInput for a configuration file that is none.
    """
    return {
        **{f"{PREFIX}{name}".lower(): as_environment(value) for name, value in filed().items()},
        **_in_environment(),
    }


def _in_environment(*known: PydanticBaseSettingsSource) -> dict[str, str]:
    """The environment's settings, and under them those of the .env file."""
    found: dict[str, str | None] = {}
    for source in reversed(known or (EnvSettingsSource(Settings), DotEnvSettingsSource(Settings))):
        found |= source.env_vars if isinstance(source, EnvSettingsSource) else {}
    return {name: value or "" for name, value in found.items() if name.startswith(PREFIX.lower())}


@dataclass(frozen=True, slots=True)
class StandardTelemetry:
    """The environment's word to all programs about traces: whether they are wanted, and in which protocol."""

    wanted: bool
    protocol: str


def standard_telemetry() -> StandardTelemetry:
    """As OpenTelemetry's variables say it: wanted if an endpoint is named and nothing switches it off."""
    of_traces, of_all = "OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"
    said = {name: value.strip() for name, value in os.environ.items() if name.startswith("OTEL_")}
    off = said.get("OTEL_SDK_DISABLED", "").lower() == "true" or said.get("OTEL_TRACES_EXPORTER") == "none"
    endpoint = said.get(f"{of_traces}ENDPOINT") or said.get(f"{of_all}ENDPOINT")
    protocol = said.get(f"{of_traces}PROTOCOL") or said.get(f"{of_all}PROTOCOL") or ""
    return StandardTelemetry(bool(endpoint) and not off, protocol)


def login_name() -> str:
    """Who this process works for: the name that the machine knows them by, as far as an id may hold it."""
    try:
        name = getuser()
    except (KeyError, OSError):  # nobody of this machine's
        name = f"uid-{os.getuid()}"
    return "".join(letter for letter in name if letter.isprintable() and letter != " ")[:200] or "unnamed"


def owner_name() -> str:
    """Who this process is in leases and dispatches: its process id for an operator, and never the same twice."""
    return f"{os.getpid()}-{new_id()[-12:]}"
