"""Providers that refuse what they are told to, and catalogues of models of theirs, of every class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from application.ports import Delivery, Job, Media, Progress, Provider, ProviderRefused, Recovery, Task
from tests.application.studios import picture

KIND = "reference-to-image"
DONE, REFUSED, UNREACHABLE = "done", "refused", "unreachable"


@dataclass(frozen=True)
class Entry:
    """A model: where it is, what it costs in cents (None: nobody knows), its class, and how it answers."""

    id: str
    provider: str
    cents: int | None = 5
    class_: str = "real"
    answer: str = DONE
    per_call: int = 1
    quality: int = 10

    def toml(self) -> str:
        prices = "" if self.cents is None else f'prices = [{{ rate = "{self.cents / 100:.2f}" }}]\n'
        return (
            f'[[model]]\nid = "{self.id}"\nprovider = "{self.provider}"\nroute = "{self.id}"\nkinds = ["{KIND}"]\n'
            f'outputs = ["image/png"]\nunit = "image"\nclass = "{self.class_}"\nper_call = {self.per_call}\n'
            f"quality = {self.quality}\n{prices}"
            'inputs.prompt = { type = "text", required = true }\n'
        )


@dataclass
class Wilful:
    """Answers for each model as its entry says; `sent` are the operations and models that reached it, in order."""

    name: str
    answers: Mapping[str, str]
    sent: list[tuple[str, str]] = field(default_factory=list)
    recovery: Recovery = Recovery.BLIND

    def lacks(self, route: str) -> str:
        return ""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        self.sent.append((task.operation, task.model))
        answer = self.answers[task.model]
        if answer != DONE:
            raise ProviderRefused(answer, f"{self.name} says no")
        return Delivery(tuple(Media(picture(), "image/png", 8, 8) for _ in range(task.outputs)))

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        raise NotImplementedError

    async def find(self, task: Task) -> tuple[Job, ...]:
        return ()

    async def cancel(self, task: Task, job: Job | None) -> bool:
        return False

    async def check(self) -> str:
        return "here"

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Trade:
    """A catalogue of one kind that nobody else does, and the providers of its models."""

    overlay: Path
    providers: Mapping[str, Provider]
    sent: list[tuple[str, str]]


def trade(folder: Path, entries: Iterable[Entry]) -> Trade:
    entries = tuple(entries)
    overlay = folder / "trade.toml"
    overlay.write_text('currency = "USD"\n' + "".join(entry.toml() for entry in entries))
    sent: list[tuple[str, str]] = []
    answers = {entry.id: entry.answer for entry in entries}
    providers: dict[str, Provider] = {one: Wilful(one, answers, sent) for one in {entry.provider for entry in entries}}
    return Trade(overlay, providers, sent)
