"""Better words by rule: what a prompt says nothing of is added, in the words of its purpose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from application.studios.presets import Enhancement

_WORD: Final = re.compile(r"[^\W_]+")


def enhanced(prompt: str, purpose: str, by: Mapping[str, Enhancement]) -> tuple[str, str]:
    """The prompt with what it lacks, and a note that says what was added."""
    said = {word.lower() for word in _WORD.findall(prompt)}
    added = [one.purposes.get(purpose, one.words) for one in by.values() if said.isdisjoint(one.unless)]
    if not added:
        return prompt, "enhanced by rule: nothing was missing"
    words = ", ".join(added)
    return f"{prompt.rstrip(' .,;')}, {words}", f"enhanced by rule: added {words}"
