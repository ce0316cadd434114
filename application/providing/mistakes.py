"""A provider's own mistakes: what its code raises, or answers with, that its port does not know, told as one thing.

    KeyError, TypeError …          ──┬──> ProviderMistaken      logged by its kind and its place, since its words may
    ProviderError of no fit code   ──┘                           hold inputs

Anybody may write a provider. Its broken code says nothing about what it had sent before, and neither its caller nor
those who wait beside may be lost with it.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePath

from application.ports import Provider, ProviderError, ProviderUnknown
from application.providing.answers import is_told
from domain.errors import ImageStudioError, InvalidRequest

LOGGER = logging.getLogger("imagestudio")
MISTAKE = "mistake"


class ProviderMistaken(ProviderUnknown):
    """A provider's code broke, and what it did is not known; `__cause__` is what it raised."""

    def __init__(self, provider: str, error: Exception) -> None:
        super().__init__(MISTAKE, f"provider {provider!r} raised {type(error).__name__}")


class MistakesOf:
    """Raises ProviderMistaken in place of whatever is neither an error as the port has them nor one of ours.

    A provider may not raise InvalidRequest: when it is called, the request is already in the log.
    """

    __slots__ = ("_operation", "_provider")

    def __init__(self, provider: str, operation: str = "") -> None:
        self._provider, self._operation = provider, operation

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        if not isinstance(error, Exception) or (isinstance(error, ProviderError) and is_told(error)):
            return
        if isinstance(error, ImageStudioError) and not isinstance(error, InvalidRequest):
            return
        what = f"operation {self._operation}" if self._operation else "no operation"
        LOGGER.error("provider %r raised %s, about %s: %s", self._provider, type(error).__name__, what, _place(error))
        raise ProviderMistaken(self._provider, error) from error


async def close_all(providers: Mapping[str, Provider]) -> None:
    """Let each give back its connections; one that breaks there keeps no other from it, nor anybody's answer."""
    for name, provider in providers.items():
        with suppress(ProviderMistaken), MistakesOf(name):
            await provider.close()


def _place(error: Exception) -> str:
    """The place where it was raised, from the outermost call inwards; without what was in the variables."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames)
