"""Translate: the people in a film speak another language, lips included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from application.studios.video.remaking import RemakeBrief, RemakeTerms, Remaking
from domain.advice import Advice
from domain.catalogue import Catalogue, Class
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.meant import meant

LANGUAGE = "language"
"""The input of models that the language is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateBrief(RemakeBrief):
    """The language, by the name that `languages` has, in letters of any size."""

    to: str = ""


@dataclass(frozen=True, slots=True)
class VideoTranslate(Remaking):
    """The service."""

    KIND: ClassVar[str] = "video-translate"
    BRIEF: ClassVar[type[RemakeBrief]] = TranslateBrief

    def languages(self, text: str = "") -> tuple[str, ...]:
        """The languages that some model speaks, by name; only those that have a text in it, if one is given."""
        return languages_of(self.desk.catalogue, text)

    def terms(self, brief: TranslateBrief) -> RemakeTerms:
        """The language as models call it. Raises InvalidInput that names the nearest."""
        return RemakeTerms(inputs={LANGUAGE: self._named(brief.to)})

    def _named(self, wanted: str) -> str:
        known = self.languages()
        asked = " ".join(wanted.split()).lower()
        found = next((name for name in known if name.lower() == asked), None)
        if found is not None:
            return found
        if self._is_free() and asked:
            return wanted
        hint = meant(wanted, known, Advice("language.list"))
        told = f"no model speaks {shortened(wanted)}" if asked else "is missing"
        raise InvalidInput("to", told, hint=hint if asked else Advice("language.list"))

    def _is_free(self) -> bool:
        """Whether some model takes a language in any words."""
        models = [one for one in self.desk.catalogue.for_kind(self.KIND) if one.class_ is not Class.TEST]
        return any(LANGUAGE in one.inputs and not one.inputs[LANGUAGE].choices for one in models)


def languages_of(catalogue: Catalogue, text: str = "") -> tuple[str, ...]:
    """The languages that models of a catalogue speak, by name; only those that have a text in it, if one is given."""
    specs = [one.inputs[LANGUAGE] for one in catalogue.for_kind(VideoTranslate.KIND) if LANGUAGE in one.inputs]
    known = {str(choice) for spec in specs for choice in spec.choices}
    return tuple(sorted(name for name in known if text.strip().lower() in name.lower()))
