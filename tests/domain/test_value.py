"""Values are frozen dataclasses like any other; only how they are filled differs."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace

import msgspec
import pydantic
import pytest

from domain.operation import OPERATION_FACTS, Stored
from domain.value import maker, value


@value
class Place:
    name: str
    rank: int = 1
    signs: list[str] = field(default_factory=list)


@value
class Town(Place):
    people: int = 0

    def __post_init__(self) -> None:
        if self.people < 0:
            raise ValueError("nobody is less than nobody")


TOWN = Town("Ulm", 2, ["minster"], people=130_000)


def test_every_field_is_what_was_given_or_else_its_default() -> None:
    assert (TOWN.name, TOWN.rank, TOWN.signs, TOWN.people) == ("Ulm", 2, ["minster"], 130_000)
    assert asdict(Town("Bonn")) == {"name": "Bonn", "rank": 1, "signs": [], "people": 0}


def test_a_factory_makes_each_its_own() -> None:
    assert Place("a").signs is not Place("b").signs


@pytest.mark.parametrize("name", ["name", "people", "invented", "__class__"])
def test_nothing_can_be_changed_or_taken_away(name: str) -> None:
    with pytest.raises((FrozenInstanceError, TypeError)):
        setattr(TOWN, name, "other")
    with pytest.raises((FrozenInstanceError, TypeError)):
        delattr(TOWN, name)


def test_it_is_of_its_own_class_and_equal_by_its_values() -> None:
    assert type(TOWN) is Town
    assert Town("Ulm", 2, ["minster"], 130_000) == TOWN
    assert Town("Ulm", 2, ["minster"], 1) != TOWN
    assert repr(TOWN) == "Town(name='Ulm', rank=2, signs=['minster'], people=130000)"


def test_its_own_check_is_made_on_the_finished_record() -> None:
    with pytest.raises(ValueError, match="nobody"):
        Town("Atlantis", people=-1)
    with pytest.raises(ValueError, match="nobody"):
        replace(TOWN, people=-1)


def test_it_can_be_replaced_copied_and_sent_to_another_process() -> None:
    assert replace(TOWN, people=5) == Town("Ulm", 2, ["minster"], 5)
    assert copy.deepcopy(TOWN) == TOWN
    assert pickle.loads(pickle.dumps(Stored("a" * 64, "image/png", 5))) == Stored("a" * 64, "image/png", 5)


def test_it_takes_what_its_dataclass_takes_and_nothing_else() -> None:
    assert list(inspect.signature(Town).parameters) == ["name", "rank", "signs", "people"]
    with pytest.raises(TypeError, match="unexpected"):
        Town("Ulm", height=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="missing"):
        Town()  # type: ignore[call-arg]


def test_codecs_take_it_for_the_dataclass_it_is() -> None:
    assert is_dataclass(Town)
    assert msgspec.json.decode(msgspec.json.encode(TOWN), type=Town) == TOWN
    reader = pydantic.TypeAdapter(Town)
    assert reader.validate_json(reader.dump_json(TOWN)) == TOWN


def test_a_maker_makes_the_same_as_the_class() -> None:
    make = maker(Town)
    made = make("Ulm", 2, ["minster"], people=130_000)
    assert (made, type(made), make("Bonn")) == (TOWN, Town, Town("Bonn"))
    assert make("a").signs is not make("b").signs
    with pytest.raises(FrozenInstanceError):
        made.rank = 3  # type: ignore[misc]
    with pytest.raises(ValueError, match="nobody"):
        make("Atlantis", people=-1)
    with pytest.raises(TypeError, match="missing"):
        make()  # type: ignore[call-arg]


def test_it_matches_by_position() -> None:
    match TOWN:
        case Town(name, _, signs):
            assert (name, signs) == ("Ulm", ["minster"])


@pytest.mark.parametrize("shape", OPERATION_FACTS, ids=lambda shape: shape.__name__)
def test_no_fact_of_an_operation_can_be_changed(shape: type) -> None:
    fact: object = object.__new__(shape)
    for one in fields(shape):
        with pytest.raises(FrozenInstanceError):
            setattr(fact, one.name, None)
