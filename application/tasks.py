"""What a provider is handed: an operation's inputs in the provider's own names, with what its model always sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from application.ports import Media, Scalar, Task, Value
from domain.catalogue import Model
from domain.inputs import Input, InputType
from domain.operation import Operation


def task_of(
    operation: Operation,
    attempt: int,
    model: Model,
    outputs: int,
    inputs: Mapping[str, Scalar],
    media: Mapping[str, tuple[Media, ...]],
    since: int,
) -> Task:
    """The task of one submission; `since` is the instant before which it was not sent."""
    return replace(
        outline(model, operation.kind, outputs, inputs, media),
        operation=operation.id,
        attempt=attempt,
        first=place_of(operation.id, operation.batch) * model.per_call,
        since=since,
    )


def outline(
    model: Model,
    kind: str,
    outputs: int,
    inputs: Mapping[str, Scalar],
    media: Mapping[str, tuple[Media, ...]],
) -> Task:
    """A task before there is an operation, such as one to be quoted."""
    names = {name: spec.wire_name for name, spec in model.inputs.items()}
    values = {names[name]: _value(model.inputs[name], value) for name, value in inputs.items()}
    return Task(
        "",
        0,
        kind,
        model.id,
        model.route,
        outputs,
        {**model.fixed, **values},
        {names[name]: files for name, files in media.items()},
        many=frozenset(names[name] for name, spec in model.inputs.items() if spec.many > 1),
        media_types=model.outputs,
        deadline=model.deadline,
    )


def operation_ids(batch: str, count: int) -> tuple[str, ...]:
    """An operation alone is its own batch; of several the ids are BATCH.1, BATCH.2, …"""
    return (batch,) if count == 1 else tuple(f"{batch}.{number}" for number in range(1, count + 1))


def place_of(operation: str, batch: str) -> int:
    """How many operations of its batch come before this one."""
    return 0 if operation == batch else int(operation.removeprefix(f"{batch}.")) - 1


def _value(spec: Input, value: Scalar) -> Value:
    return Decimal(value) if spec.type is InputType.DECIMAL and isinstance(value, str) else value
