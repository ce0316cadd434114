"""Tasks for providers: an operation's inputs in the provider's own names, with what its model always sends."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from application.ports import Media, Scalar, Task, Value
from domain.catalogue import FileInfo, Model
from domain.inputs import Input, InputType
from domain.operation import Operation
from domain.promises import promised
from domain.value import maker

TIMED = frozenset({InputType.VIDEO, InputType.AUDIO})
"""Files that may decide how long an output is."""


_make_task = maker(Task)


def task_of(
    operation: Operation,
    attempt: int,
    model: Model,
    outputs: int,
    inputs: Mapping[str, Scalar],
    media: Mapping[str, tuple[Media, ...]],
    since: int,
    *,
    before: int = 0,
) -> Task:
    """The task of one submission; `since` is the instant before which it was not sent.

    `before` operations of the batch come before it and have other inputs: it is numbered among its like.
    """
    first = (place_in_batch(operation.id, operation.batch) - before) * model.per_call
    return _task(model, operation.kind, outputs, inputs, media, (operation.id, attempt), first, since)


def outline(
    model: Model,
    kind: str,
    outputs: int,
    inputs: Mapping[str, Scalar],
    media: Mapping[str, tuple[Media, ...]],
) -> Task:
    """A task before there is an operation, such as one to be quoted."""
    return _task(model, kind, outputs, inputs, media, ("", 0), 0, 0)


def _task(
    model: Model,
    kind: str,
    outputs: int,
    inputs: Mapping[str, Scalar],
    media: Mapping[str, tuple[Media, ...]],
    submission: tuple[str, int],
    first: int,
    since: int,
) -> Task:
    specs = model.inputs
    values: dict[str, Value] = dict(model.fixed)
    for name, value in inputs.items():
        spec = specs[name]
        values[spec.wire_name] = _value(spec, value)
    files = {specs[name].wire_name: several for name, several in media.items()}
    many = frozenset(specs[name].wire_name for name in media if specs[name].many > 1)
    exactly = promised(inputs, timed=bool(media) and any(specs[name].type in TIMED for name in media))
    operation, attempt = submission
    terms = (model.outputs, model.deadline, since, exactly)
    return _make_task(operation, attempt, kind, model.id, model.route, outputs, values, files, first, many, *terms)


def facts_of_media(media: Media) -> FileInfo:
    """The facts of a file by which it is checked and priced."""
    return FileInfo(media.media_type, len(media.content), media.width, media.height, media.duration_ms)


def operation_ids(batch: str, count: int) -> tuple[str, ...]:
    """An operation alone is its own batch; of several the ids are BATCH.1, BATCH.2, …"""
    return (batch,) if count == 1 else tuple(f"{batch}.{number}" for number in range(1, count + 1))


def place_in_batch(operation: str, batch: str) -> int:
    """How many operations of its batch come before this one."""
    return 0 if operation == batch else int(operation.removeprefix(f"{batch}.")) - 1


def _value(spec: Input, value: Scalar) -> Value:
    return Decimal(value) if spec.type is InputType.DECIMAL and isinstance(value, str) else value
