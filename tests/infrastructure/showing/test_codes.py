"""What a door answers follows from an error's kind, and from nothing else."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from domain import errors
from domain.advice import Advice
from domain.errors import ImageStudioError, OperationError, StoreError
from domain.meaning import Kind
from domain.refusals import Refusal, Unapproved
from infrastructure.showing.codes import EXIT_CODES, STATUSES

EXITS = {
    "InvalidRequest": 2,
    "CatalogueError": 2,
    "PluginError": 2,
    "OperationRefused": 3,
    "OperationFailed": 4,
    "ProviderUnavailable": 4,
    "OperationPending": 5,
    "StoreError": 6,
    "Defect": 6,
    "ForeignAnswer": 6,
    "Overloaded": 1,
    "ShuttingDown": 1,
    "AccountMoved": 6,
}
"""The exit code of each branch of the tree, as scripts rely on it."""


def classes(error: type[ImageStudioError] = ImageStudioError) -> Iterator[type[ImageStudioError]]:
    for each in error.__subclasses__():
        yield each
        yield from classes(each)


RAISED = [each for each in classes() if each is not OperationError]
GIVEN: dict[str, Any] = {
    "message": "cannot be",
    "hint": (Advice("account.open", account="acme"), "wait"),
    "field": "prompt",
    "operation": "operation-1",
    "setting": "IMAGESTUDIO_MOST_WAITING",
    "most": Decimal("1.5"),
    "refusal": Refusal(rule="limit", measure="outputs", limit=2, asked=3, used=0, held=0, left=2),
    "waiting": Unapproved(api_key="key-1", kind="generate", outputs=1, model="a", price=1, currency="USD"),
    "account": "acme",
    "to": "second",
    "seconds": 3,
    "inner": "the disk is full",
}
"""What errors are built from, by the names of their parameters."""


def process_copy(error: ImageStudioError) -> ImageStudioError:
    again: ImageStudioError = pickle.loads(pickle.dumps(error))
    return again


@pytest.mark.parametrize("error", RAISED, ids=lambda error: error.__name__)
def test_a_class_exits_as_the_branch_it_is_on(error: type[ImageStudioError]) -> None:
    branch = next(each.__name__ for each in error.__mro__ if each.__name__ in EXITS)
    assert EXIT_CODES[error.kind] == EXITS[branch]


@pytest.mark.parametrize("answers", [EXIT_CODES, STATUSES], ids=["exit codes", "statuses"])
def test_every_kind_has_an_answer(answers: dict[Kind, int]) -> None:
    assert answers.keys() == set(Kind)


def test_only_a_fault_of_ours_is_a_status_of_the_servers() -> None:
    faults = {kind for kind, status in STATUSES.items() if status >= 500}
    assert faults == {Kind.FAILED, Kind.UNAVAILABLE, Kind.BROKEN, Kind.OVERLOADED}
    assert {error.kind for error in RAISED if issubclass(error, StoreError)} <= {*faults, Kind.GONE}


def test_every_kind_is_an_errors() -> None:
    assert {error.kind for error in vars(errors).values() if isinstance(error, type) and error in RAISED} == set(Kind)


@pytest.mark.parametrize(
    "copied", [process_copy, copy.copy, copy.deepcopy], ids=["another process", "copy", "deep copy"]
)
@pytest.mark.parametrize("error", RAISED, ids=lambda error: error.__name__)
def test_an_error_says_the_same_in_another_process(
    error: type[ImageStudioError], copied: Callable[[ImageStudioError], ImageStudioError]
) -> None:
    one = error(**{name: GIVEN[name] for name in inspect.signature(error).parameters})
    again = copied(one)
    assert type(again) is error
    assert (str(again), again.hint, again.code, again.kind) == (str(one), one.hint, one.code, one.kind)
    assert vars(again) == vars(one)
    assert again.hint
