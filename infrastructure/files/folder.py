"""Files in a folder, so that what was kept survives a power cut.

A file appears whole or not at all: it is written under a temporary name, flushed, renamed, and its directory
flushed. If a save and a sweep would race for the same file, also in two processes, they take turns on one
lock file. How files are taken in is in `keeping.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from io import FileIO
from pathlib import Path

from infrastructure.files.keeping import FolderKeeper
from infrastructure.files.place import KeptFile
from infrastructure.files.saving import MEBIBYTE, SIDE_BY_SIDE, Temporary, flush_folder, reported, taking_turns


class LocalFolder:
    """A place on a file system."""

    waiters = SIDE_BY_SIDE

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def where(self) -> str:
        return str(self.root)

    def keeper(self, executor: Executor, helpers: Executor | None) -> FolderKeeper:
        return FolderKeeper(self.root, executor, helpers)

    def path(self, name: str) -> Path | None:
        file = self.root / name
        return file if file.is_file() else None

    def exists(self, name: str) -> bool:
        return self.path(name) is not None

    def read(self, name: str) -> Iterator[bytes]:
        with self._opened(name) as stream, reported():
            while piece := stream.read(MEBIBYTE):
                yield piece

    def put(self, name: str, content: Iterator[bytes]) -> None:
        file = self.root / name
        with reported(), closing(Temporary(file.parent)) as temporary:
            missing = [above for above in file.parents if not above.exists()]
            for piece in content:
                temporary.write(piece)
            temporary.flush()
            temporary.move(file)
            for folder in {file.parent, *(made.parent for made in missing)}:
                flush_folder(folder)

    def create(self, name: str, content: bytes) -> bool:
        if self.path(name) is not None:
            return False
        self.put(name, iter((content,)))
        return True

    def files(self, under: str = "") -> Iterator[KeptFile]:
        with reported():
            for folder in [self.root / under] if under else self._accounts():
                for file in sorted(folder.glob("*" if under else "*/*")):
                    found = self._found(file)
                    if found is not None:
                        yield found

    def link(self, name: str, _seconds: int) -> str | None:
        if not self.exists(name):
            raise FileNotFoundError(name)
        return None

    def delete(self, name: str) -> None:
        file = self.root / name
        with reported():
            if file.exists():
                file.unlink(missing_ok=True)
                flush_folder(file.parent)

    def drop(self, name: str, before: int) -> int | None:
        with reported(), taking_turns(self.root):
            found = self._found(self.root / name)
            if found is None or found.touched >= before:
                return None
            (self.root / name).unlink()
        return found.size

    def now(self, ours: int) -> int:
        return ours

    @contextmanager
    def turns(self) -> Iterator[None]:
        with reported():
            self.root.mkdir(parents=True, exist_ok=True)
            with taking_turns(self.root):
                yield

    def _opened(self, name: str) -> FileIO:
        with reported():
            try:
                return FileIO(self.root / name)
            except (FileNotFoundError, NotADirectoryError) as error:
                missing = error
        raise FileNotFoundError(name) from missing

    def _accounts(self) -> list[Path]:
        return sorted(entry for entry in self.root.iterdir() if entry.is_dir()) if self.root.is_dir() else []

    def _found(self, file: Path) -> KeptFile | None:
        """None if it is gone, or no file."""
        try:
            status = file.lstat()
        except FileNotFoundError:
            return None
        if not file.is_file():
            return None
        return KeptFile(str(file.relative_to(self.root)), status.st_size, status.st_mtime_ns // 1000)
