"""Providers' own quotes of what they will bill: asked once for the same task, and never needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from application.ledger.writer import Clock
from application.ports import ProviderError, Quoting, Task
from application.providing.answers import check_quote
from application.providing.mistakes import MistakesOf

LIFETIME = 600_000_000
"""Microseconds for which an answer is believed."""
MOST = 10_000


@dataclass(slots=True)
class ProviderQuotes:
    """Asks providers that quote, if that is switched on; None means that the price book alone decides."""

    providers: Mapping[str, object]
    clock: Clock
    enabled: bool
    _known: dict[str, tuple[int, int | None]] = field(default_factory=dict, repr=False)

    async def ask(self, provider: str, task: Task) -> int | None:
        """Micro-units that the provider will bill for the task, or None if it does not say."""
        quoting = self.providers.get(provider)
        if not self.enabled or not isinstance(quoting, Quoting):
            return None
        digest, now = _digest(provider, task), self.clock()
        asked, amount = self._known.get(digest, (now - LIFETIME - 1, None))
        if now - asked > LIFETIME:
            amount = await _answer(provider, quoting, task)
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[digest] = (now, amount)
        return amount


async def _answer(provider: str, quoting: Quoting, task: Task) -> int | None:
    """A provider that cannot be asked now, or that is mistaken, says nothing; the price book then decides."""
    try:
        with MistakesOf(provider):
            amount = await quoting.quote(task)
            check_quote(amount)
    except ProviderError:
        return None
    return amount


def _digest(provider: str, task: Task) -> str:
    """Of all that a price may hang on; of prompts no more than this is kept."""
    media = {name: [sha256(one.content).hexdigest() for one in many] for name, many in task.media.items()}
    asked = (provider, task.route, task.outputs, sorted(task.inputs.items()), sorted(media.items()))
    return sha256(repr(asked).encode("utf-8", "surrogatepass")).hexdigest()
