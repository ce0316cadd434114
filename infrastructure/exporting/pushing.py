"""Events pushed to a meter as OpenMeter takes them: CloudEvents in batches over HTTP, each counted once by its id.

    checkpoint ── facts after it ── a batch ── POST ─┬─ taken: the checkpoint moves, on disk, behind the batch
                                                     ├─ not now (429, 5xx, no answer): the same batch again, later
                                                     └─ refused (4xx): stop before it, and say what was refused

The ids are the facts' own, for ever. If the answer to a batch is lost, it is sent again, and the meter knows its ids:
nothing is lost, and nothing is counted twice.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import httpx

from application.keeping.books import Booked
from domain.errors import InvalidInput, ProviderUnavailable
from domain.inputs import shortened
from infrastructure.exporting.metering import meter_event

BATCH_TYPE: Final = "application/cloudevents-batch+json"
MOST: Final = 1_000
"""Events of one batch."""
PATIENCE: Final = 30.0
"""Seconds for one answer."""
PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before a batch is sent again, if the meter does not say how long to wait."""
LONGEST_PAUSE: Final = 60.0
LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of what may be sent again as it is."""
FIELDS: Final = ("ledger", "url", "position")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a ledger was pushed to a meter, kept in a file that is replaced as a whole."""

    file: Path
    ledger: str
    url: str
    position: int = 0

    @classmethod
    def read(cls, file: Path, ledger: str, url: str) -> Checkpoint:
        """The file's, or the beginning if there is none. Raises InvalidInput if it is another ledger's or meter's."""
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            told = {name: found[name] for name in FIELDS}
        except FileNotFoundError:
            return cls(file, ledger, url)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InvalidInput("checkpoint", f"{file} is no checkpoint: {error}") from error
        if (told["ledger"], told["url"]) != (ledger, url) or type(told["position"]) is not int:
            what = f"{file} is of ledger {told['ledger']} and {shortened(str(told['url']))}"
            raise InvalidInput("checkpoint", what, hint="name a file of its own for each ledger and meter")
        return cls(file, ledger, url, told["position"])

    def moved(self, position: int) -> Checkpoint:
        """The same further on, on disk. Raises InvalidInput if it cannot be written."""
        new = replace(self, position=position)
        temporary = self.file.with_name(f".{self.file.name}.new")
        try:
            with temporary.open("w", encoding="utf-8") as stream:
                json.dump({name: getattr(new, name) for name in FIELDS}, stream)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(self.file)
        except OSError as error:
            raise InvalidInput("checkpoint", f"{self.file} cannot be written: {error.strerror}") from error
        return new


@dataclass(slots=True)
class Pushed:
    """How many events and batches were taken, up to which position, and how often a batch was sent again."""

    position: int
    events: int = 0
    batches: int = 0
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class MeterDoor:
    """A meter's address, with the token that opens it, if any; `pause` waits for so many seconds."""

    url: str
    token: str = ""
    pause: Callable[[float], None] = time.sleep

    def take(self, client: httpx.Client, events: Sequence[dict[str, Any]]) -> int:
        """Have it take a batch; how often that was sent again. Raises InvalidInput, ProviderUnavailable."""
        body = json.dumps(events, ensure_ascii=False).encode()
        headers = {"content-type": BATCH_TYPE, **({"authorization": f"Bearer {self.token}"} if self.token else {})}
        why = ""
        for repeats, pause in enumerate((*PAUSES, None)):
            try:
                answer = client.post(self.url, content=body, headers=headers)
            except httpx.HTTPError as error:
                why, asked = f"{type(error).__name__}: {error}", None
            else:
                if answer.is_success:
                    return repeats
                why, asked = _told(answer), _asked_pause(answer)
                if answer.status_code not in LATER:
                    first, last = events[0]["id"], events[-1]["id"]
                    told = f"the meter refuses events {first} to {last}: {why}"
                    raise InvalidInput("meter", told, hint="correct what it says; nothing of this batch was counted")
            if pause is not None:
                self.pause(pause if asked is None else min(asked, LONGEST_PAUSE))
        raise ProviderUnavailable(f"the meter at {self.url} takes nothing: {why}", hint="push again later: it goes on")


def push(booked: Iterable[Booked], checkpoint: Checkpoint, meter: MeterDoor, *, upto: int, batch: int = MOST) -> Pushed:
    """Push facts after the checkpoint, up to a position; blocking. Raises as `MeterDoor.take`, with all before kept."""
    done, waiting = Pushed(checkpoint.position), iter(booked)
    with httpx.Client(timeout=PATIENCE, follow_redirects=False) as client:
        for some in _batches(waiting, batch):
            done.repeats += meter.take(client, [meter_event(one) for one in some])
            checkpoint = checkpoint.moved(some[-1].position)
            done.position = checkpoint.position
            done.events += len(some)
            done.batches += 1
    done.position = checkpoint.moved(max(upto, checkpoint.position)).position
    return done


def _batches(booked: Iterator[Booked], size: int) -> Iterator[list[Booked]]:
    while some := [*islice(booked, size)]:
        yield some


def _told(answer: httpx.Response) -> str:
    """Its status with the beginning of its words, in one line."""
    words = " ".join(answer.text[:300].split())
    return f"{answer.status_code} {answer.reason_phrase}" + (f": {words}" if words else "")


def _asked_pause(answer: httpx.Response) -> float | None:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdecimal() else None
