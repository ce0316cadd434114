"""Orders that say how a film is to be stored or shown: container, shape, size, bytes, a platform's wishes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.chains import Chain, all_of, blurred, chain_of, cropped, padded, resized
from imagestudio_workshop.film.channels import STEREO
from imagestudio_workshop.film.edits import made_by
from imagestudio_workshop.film.lanes import SOUND_RATE
from imagestudio_workshop.film.marks import marks_of
from imagestudio_workshop.film.remaking import FilmChanges, has_sound, length_of, opened_film, remade
from imagestudio_workshop.film.writer import CONTAINERS, Coding
from imagestudio_workshop.orders import LabelledTask, Step, Work

_FITS: Final = {"crop": cropped, "blur": blurred, "pad": padded}
CRF: Final = {"high": 23, "medium": 27, "low": 32}
_LEAST_BITRATE: Final = 40_000
_LEAST_SOUND: Final = 32_000
_SOUND_SHARE: Final = 1 / 8
_TRIES: Final = 3
_AIM: Final = 0.93
"""Of the bytes that are allowed; the rest is for what the container adds."""


def reformatted(order: LabelledTask) -> Work:
    """The same film as MP4, MOV (H.264, AAC) or WebM (VP9, Opus)."""
    chosen = order.choice("format", CONTAINERS, "mp4")
    return made_by(order.file("video"), FilmChanges(chain_of(), coding=Coding(chosen)))


def reshaped(order: LabelledTask) -> Work:
    """In another aspect, such as "9:16": cut to it, or with bars, or on its own blur; as large as what is kept."""
    film, fit = order.file("video"), order.choice("fit", _FITS, "crop")
    width, height = shown_size(film)
    aspect = Fraction(order.text("aspect_ratio", "1:1").replace(":", "/"))
    wider = Fraction(width, height) > aspect
    if (fit == "crop") == wider:
        size = _even(height * aspect), _even(height)
    else:
        size = _even(width), _even(width / aspect)
    return made_by(film, FilmChanges(_FITS[fit](*size)))


def resampled(order: LabelledTask) -> Work:
    """With so many pixels on the shorter side, as "720p" says; never larger unless `enlarge` is set."""
    film = order.file("video")
    width, height = shown_size(film)
    side = int(order.text("resolution", "720p").removesuffix("p"))
    if side > min(width, height) and not order.flag("enlarge"):
        raise ProviderRefused("would_enlarge", f"the film has only {min(width, height)} pixels on its shorter side")
    scale = Fraction(side, min(width, height))
    return made_by(film, FilmChanges(resized(_even(width * scale), _even(height * scale))))


def compressed(order: LabelledTask) -> Work:
    """Smaller in bytes: at a `quality`, or so that it has at most `target_bytes`."""
    film, target = order.file("video"), order.whole("target_bytes")
    if not target:
        return made_by(
            film, FilmChanges(chain_of(), (), coding=Coding(crf=CRF[order.choice("quality", CRF, "medium")]))
        )
    seconds, size, share = length_of(film), shown_size(film), _SOUND_SHARE if has_sound(film) else 0

    def work(_variation: int, step: Step) -> Media:
        bits = target * 8 * _AIM / seconds
        for number in range(_TRIES):

            def part(fraction: float, message: str, done: int = number) -> None:
                step((done + fraction) / _TRIES, message)

            media = remade(film, _within(bits, share, size), part)
            if len(media.content) <= target:
                return media
            bits *= target / len(media.content) * _AIM
        raise ProviderRefused("target_too_small", f"this film cannot be encoded in {target} bytes")

    return work


def _within(bits: float, share: float, size: tuple[int, int]) -> FilmChanges:
    """The changes for so many bits a second: a share is the sound's, and too few for all pixels make fewer of them."""
    sound = int(min(128_000, max(_LEAST_SOUND, bits * share))) if share else 0
    video = max(_LEAST_BITRATE, int(bits - sound))
    side = next((side for side, least in _LADDER if video >= least), _LADDER[-1][0])
    scale = min(Fraction(1), Fraction(side, min(size)))
    chain = resized(_even(size[0] * scale), _even(size[1] * scale))
    coding = Coding(bitrate=video, sound_bitrate=max(sound, _LEAST_SOUND))
    return FilmChanges(chain, (), coding=coding, one_sound=True, channels=STEREO)


# The shorter side at which a film still looks well at so many bits a second.
_LADDER: Final = ((1080, 2_500_000), (720, 1_000_000), (480, 400_000), (360, 200_000), (240, 0))


@dataclass(frozen=True, slots=True)
class Platform:
    """The wishes of a platform: pixels, the most seconds it shows, the most frames a second."""

    width: int
    height: int
    seconds: int
    rate: int = 30


PLATFORMS: Final = MappingProxyType(
    {
        "instagram-feed": Platform(1080, 1350, 60),
        "instagram-reel": Platform(1080, 1920, 180),
        "instagram-story": Platform(1080, 1920, 60),
        "tiktok": Platform(1080, 1920, 600),
        "youtube": Platform(1920, 1080, 43_200, 60),
        "youtube-short": Platform(1080, 1920, 180, 60),
        "x-post": Platform(1280, 720, 140),
        "facebook-feed": Platform(1080, 1350, 14_400),
        "linkedin-post": Platform(1920, 1080, 900),
    }
)


def posted(order: LabelledTask) -> Work:
    """In the size of `platform`, no longer than it shows and no faster, as H.264 and AAC at an even loudness."""
    film, wanted = order.file("video"), PLATFORMS[order.choice("platform", PLATFORMS)]
    chain: Chain = _FITS[order.choice("fit", _FITS, "blur")](wanted.width, wanted.height)
    if _rate(film) > wanted.rate:
        chain = all_of(chain_of(("fps", str(wanted.rate))), chain)
    loudness = (("loudnorm", "I=-14:TP=-1.5:LRA=11"), ("aresample", str(SOUND_RATE)))
    end = wanted.seconds if length_of(film) > wanted.seconds else None
    return made_by(
        film, replace(FilmChanges(chain, loudness), end=end, coding=Coding(crf=21), one_sound=True, channels=STEREO)
    )


def shown_size(film: Media) -> tuple[int, int]:
    """Width and height as it is shown: turned as the file says, in square pixels."""
    with opened_film(film) as container:
        frame = next(container.decode(video=0), None)
        if frame is None:
            raise ProviderRefused("no_picture", "there is no picture in the film")
        return marks_of(frame, container.streams.video[0]).shown(frame.width, frame.height)


def _rate(film: Media) -> float:
    with opened_film(film) as container:
        return float(container.streams.video[0].average_rate or 0)


def _even(pixels: Fraction | float) -> int:
    """The nearest even number, as half of the pixels carry colour."""
    return max(2, round(pixels / 2) * 2)
