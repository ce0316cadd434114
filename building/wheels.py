"""Puts the rooms of a built wheel under one package, so that it installs that and nothing else.

domain/money.py              ──> imagestudio/domain/money.py, its imports rewritten
….dist-info/entry_points.txt ──> objects by their new names
….dist-info/top_level.txt    ──> imagestudio
….dist-info/RECORD           ──> written anew
"""

from __future__ import annotations

import csv
import io
from base64 import urlsafe_b64encode
from copy import copy
from hashlib import sha256
from pathlib import Path
from typing import Final
from zipfile import ZipFile, ZipInfo

from building.rewriting import PACKAGE, is_of_rooms, moved

_OBJECT: Final = " = "


def under_one_package(built: Path, target: Path) -> None:
    """Write the wheel `built` to `target`, as it is to be installed. Raises BareImport."""
    record: list[tuple[str, str, str]] = []
    with ZipFile(built) as old, ZipFile(target, "w") as new:
        for info in old.infolist():
            name = _new_name(info.filename)
            if name.endswith(".dist-info/RECORD"):
                record.append((name, "", ""))
                new.writestr(_named(info, name), _written(record))
                continue
            content = _new_content(info.filename, old.read(info))
            record.append((name, f"sha256={_digest(content)}", str(len(content))))
            new.writestr(_named(info, name), content)


def _new_name(name: str) -> str:
    return f"{PACKAGE}/{name}" if is_of_rooms(name.partition("/")[0]) else name


def _new_content(name: str, content: bytes) -> bytes:
    match name.rpartition("/"):
        case (_, _, file) if file.endswith(".py"):
            return moved(content, name)
        case (folder, _, "entry_points.txt") if folder.endswith(".dist-info"):
            return "".join(map(_new_entry, content.decode().splitlines(keepends=True))).encode()
        case (folder, _, "top_level.txt") if folder.endswith(".dist-info"):
            return f"{PACKAGE}\n".encode()
    return content


def _new_entry(line: str) -> str:
    """An entry point, `name = module:object`, whose module may be in a room; or another line."""
    name, sign, place = line.partition(_OBJECT)
    return f"{name}{sign}{PACKAGE}.{place}" if is_of_rooms(place.partition(":")[0].strip()) else line


def _named(info: ZipInfo, name: str) -> ZipInfo:
    """The entry under another name, of the same time, mode and compression."""
    renamed = copy(info)
    renamed.filename = name
    return renamed


def _digest(content: bytes) -> str:
    return urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()


def _written(record: list[tuple[str, str, str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(record)
    return text.getvalue()
