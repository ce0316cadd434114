"""What is stored stays readable for ever: golden files of every name, upcasters, and damage that is seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ledger.log import PeriodSnapshot
from domain.account import AccountFact
from domain.errors import InvalidRequest, LogCorrupted
from domain.ledger import Fact, LedgerFact
from domain.operation import (
    OPERATION_FACTS,
    Asked,
    Charged,
    Delivered,
    Held,
    OperationFact,
    ProviderFailed,
    Running,
    Sent,
    State,
    Submitted,
)
from domain.totals import PeriodState
from domain.usage import Usage
from infrastructure.store.facts import NAMES, UPCASTERS, FactMapper, Upcaster
from tests.infrastructure.store.examples import EXAMPLES, NOVEMBER, NOW, OPERATION, QUOTE

GOLDEN = Path(__file__).with_name("golden")
SHAPES = {*get_args(AccountFact), *get_args(LedgerFact), *OPERATION_FACTS}
SUBMITTED = Submitted(OPERATION, NOW, "job-9")
BROKEN = (b"", b"{", b"null", b"[]", b"\xff", b'{"operation":"\xff"}', b"{}", b'{"at":1e400}')


@dataclass(frozen=True)
class Golden:
    """A golden file: a stored name, its bytes as they were written, and the fact they mean today."""

    name: str
    state: str
    fact: str


def golden(name: str) -> Golden:
    return Golden(**json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8")))


GOLDEN_NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))


@pytest.mark.parametrize("fact", EXAMPLES, ids=lambda fact: type(fact).__name__)
def test_a_fact_is_written_as_msgspec_writes_it_whatever_was_written_before(fact: Fact) -> None:
    mapper, plain = FactMapper(), msgspec.json.Encoder(decimal_format="{:f}".format)
    written = msgspec.json.encode(without_what_is_rare(msgspec.json.decode(plain.encode(fact)), fact))
    assert [mapper.encode(one)[1] for one in (*EXAMPLES, fact, fact)][-2:] == [written] * 2


def without_what_is_rare(document: dict[str, Any], fact: Fact) -> dict[str, Any]:
    """A fact about an operation without the fields that are left out if they say nothing."""
    for field in fields(fact):
        if field.metadata.get("spare") and document[field.name] is None:
            del document[field.name]
    if not isinstance(fact, OperationFact):
        return document
    for name, blank in BLANK.items():
        if document.get(name, UNSAID) == blank and not (name == "usage" and isinstance(fact, ProviderFailed)):
            del document[name]
    for name, blank in BLANK_IN_QUOTES.items():
        if document.get("quote", {}).get(name, UNSAID) == blank:
            del document["quote"][name]
    return document


UNSAID = object()
BLANK: dict[str, Any] = {"cost_currency": "", "listed": None, "inputs": []}
BLANK |= {"usage": {}, "lost": 0, "losses": {}, "rough": False, "unlike": 0}
BLANK_IN_QUOTES: dict[str, Any] = {"meters": [], "listed": None, "model_class": "real", "sale": None}


@pytest.mark.parametrize("fact", EXAMPLES, ids=lambda fact: type(fact).__name__)
def test_what_a_fact_spares_takes_no_room_and_means_none(fact: Fact) -> None:
    spare: dict[str, Any] = {field.name: None for field in fields(fact) if field.metadata.get("spare")}
    mapper, without = FactMapper(), replace(fact, **spare)
    name, state = mapper.encode(without)
    assert not any(f'"{one}":' in state.decode() for one in spare if one not in ("drawn", "back"))
    assert (b'"drawn"' in state, b'"back"' in state) == (False, False)
    assert mapper.decode(name, state) == without


def test_what_a_fact_carries_is_its_own_operation_however_alike_another_was() -> None:
    mapper, moved = FactMapper(), replace(OPERATION, model="other", provider="elsewhere")
    written = [mapper.encode(replace(SUBMITTED, operation=one))[1] for one in (OPERATION, moved, OPERATION)]
    assert written == [msgspec.json.encode(replace(SUBMITTED, operation=one)) for one in (OPERATION, moved, OPERATION)]


@pytest.fixture
def mapper() -> FactMapper:
    return FactMapper()


@pytest.mark.parametrize("name", GOLDEN_NAMES)
def test_what_was_stored_means_today_what_its_golden_file_says(mapper: FactMapper, name: str) -> None:
    file = golden(name)
    assert file.name == name
    assert repr(mapper.decode(name, file.state.encode())) == file.fact


@pytest.mark.parametrize("name", NAMES)
def test_a_fact_is_stored_as_its_golden_file_says_until_it_gets_a_new_name(mapper: FactMapper, name: str) -> None:
    state = golden(name).state.encode()
    assert mapper.encode(mapper.decode(name, state)) == (name, state)


def test_every_name_ever_stored_has_a_golden_file_and_can_be_read() -> None:
    assert set(GOLDEN_NAMES) == set(NAMES) | set(UPCASTERS)


def test_every_fact_has_exactly_one_name() -> None:
    assert sorted(NAMES.values(), key=repr) == sorted(SHAPES, key=repr)


def test_every_fact_has_an_example() -> None:
    assert [type(fact) for fact in EXAMPLES] == list(NAMES.values())


def test_a_retired_name_leads_to_one_in_use() -> None:
    assert not set(UPCASTERS) & set(NAMES)
    for retired in UPCASTERS:
        walked = [retired]
        while walked[-1] in UPCASTERS:
            walked.append(UPCASTERS[walked[-1]][0])
            assert len(walked) == len(set(walked)), "upcasters that go round in a circle"
        assert walked[-1] in NAMES


@pytest.mark.parametrize("fact", EXAMPLES, ids=lambda fact: type(fact).__name__)
def test_a_fact_comes_back_as_it_was(mapper: FactMapper, fact: Fact) -> None:
    assert mapper.decode(*mapper.encode(fact)) == fact


# Upcasters, on a history that never was: "submitted" named its job "id", then "job" without an instant of its own.


def renamed(document: dict[str, Any]) -> dict[str, Any]:
    document["job"] = document.pop("id")
    return document


def dated(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "at": document["operation"]["period"]["start"]}


INVENTED: Mapping[str, Upcaster] = {
    "operation.submitted": ("operation.submitted.2", renamed),
    "operation.submitted.2": ("operation.submitted.3", dated),
}
INVENTED_NAMES: Mapping[str, type[Fact]] = {"operation.submitted.3": Submitted, "operation.charged.2": Charged}


def test_an_old_fact_walks_through_every_upcaster_to_todays_shape(mapper: FactMapper) -> None:
    document = json.loads(mapper.encode(SUBMITTED)[1])
    del document["at"]
    document["id"] = document.pop("job")
    later = FactMapper(names=INVENTED_NAMES, upcasters=INVENTED)
    expected = Submitted(OPERATION, NOVEMBER.start, "job-9")
    assert later.decode("operation.submitted", json.dumps(document).encode()) == expected
    document["job"] = document.pop("id")
    assert later.decode("operation.submitted.2", json.dumps(document).encode()) == expected
    assert later.encode(expected)[0] == "operation.submitted.3"


def test_an_upcast_fact_keeps_exact_decimals(mapper: FactMapper) -> None:
    charged = next(fact for fact in EXAMPLES if isinstance(fact, Charged))
    upcasters = {"operation.charged.0": ("operation.charged", lambda document: document)}
    state = mapper.encode(charged)[1]
    decoded = FactMapper(upcasters=upcasters).decode("operation.charged.0", state)
    assert decoded == charged
    assert isinstance(decoded, Charged)
    assert type(decoded.units) is Decimal


@pytest.mark.parametrize("state", BROKEN)
def test_an_old_fact_that_an_upcaster_cannot_read_is_corruption(state: bytes) -> None:
    later = FactMapper(names=INVENTED_NAMES, upcasters=INVENTED)
    with pytest.raises(LogCorrupted):
        later.decode("operation.submitted", state)


def test_an_upcaster_that_leads_nowhere_is_an_error_not_a_guess(mapper: FactMapper) -> None:
    astray = FactMapper(names={}, upcasters={"operation.submitted": ("operation.gone", lambda document: document)})
    with pytest.raises(LogCorrupted):
        astray.decode("operation.submitted", mapper.encode(SUBMITTED)[1])


# Damage


def test_an_unknown_name_is_corruption(mapper: FactMapper) -> None:
    with pytest.raises(LogCorrupted, match=r"operation\.paid") as refused:
        mapper.decode("operation.paid", b"{}")
    assert refused.value.hint


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("state", BROKEN)
def test_broken_bytes_are_corruption(mapper: FactMapper, name: str, state: bytes) -> None:
    with pytest.raises(LogCorrupted, match=name):
        mapper.decode(name, state)


@given(st.sampled_from(EXAMPLES), st.data())
def test_whatever_byte_is_changed_a_fact_is_read_or_it_is_corruption(fact: Fact, data: st.DataObject) -> None:
    mapper = FactMapper()
    name, state = mapper.encode(fact)
    at = data.draw(st.integers(0, len(state) - 1))
    damaged = state[:at] + data.draw(st.binary(max_size=3)) + state[at + 1 :]
    with suppress(LogCorrupted):
        assert type(mapper.decode(name, damaged)) is type(fact)


def test_a_period_that_ends_before_it_begins_is_corruption(mapper: FactMapper) -> None:
    name, state = mapper.encode(SUBMITTED)
    with pytest.raises(LogCorrupted):
        mapper.decode(name, state.replace(str(NOVEMBER.end).encode(), b"1"))


# What cannot be recorded


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", '"\x00', "\\\x00"])
def test_text_that_a_database_cannot_hold_is_refused_before_it_is_stored(mapper: FactMapper, text: str) -> None:
    with pytest.raises(InvalidRequest):
        mapper.encode(ProviderFailed(OPERATION, NOW, text))


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_all_other_text_is_stored_exactly(text: str) -> None:
    mapper, fact = FactMapper(), ProviderFailed(OPERATION, NOW, text)
    name, state = mapper.encode(fact)
    assert mapper.decode(name, state) == fact
    assert json.loads(state)["code"] == text


def test_text_that_only_looks_like_a_nul_is_stored(mapper: FactMapper) -> None:
    fact = ProviderFailed(OPERATION, NOW, r"\u0000")
    assert mapper.decode(*mapper.encode(fact)) == fact


# Snapshots

OPEN: tuple[State, ...] = (
    Asked(OPERATION),
    Held(OPERATION, QUOTE, 1),
    Sent(OPERATION, QUOTE, 1, "host:1"),
    Running(OPERATION, QUOTE, 1, "job-9"),
    Delivered(OPERATION, QUOTE, 2, None),
)


def snapshot() -> PeriodSnapshot:
    period = PeriodState(NOVEMBER, 5, {"account": Usage({"images": 1}, {"spend": 80_000})}, volume={"family:images": 3})
    period.open = {
        f"op-{n}": replace(state, operation=replace(OPERATION, id=f"op-{n}")) for n, state in enumerate(OPEN)
    }
    return PeriodSnapshot("ledger:acme:1", 7, b"\x01" * 32, period)


def test_a_snapshot_comes_back_with_every_kind_of_open_operation(mapper: FactMapper) -> None:
    assert mapper.decode_snapshot("ledger:acme:1", 7, mapper.encode_snapshot(snapshot())) == snapshot()


@pytest.mark.parametrize("state", BROKEN)
def test_a_damaged_snapshot_is_ignored(mapper: FactMapper, state: bytes) -> None:
    assert mapper.decode_snapshot("ledger:acme:1", 7, state) is None


def test_a_snapshot_of_another_place_or_schema_is_ignored(mapper: FactMapper) -> None:
    state = mapper.encode_snapshot(snapshot())
    assert mapper.decode_snapshot("ledger:acme:2", 7, state) is None
    assert mapper.decode_snapshot("ledger:acme:1", 8, state) is None
    assert mapper.decode_snapshot("ledger:acme:1", 7, state.replace(b'"schema":9', b'"schema":8')) is None
    assert mapper.decode_snapshot("ledger:acme:1", 7, state.replace(b'"end":', b'"end":-')) is None
