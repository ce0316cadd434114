"""The names that spans carry: GenAI's where there are such (semantic conventions, status Development), else ours.

Read in open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-spans.md, on 2026-11-30. They have no names for
money, for films or for how many files came: those begin with `imagestudio.`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from application.asking.intake import Admitted
from application.asking.requests import Request
from application.ports import Delivery, Job, Task
from domain.operation import Operation
from infrastructure.telemetry.tracing import Attributes, amount

GENERATE: Final = "generate_content"
"""The well-known operation for content that is not only text."""
USD: Final = "USD"
"""In which providers bill."""
PICTURE, SOUND = "image", "speech"


def asked(request: Request) -> Attributes:
    """A request before anything is known of it."""
    return {
        "imagestudio.account": request.account,
        "imagestudio.kind": request.kind,
        "gen_ai.request.choice.count": request.n,
        "gen_ai.request.model": request.model,
    }


def held(admitted: tuple[Admitted, ...]) -> Attributes:
    """Operations that are held, and for how much in all."""
    quotes = [one.held for one in admitted]
    return {
        "imagestudio.operation": [one.operation.id for one in admitted],
        "gen_ai.provider.name": quotes[0].provider,
        "gen_ai.request.model": quotes[0].model,
        **amount("held", sum(one.price for one in quotes), quotes[0].currency),
    }


def about(operation: Operation) -> Attributes:
    """An operation, but not for whom it is."""
    return {
        "imagestudio.account": operation.account,
        "imagestudio.operation": operation.id,
        "imagestudio.kind": operation.kind,
        "gen_ai.provider.name": operation.provider,
        "gen_ai.request.model": operation.model,
    }


def put(task: Task, provider: str) -> Attributes:
    """A task as it is put to a provider, of its inputs no more than the seed."""
    seed = task.inputs.get("seed")
    return {
        "imagestudio.operation": task.operation,
        "imagestudio.attempt": task.attempt,
        "imagestudio.kind": task.kind,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": task.model,
        "gen_ai.request.choice.count": task.outputs,
        "gen_ai.request.seed": seed if isinstance(seed, int) else None,
        "gen_ai.output.type": _sort(task),
    }


def answered(answer: Delivery | Job) -> Attributes:
    """A provider's answer: its job, or what it counted and bills."""
    if isinstance(answer, Job):
        return {"gen_ai.response.id": answer.id}
    return {
        "imagestudio.outputs": len(answer.outputs),
        "gen_ai.usage.input_tokens": _counted(answer.usage, "input"),
        "gen_ai.usage.output_tokens": _counted(answer.usage, "output"),
        **amount("billed", answer.cost, USD),
    }


def _counted(usage: Mapping[str, int], way: str) -> int | None:
    """The tokens of one way, whatever they were for; None if the provider counted none."""
    found = [count for meter, count in usage.items() if meter.endswith(way)]
    return sum(found) if found else None


def _sort(task: Task) -> str | None:
    """In GenAI's words, which have none for films and models."""
    sort = task.media_types[0].partition("/")[0] if task.media_types else ""
    return {"image": PICTURE, "audio": SOUND}.get(sort)
