"""Everything that is wrong with the settings, at once: before a service is started, not one by one while it is.

    file ─ names ─ values ─ providers ─ paths ─ catalogue ─ plans ─ database ─ keys ─ telemetry ──> Troubles

A step that finds something wrong keeps no other from looking; a value that cannot be used is left out for them. Nothing
is changed or made, no provider is asked, and no secret is told.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from application.ledger.reader import LogFilter
from domain.errors import ImageStudioError, InvalidInput, NoLedger
from domain.keys import KeyIssued
from domain.meaning import Kind
from infrastructure import linkkeys, peppers
from infrastructure.catalogue import load_catalogue
from infrastructure.configfile import VARIABLE
from infrastructure.files.where import place_of
from infrastructure.linkkeys import link_keys_of
from infrastructure.opening import Access, open_log, standing
from infrastructure.peppers import peppers_of
from infrastructure.registry import switched_off, told_settings, unknown_settings, variable, wrong_settings
from infrastructure.sealfiles import KEYS_FILE, SealFile
from infrastructure.seals import signing_keys
from infrastructure.settings import PREFIX, Settings, filed, revealed, standard_telemetry
from infrastructure.settingwords import wrong_settings_in
from infrastructure.shards.opening import named_shards, open_directory, settings_of
from infrastructure.store.migrations import other_schema
from infrastructure.store.reader import SqlReader
from infrastructure.store.urls import SQLITE, parse_url, sqlite_file
from infrastructure.studios import load_presets
from infrastructure.tariffs import load_sales
from infrastructure.telemetry.around import telemetry_of

MOST_KEYS: Final = 10_000
"""So many keys are looked at, the oldest."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, or, if it is no `error`, worth knowing; `setting` is its variable, if it is one's."""

    setting: str
    error: ImageStudioError
    is_fatal: bool = True

    @property
    def kind(self) -> Kind:
        return self.error.kind


def settings_troubles(database: str | None = None) -> list[Trouble]:
    """All of them; `database` is the URL that goes before the settings'. Blocking."""
    try:
        filed()
    except InvalidInput as error:  # nothing that the file says is known, so that all else would be told wrongly
        return [Trouble(VARIABLE, error)]
    found = [*_guarded("", _names)]
    settings, wrong = _read(database)
    found += wrong
    steps: dict[str, Callable[[Settings], Iterator[Trouble]]] = {
        "": _providers,
        "ASSETS": _paths,
        "CATALOGUES": _catalogue,
        "PRESETS": _presets,
        "PLANS": _plans,
        "SHARDS" if settings.shards else "DATABASE_URL": _databases,
        "PEPPERS": _peppers,
        "LINK_KEYS": _link_keys,
        "SEAL_FILE": _seals,
        "TELEMETRY": _telemetry,
    }
    for setting, step in steps.items():
        found += _guarded(f"{PREFIX}{setting}" if setting else "", step, settings)
    return found


def _guarded(setting: str, step: Callable[..., Iterator[Trouble]], *args: Any) -> Iterator[Trouble]:
    """A step's findings, the error that ended it among them."""
    try:
        yield from step(*args)
    except ImageStudioError as error:
        yield Trouble(error.field if isinstance(error, InvalidInput) else setting, error)


def _names() -> Iterator[Trouble]:
    for name, near in unknown_settings().items():
        hint = f"{near} may be meant; otherwise unset it" if near else "unset it"
        yield Trouble(name, InvalidInput(name, "there is no such setting", hint=hint), is_fatal=bool(near))


def _read(database: str | None) -> tuple[Settings, list[Trouble]]:
    """The settings as far as they can be used, and what cannot."""
    given: dict[str, Any] = {} if database is None else {"database_url": database, "shards": ""}
    wrong: dict[str, Trouble] = {}
    while True:
        try:
            return Settings(**given), list(wrong.values())
        except ValidationError as error:
            for one in wrong_settings_in(error, Settings):
                field, which = one.name, f"{PREFIX}{one.name}".upper()
                wrong.setdefault(field, Trouble(which, InvalidInput(which, one.why, hint=one.hint)))
                info = Settings.model_fields[field]
                given[field] = info.get_default(call_default_factory=True, validated_data=_defaults(given))


def _defaults(given: dict[str, Any]) -> dict[str, Any]:
    """For the defaults that follow from others."""
    home = Settings.model_fields["home"].get_default(call_default_factory=True, validated_data={})
    return {"home": home, **given}


def _providers(settings: Settings) -> Iterator[Trouble]:
    wrong = [Trouble(_setting_of(error), error) for error in wrong_settings(settings)]
    yield from wrong
    if wrong:
        return
    own = told_settings(settings)
    off = switched_off(settings, own)
    for name, one in own.items():
        if name in off:
            continue
        if isinstance(key := getattr(one, "key", ""), SecretStr | None) and not revealed(key):
            which = variable(name, "key")
            told = "is not set: the models of this provider cannot be used here"
            hint = f"set it, or {variable(name, 'enabled')}=false"
            yield Trouble(which, InvalidInput(which, told, hint=hint), is_fatal=False)
        address = getattr(one, "webhook", None)
        if address and urlsplit(address).scheme != "https":
            which = variable(name, "webhook")
            told = "is not https: callbacks would tell everybody on the way which jobs there are"
            yield Trouble(which, InvalidInput(which, told, hint="give the public https address of this service"))


def _paths(settings: Settings) -> Iterator[Trouble]:
    """Folders that are written to: those that are there, and the nearest one in which a new one would be made."""
    place_of(settings)
    url = parse_url(settings.shards or settings.database)
    wanted = {"HOME": settings.home}
    if "://" not in settings.assets:
        wanted["ASSETS"] = Path(settings.assets)
    if url.get_backend_name() == SQLITE:
        wanted["DATABASE_URL"] = sqlite_file(url).parent
    told: set[Path] = set()
    for setting, folder in wanted.items():
        there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
        what = "is not a folder" if not there.is_dir() else "may not be written to"
        if there not in told and not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            told.add(there)
            which = f"{PREFIX}{setting}"
            yield Trouble(which, InvalidInput(which, f"{there} {what}", hint="choose another, or make it writable"))


def _catalogue(settings: Settings) -> Iterator[Trouble]:
    load_catalogue(settings.catalogues)
    yield from ()


def _presets(settings: Settings) -> Iterator[Trouble]:
    load_presets(settings.presets)
    yield from ()


def _plans(settings: Settings) -> Iterator[Trouble]:
    if settings.plans:  # else there is nothing to say but of the catalogue, again
        load_sales(settings.plans, load_catalogue(settings.catalogues)[1])
    yield from ()


def _databases(settings: Settings) -> Iterator[Trouble]:
    """The database, or the directory and each shard's."""
    if not settings.shards:
        yield from _database(settings)
        return
    with open_directory(settings) as directory:
        for name, url in named_shards(directory).items():
            yield from _database(settings_of(settings, name, url))


def _database(settings: Settings) -> Iterator[Trouble]:
    which = f"{PREFIX}DATABASE_URL"
    try:
        found = standing(settings)
    except NoLedger as error:
        if sqlite_file(parse_url(settings.database)).exists():
            raise
        told = NoLedger(f"{error.message}; the first account that is opened makes one", hint=error.advice)
        yield Trouble(which, told, is_fatal=False)
        return
    if (other := other_schema(found.revision, parse_url(settings.database))) is not None:
        yield Trouble(which, other)
    for against in (found.lost, found.foreign):
        if against is not None:
            yield Trouble(f"{PREFIX}ASSETS", against)


def _peppers(settings: Settings) -> Iterator[Trouble]:
    """Whether the keys that were issued can be known; a file is made with the first of them, and not here."""
    file, which = settings.home / peppers.FILE, f"{PREFIX}PEPPERS"
    is_there = settings.peppers is not None or file.exists()
    known = {one.name for one in peppers_of(settings)} if is_there else set()
    for missing in sorted(_peppers_used(settings) - known):
        told = f"{missing} is not there: no key that was issued under it opens anything"
        hint = f"bring back {file}, or set what the other machines have"
        yield Trouble(which, InvalidInput(which, told, hint=hint), is_fatal=not known)


def _peppers_used(settings: Settings) -> set[str]:
    """The names of those that keys were issued under; empty for a database that another step finds unusable."""
    try:
        with closing(open_log(settings, Access.READ)) as log:
            issued = LogFilter(topics=log.codec.names_of(KeyIssued))
            entries = SqlReader(log.database).read(0, MOST_KEYS, issued)
            facts = [log.codec.decode(entry.link.topic, entry.link.state) for entry in entries]
    except ImageStudioError:
        return set()
    return {fact.pepper for fact in facts if isinstance(fact, KeyIssued)}


def _link_keys(settings: Settings) -> Iterator[Trouble]:
    if settings.link_keys is not None or (settings.home / linkkeys.FILE).exists():
        link_keys_of(settings)
    yield from ()


def _seals(settings: Settings) -> Iterator[Trouble]:
    """Whether what is sealed can be signed and kept; a key is made by the first seal, and not here."""
    if settings.seal_keys is not None or (settings.home / KEYS_FILE).exists():
        signing_keys(settings)
    if settings.seal_file is not None:
        SealFile(settings.seal_file).newest()
        folder = next(one for one in settings.seal_file.absolute().parents if one.exists())
        if not os.access(folder, os.W_OK):
            name = f"{PREFIX}SEAL_FILE"
            yield Trouble(name, InvalidInput(name, f"nothing may be written in {folder}", hint="name another file"))


def _telemetry(settings: Settings) -> Iterator[Trouble]:
    """Whether what is wanted can be; what only all programs are asked for ends nothing."""
    if settings.telemetry is False or not (settings.telemetry or standard_telemetry().wanted):
        return
    try:
        telemetry_of(settings.model_copy(update={"telemetry": True}), serve=True).close()
    except ImageStudioError as error:
        yield Trouble(f"{PREFIX}TELEMETRY", error, is_fatal=bool(settings.telemetry))


def _setting_of(error: ImageStudioError) -> str:
    return error.field if isinstance(error, InvalidInput) else ""
