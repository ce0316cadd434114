"""How a folder takes files in.

A file costs two flushes, and one more if it is the first of its folder; those kept at the same time wait for them
together.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import closing
from pathlib import Path
from typing import Final

from application.ports import Asset
from infrastructure.files.naming import MOST_REMEMBERED, account_folder
from infrastructure.files.place import Ready
from infrastructure.files.saving import Saver, Steps, Temporary, taking_turns

_INCOMING: Final = "incoming"


class FolderKeeper:
    """Keeps files under `root`: what blocks runs in `executor`, what only waits for the disk in `flushers`."""

    def __init__(self, root: Path, executor: Executor, flushers: Executor | None) -> None:
        self._root = root
        self._saver = Saver(executor, flushers)
        self._made: set[Path] = set()

    def arriving(self, account: str) -> Path:
        return self._root / account_folder(account) / _INCOMING

    async def keep(self, prepare: Callable[[], Ready], size: int) -> Asset:
        return await self._saver.save(self._steps(prepare), size)

    def _steps(self, prepare: Callable[[], Ready]) -> Steps:
        ready = prepare()
        file = self._root / ready.name
        with closing(ready.arrived or Temporary(file.parent)) as temporary:
            return (yield from self._place(file, ready, temporary))

    def _place(self, file: Path, ready: Ready, temporary: Temporary) -> Steps:
        """See that the file is there for good; if it is not, `temporary` becomes it, with what it does not hold yet."""
        folder = file.parent
        changed = self._make_folder(folder)
        if not self._is_kept(file, ready.asset.size):
            temporary.write(ready.content)
            yield (temporary,)
            temporary.move(file)
        # Also if another saver's file was found: its rename may not have reached the disk yet.
        yield {folder, *changed}
        self._remember(folder)
        return ready.asset

    def _make_folder(self, folder: Path) -> set[Path]:
        """Create it; those to flush that it lasts, also if another saver has only just made it."""
        if folder in self._made and folder.is_dir():
            return set()
        missing: set[Path] = set()
        try:
            folder.mkdir()
        except FileExistsError:
            pass
        except FileNotFoundError:
            missing = {above for above in folder.parents if not above.exists()}
            folder.mkdir(parents=True, exist_ok=True)
        return {made.parent for made in missing | {folder} | (self._chain(folder) - self._made)}

    def _chain(self, folder: Path) -> set[Path]:
        return {folder, folder.parent, self._root}

    def _remember(self, folder: Path) -> None:
        """Make sure that it lasts."""
        if folder not in self._made:
            if len(self._made) >= MOST_REMEMBERED:
                self._made.clear()
            self._made |= self._chain(folder)

    def _is_kept(self, file: Path, size: int) -> bool:
        """Whether the file is there, whole; its grace then begins anew, which a running sweep respects."""
        if not file.exists():
            return False
        with taking_turns(self._root, fcntl.LOCK_SH):
            try:
                if file.stat().st_size != size:
                    return False
                os.utime(file)
            except FileNotFoundError:
                return False
        return True
