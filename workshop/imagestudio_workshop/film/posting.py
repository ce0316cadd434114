"""Orders for a film as a platform takes it, and for the picture that stands for it there.

film ── span ── frames a second ── size ── loudness ── within the bytes ──> film
     └─ the best of several pictures, or that of an instant ── size ── guides, if asked for ──> thumbnail
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.coding import StillCoding
from imagestudio_workshop.cropping import FITS as PICTURE_FITS
from imagestudio_workshop.cropping import Frame, focus_of
from imagestudio_workshop.film.chains import Chain, all_of, chain_of
from imagestudio_workshop.film.channels import STEREO
from imagestudio_workshop.film.fitting import fit_of
from imagestudio_workshop.film.remaking import FilmChanges, frames_a_second, has_sound, remade
from imagestudio_workshop.film.sizing import within_bytes
from imagestudio_workshop.film.sound import LOUDNESS, evened
from imagestudio_workshop.film.spans import Stretch, span_of
from imagestudio_workshop.film.stills import best_still, still_at
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.profiles import Picture
from imagestudio_workshop.social import QUALITY, guided, margins_of, within_limit

OUTPUTS: Final = ("film", "thumbnail", "guides")
_MOST_BYTES: Final = 2_000_000
"""Of a thumbnail; YouTube takes no more, and others do."""
_FINDING: Final = 0.6
_MEASURING: Final = 0.1


def posted(order: LabelledTask) -> Work:
    """The film in `width` and `height`, of at most `max_seconds`, `fps` and `max_bytes`, at `loudness`; or, as `output`
    says, its thumbnail, or that with what the platform lays over it."""
    film, what = order.file("video"), order.choice("output", OUTPUTS, OUTPUTS[0])
    span, size = span_of(order, film), (order.whole("width"), order.whole("height"))
    if what != OUTPUTS[0]:
        return _pictured(order, span, size, guides=what == "guides")
    chain: Chain = fit_of(order, film, size, "blur")
    rate = order.whole("fps")
    if rate and frames_a_second(film) > rate:
        chain = all_of(chain_of(("fps", str(rate))), chain)
    changes = FilmChanges(chain, (), span.start, span.end, one_sound=True, channels=STEREO)
    return _filmed(film, changes, order.number("loudness", LOUDNESS), order.whole("max_bytes"))


def _filmed(film: Media, changes: FilmChanges, loudness: float, most: int) -> Work:
    def work(_variation: int, step: Step) -> Media:
        step(0.0, "measuring the sound")
        whole = replace(changes, sound=_evened(film, changes, loudness))

        def rest(fraction: float, message: str) -> None:
            step(_MEASURING + (1 - _MEASURING) * fraction, message)

        return within_bytes(film, whole, most, rest) if most else remade(film, whole, rest)

    return work


def _evened(film: Media, changes: FilmChanges, loudness: float) -> tuple[tuple[str, str], ...]:
    """As near to the loudness as it comes; a sound that cannot be measured, such as silence, stays as it is."""
    if not has_sound(film):
        return ()
    try:
        return evened(film, changes, loudness)[0]
    except ProviderRefused:
        return ()


def _pictured(order: LabelledTask, span: Stretch, size: tuple[int, int], *, guides: bool) -> Work:
    """A JPEG of the frame `at` a second of what is kept, or of the best of several."""
    film, fit = order.file("video"), PICTURE_FITS[order.choice("fit", PICTURE_FITS, "blur")]
    frame = Frame(size, focus_of(order), (order.tint("background", "black") or (0, 0, 0, 255))[:3])
    at, margins = order.number("at", -1), margins_of(order) if guides else []
    if at >= span.seconds:
        raise ProviderRefused("unsupported_at", f"the film is over after {span.seconds:g} seconds")

    def work(_variation: int, step: Step) -> Media:
        still = _still(film, span, at, step)
        step(_FINDING, "encoding")
        fitted = fit(still, frame)
        picture = Picture(guided(fitted, margins) if margins else fitted)
        return within_limit(picture, StillCoding(format="jpeg", quality=QUALITY), _MOST_BYTES)

    return work


def _still(film: Media, span: Stretch, at: float, step: Step) -> Image.Image:
    if at >= 0:
        return still_at(film, span.start + at)
    return best_still(film, span.start, span.end, lambda fraction, message: step(_FINDING * fraction, message))
