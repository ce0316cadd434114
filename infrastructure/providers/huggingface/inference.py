"""The dialect of Hugging Face's own inference: {"inputs", "parameters"} in, a file out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx

from application.ports import Media, Task, Value
from infrastructure.wire.answers import Answer, ApiProblem, Unreadable
from infrastructure.wire.content import encode_base64

SOURCE: Final = "image"
"""The file that a task is about; without one it is about its prompt."""


def body(task: Task, inputs: Mapping[str, Value]) -> dict[str, object]:
    """The JSON of one call; a file is base64 without a type, and a film avoids a list of things."""
    files = {name: _encoded(media) for name, media in task.media.items()}
    parameters: dict[str, object] = {**inputs, **files}
    if task.kind == "text-to-video" and "negative_prompt" in parameters:
        parameters["negative_prompt"] = [parameters["negative_prompt"]]
    subject = parameters.pop(SOURCE if SOURCE in files else "prompt", "")
    return {"inputs": subject, "parameters": parameters}


def explain(answer: Answer) -> ApiProblem:
    """Errors are {"error"}; 503 with an estimated time is a model that is being loaded, for which nothing waits."""
    try:
        reply = answer.object()
    except Unreadable:
        return ApiProblem()
    words = str(reply.get("error", ""))
    if answer.status == httpx.codes.SERVICE_UNAVAILABLE and "estimated_time" in reply:
        return ApiProblem(words, "loading", refused=True)
    return ApiProblem(words)


def _encoded(files: tuple[Media, ...]) -> str | list[str]:
    texts = [encode_base64(file.content) for file in files]
    return texts[0] if len(texts) == 1 else texts
