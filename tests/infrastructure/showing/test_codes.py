"""What a door answers follows from an error's kind, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain import errors
from domain.errors import ImageStudioError, OperationError, StoreError
from domain.meaning import Kind
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
