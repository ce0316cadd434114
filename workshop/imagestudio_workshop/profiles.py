"""The meaning of a picture's numbers as colours: an ICC profile that is kept, or gone through where the mode changes.

stored ──┬── RGB with a profile of RGB ────────────────> as it is, with its profile
         ├── CMYK or grey with a profile of its own ───> through the profile to sRGB
         ├── PNG with gAMA and cHRM, or with cICP ─────> by these numbers to sRGB
         └── anything else, or a profile of other ink ─> sRGB
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageColor

Matrix: TypeAlias = npt.NDArray[np.float64]

_INTENT: Final = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS: Final = ImageCms.Flags.BLACKPOINTCOMPENSATION
_GREY: Final = ("1", "L", "LA", "La")
_USUAL_GAMMA: Final = 1 / 2.2
_NEARLY: Final = 0.005
_ROWS: Final = 256
_PCS_WHITE: Final = (0.9642, 1.0, 0.8249)
_CONES: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

# x and y of red, green, blue and white (ITU-T H.273, table 2), by its numbers.
_D65: Final = (0.3127, 0.329)
SRGB: Final = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), _D65)
_PRIMARIES: Final = {
    1: SRGB,
    5: ((0.64, 0.33), (0.29, 0.6), (0.15, 0.06), _D65),
    6: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), _D65),
    9: ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), _D65),
    12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _D65),
}
_LIKE_SRGB: Final = (1, 6, 13, 14, 15)
"""Transfer characteristics that are shown by the curve of sRGB, as browsers do."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A still picture as it is shown: upright, RGB, or RGBA where anything is transparent, of 8 bits.

    `profile` is an ICC profile for RGB; without one the colours are sRGB.
    """

    image: Image.Image
    profile: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        return self.image.size

    def of(self, image: Image.Image) -> Picture:
        """Another picture in the same colours."""
        return Picture(image, self.profile)

    def in_profile(self, profile: bytes | None) -> Picture:
        """The same colours, as another profile says them; the same numbers where a profile leads nowhere."""
        try:
            return self.through(profile)
        except ImageCms.PyCMSError:
            # A profile that only leads one way, as those of scanners do.
            return Picture(self.image, profile)

    def through(self, profile: bytes | None) -> Picture:
        """As `in_profile`. Raises PyCMSError where a profile leads nowhere."""
        if self.profile == profile:
            return self
        return Picture(_through(self.image, self.profile, profile), profile)

    def colour(self, name: str) -> tuple[int, int, int]:
        """A colour's name, or "#rrggbb", in the numbers of this picture."""
        point = Image.new("RGB", (1, 1), ImageColor.getrgb(name)[:3])
        red, green, blue = np.asarray(Picture(point).in_profile(self.profile).image)[0, 0].tolist()
        return red, green, blue


@dataclass(frozen=True, slots=True)
class Meaning:
    """The words of a file on its numbers: an ICC profile, or a curve and primaries; nothing of either is sRGB."""

    profile: bytes | None = None
    gamma: float | None = None
    primaries: tuple[tuple[float, float], ...] = SRGB

    @property
    def is_srgb(self) -> bool:
        """Whether numbers without a profile are shown as they are, by the usual curve."""
        usual = self.gamma is None or abs(self.gamma - _USUAL_GAMMA) < _NEARLY
        return usual and self.has_usual_primaries

    @property
    def has_usual_primaries(self) -> bool:
        return bool(np.abs(np.array(self.primaries) - np.array(SRGB)).max() < _NEARLY)

    @classmethod
    def of_code(cls, primaries: int, transfer: int) -> Meaning | None:
        """Of the numbers of ITU-T H.273; None where 8 bits of sRGB cannot show it."""
        if primaries not in (*_PRIMARIES, 2) or transfer not in (*_LIKE_SRGB, 2, 4, 8):
            return None
        return cls(None, {4: 1 / 2.2, 8: 1.0}.get(transfer), _PRIMARIES.get(primaries, SRGB))


def in_rgb(image: Image.Image, meaning: Meaning) -> Picture:
    """A stored picture, whatever its mode, in colours of RGB."""
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    profile = _fit(meaning.profile)
    if image.mode in _GREY and _space(profile) == b"GRAY":
        picture = _opaque(image.convert("L"), profile)
    elif image.mode == "CMYK" and _space(profile) == b"CMYK":
        picture = _opaque(image, profile)
    elif image.mode not in (*_GREY, "CMYK") and _space(profile) == b"RGB ":
        picture = Picture(image.convert("RGBA").convert("RGB") if alpha else image.convert("RGB"), profile)
    else:
        picture = Picture(_by_numbers(image.convert("RGBA").convert("RGB") if alpha else image.convert("RGB"), meaning))
    clean = picture.image.copy() if picture.image is image else picture.image
    clean.info.clear()
    if alpha:
        clean.putalpha(alpha)
    return picture.of(clean)


def _space(profile: bytes | None) -> bytes:
    return b"" if profile is None else profile[16:20]


@lru_cache(maxsize=16)
def _fit(profile: bytes | None) -> bytes | None:
    """The profile, where colours can be brought through it."""
    if profile is None:
        return None
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, ImageCms.PyCMSError):
        return None
    return profile


def _opaque(image: Image.Image, profile: bytes | None) -> Picture:
    """Through the profile to sRGB; by Pillow's own rule where the profile leads nowhere."""
    try:
        return Picture(_through(image, profile, None))
    except ImageCms.PyCMSError:
        return Picture(image.convert("RGB"))


def _through(image: Image.Image, source: bytes | None, target: bytes | None) -> Image.Image:
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    opaque = image.convert("RGB") if alpha else image
    done = ImageCms.profileToProfile(
        opaque, _opened(source), _opened(target), renderingIntent=_INTENT, outputMode="RGB", flags=_FLAGS
    )
    assert done is not None
    done.info.clear()
    if alpha:
        done.putalpha(alpha)
    return done


def _opened(profile: bytes | None) -> ImageCms.ImageCmsProfile:
    if profile is None:
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _by_numbers(image: Image.Image, meaning: Meaning) -> Image.Image:
    """From a power of light, and from other primaries, to sRGB."""
    if meaning.is_srgb:
        return image
    levels = np.arange(256) / 255
    light = _linear(levels) if meaning.gamma is None else levels ** (1 / meaning.gamma)
    if meaning.has_usual_primaries:
        return image.point([round(float(value) * 255) for value in _encoded(light)] * 3)
    across = (np.linalg.inv(_to_xyz(SRGB)) @ _adapted(meaning.primaries)).T.astype(np.float32)
    table, pixels = light.astype(np.float32), np.asarray(image)
    done = np.empty_like(pixels)
    for top in range(0, image.height, _ROWS):
        done[top : top + _ROWS] = _encoded(table[pixels[top : top + _ROWS]] @ across) * 255 + 0.5
    return Image.fromarray(done)


def _linear(levels: Matrix) -> Matrix:
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def _encoded(light: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> Matrix:
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    return np.asarray(columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3]))


def to_pcs(primaries: tuple[tuple[float, float], ...]) -> Matrix:
    """To XYZ under the white in which profiles meet (ICC.1:2010, 6.3.4.3)."""
    return _under(primaries, np.array(_PCS_WHITE))


def _adapted(primaries: tuple[tuple[float, float], ...]) -> Matrix:
    """To XYZ under the white of sRGB, by Bradford's cones."""
    return _under(primaries, np.array([_D65[0] / _D65[1], 1, (1 - sum(_D65)) / _D65[1]]))


def _under(primaries: tuple[tuple[float, float], ...], wanted: Matrix) -> Matrix:
    x, y = primaries[3]
    white, target = (_CONES @ np.asarray(place) for place in ((x / y, 1, (1 - x - y) / y), wanted))
    return np.asarray(np.linalg.inv(_CONES) @ np.diag(target / white) @ _CONES @ _to_xyz(primaries))
