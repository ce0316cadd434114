"""Kinds of files that are known and not read, so that a refusal can name them, and say what to send instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_HEAD: Final = 1024


@dataclass(frozen=True, slots=True)
class Unread:
    """The name of a kind with its article, and the kind to save it as."""

    name: str
    instead: str


_FILM, _SOUND, _PICTURE, _MODEL = "an MP4 video", "a WAV or MP3 sound", "a PNG or JPEG image", "a GLB model"
_SIGNATURES: Final = (
    (rb"RIFF....AVI ", Unread("an AVI video", _FILM)),
    (rb"FLV\x01", Unread("a Flash video", _FILM)),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Unread("a Windows Media file", f"{_FILM} or {_SOUND}")),
    (rb"\0\0\x01[\xba\xb3]", Unread("an MPEG video", _FILM)),
    (rb"\x47.{187}\x47.{187}\x47", Unread("an MPEG transport stream", _FILM)),
    (rb"\.RMF", Unread("a RealMedia file", _FILM)),
    (rb"caff", Unread("a Core Audio sound", _SOUND)),
    (rb"#!AMR", Unread("an AMR sound", _SOUND)),
    (rb"MThd", Unread("a MIDI file", _SOUND)),
    (rb"wvpk", Unread("a WavPack sound", _SOUND)),
    (rb"\.snd", Unread("an AU sound", _SOUND)),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", Unread("a JPEG XL image", _PICTURE)),
    (rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ", Unread("a JPEG 2000 image", _PICTURE)),
    (rb"8BPS", Unread("a Photoshop document", _PICTURE)),
    (rb"\x76\x2f\x31\x01", Unread("an OpenEXR image", _PICTURE)),
    (rb"DDS ", Unread("a DDS texture", _PICTURE)),
    (rb"\0\0[\x01\x02]\0[^\0]\0", Unread("a Windows icon", _PICTURE)),
    (rb"gimp xcf", Unread("a GIMP document", _PICTURE)),
    (rb"%!PS", Unread("a PostScript document", _PICTURE)),
    (rb"%PDF-", Unread("a PDF document", _PICTURE)),
    (rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml(?:(?!<html).)*?)?<svg[\s>]", Unread("an SVG drawing", _PICTURE)),
    (rb"ply\r?\n", Unread("a PLY model", _MODEL)),
    (rb"BLENDER", Unread("a Blender document", _MODEL)),
    (rb"#usda ", Unread("a USD scene", "a USDZ model")),
    (rb"PXR-USDC", Unread("a USD scene", "a USDZ model")),
    (rb"PK\x03\x04", Unread("a ZIP archive", "the files that are in it, one by one")),
)
_PATTERNS: Final = tuple((re.compile(pattern, re.DOTALL), unread) for pattern, unread in _SIGNATURES)


def unread_kind(content: memoryview) -> Unread | None:
    """The kind that the content's first bytes stand for, if it is known and not read."""
    head = bytes(content[:_HEAD])
    return next((unread for pattern, unread in _PATTERNS if pattern.match(head)), None)
