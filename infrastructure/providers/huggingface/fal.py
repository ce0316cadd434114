"""The dialect of fal's queue behind this router: flat JSON in, and a request that is waited for by its path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx

from application.ports import Job, ProviderRefused, Task, Value
from infrastructure.wire.answers import Unreadable
from infrastructure.wire.content import data_uri

NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)+")
JOB: Final = re.compile(rf"{NAME.pattern}/requests/[\w-]+")


def name_of(mapping: object) -> str:
    """fal's name for a model, from the Hub's table of services. Raises ProviderRefused."""
    entry = entry_of(mapping, "fal-ai")
    name = entry.get("providerId")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ProviderRefused("unknown_model", "fal does not serve this model, as the Hub says")
    if entry.get("adapterWeightsPath"):
        raise ProviderRefused("unknown_model", "the model adapts another one, which is not supported through fal")
    return name


def entry_of(mapping: object, service: str) -> Mapping[str, Any]:
    """The entry of one service in the Hub's table, which has two shapes; empty if there is none."""
    if isinstance(mapping, list):
        mapping = {str(entry.get("provider")): entry for entry in mapping if isinstance(entry, dict)}
    entry = mapping.get(service) if isinstance(mapping, dict) else None
    return entry if isinstance(entry, dict) else {}


def body(task: Task, inputs: Mapping[str, Value]) -> dict[str, object]:
    """The JSON of one request: files as data URIs under `{name}_url`, the one image under `image_urls` as well."""
    fields: dict[str, object] = dict(inputs)
    if task.kind == "text-to-image" and {"width", "height"} <= fields.keys():
        fields["image_size"] = {side: fields.pop(side) for side in ("width", "height")}
    if task.outputs > 1:
        fields["num_images"] = task.outputs
    for name, files in task.media.items():
        uris = [data_uri(file) for file in files]
        fields |= {f"{name}_url": uris[0]}
        fields |= {f"{name}_urls": uris} if name == "image" else {}
    return fields


def job(reply: Mapping[str, Any]) -> Job:
    """The request's path in the queue, which is that of the app and so may be shorter than the model's name; the
    host that the reply names is fal's own, for which we have no key."""
    try:
        path = httpx.URL(str(reply.get("response_url", ""))).path.strip("/")
    except httpx.InvalidURL as error:
        raise Unreadable("the provider's answer names no job") from error
    if not JOB.fullmatch(path):
        raise Unreadable("the provider's answer names no job")
    return Job(path)
