"""Orders that say in one way how a film is to be stored or shown: container, shape, size, bytes."""

from __future__ import annotations

from imagestudio_workshop.film.chains import chain_of, resized
from imagestudio_workshop.film.edits import made_by
from imagestudio_workshop.film.fitting import fit_of, in_aspect, shown_size, with_lines
from imagestudio_workshop.film.remaking import FilmChanges
from imagestudio_workshop.film.sizing import smaller, within_bytes
from imagestudio_workshop.film.writer import CONTAINERS, QUALITIES, Coding
from imagestudio_workshop.orders import LabelledTask, Work


def reformatted(order: LabelledTask) -> Work:
    """The same film as MP4, MOV (H.264, AAC) or WebM (VP9, Opus)."""
    chosen = order.choice("format", CONTAINERS, "mp4")
    return made_by(order.file("video"), FilmChanges(chain_of(), coding=Coding(chosen)))


def reshaped(order: LabelledTask) -> Work:
    """In another aspect, such as "9:16": cut to it, or with bars, or on its own blur; as large as what is kept."""
    film = order.file("video")
    return made_by(film, FilmChanges(fit_of(order, film, in_aspect(order, shown_size(film)), "crop")))


def resampled(order: LabelledTask) -> Work:
    """With so many pixels on the shorter side, as "720p" says; never larger unless `enlarge` is set."""
    film = order.file("video")
    return made_by(film, FilmChanges(resized(*with_lines(order, shown_size(film)))))


def compressed(order: LabelledTask) -> Work:
    """Smaller in bytes: at a `quality`, or so that it has at most `target_bytes`; never larger than it was."""
    film, target = order.file("video"), order.whole("target_bytes")
    quality, size = order.choice("quality", QUALITIES, "medium"), shown_size(film)
    if target:
        return lambda _variation, step: within_bytes(film, FilmChanges(chain_of(), ()), target, step, size)
    changes = FilmChanges(chain_of(), (), coding=Coding(quality=quality))
    return lambda _variation, step: smaller(film, changes, step)
