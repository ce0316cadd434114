"""Whose turn it is: accounts take turns, and nobody's ten thousand hold up another's first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from domain.turns import PRIORITIES, Queued, choose

HIGH, NORMAL, LOW = range(len(PRIORITIES))


def line(account: str, count: int, *, provider: str = "atelier", place: int = NORMAL, served: int = 0) -> list[Queued]:
    return [Queued(f"{account}-{place}-{number:06}", account, provider, place, served) for number in range(count)]


def accounts_of(chosen: list[Queued]) -> list[str]:
    return [one.account for one in chosen]


def test_ten_thousand_of_one_account_do_not_hold_up_anothers_first() -> None:
    chosen = choose([*line("crowd", 10_000), *line("late", 2, served=5)], 5)
    assert accounts_of(chosen) == ["crowd", "late", "crowd", "late", "crowd"]


def test_the_account_that_was_served_longest_ago_comes_first() -> None:
    waiting = [*line("a", 2, served=30), *line("b", 2, served=10), *line("c", 2, served=20)]
    assert accounts_of(choose(waiting, 4)) == ["b", "c", "a", "b"]


def test_within_an_account_priority_goes_before_age() -> None:
    waiting = [*line("a", 2, place=LOW), *line("a", 1), *line("a", 2, place=HIGH)]
    assert [one.place for one in choose(waiting, 5)] == [HIGH, HIGH, NORMAL, LOW, LOW]
    assert [one.operation for one in choose(waiting, 2)] == ["a-0-000000", "a-0-000001"]


def test_a_high_priority_of_one_account_does_not_go_before_another_account() -> None:
    assert accounts_of(choose([*line("a", 3, place=HIGH, served=2), *line("b", 1, place=LOW, served=1)], 2)) == [
        "b",
        "a",
    ]


def test_a_provider_without_room_holds_up_nothing_at_others() -> None:
    waiting = [*line("a", 5, provider="full", place=HIGH), *line("a", 2), *line("b", 2, provider="tight", served=9)]
    chosen = choose(waiting, 9, {"full": 0, "tight": 1})
    assert [(one.account, one.provider) for one in chosen] == [("a", "atelier"), ("b", "tight"), ("a", "atelier")]


@dataclass(frozen=True)
class Case:
    waiting: list[Queued]
    most: int
    rooms: dict[str, int]


PROVIDERS = ("p", "q", "r")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    served = draw(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 5), min_size=1))
    row = st.tuples(st.sampled_from(sorted(served)), st.sampled_from(PROVIDERS), st.integers(HIGH, LOW))
    rows = draw(st.lists(row, max_size=40))
    waiting = [
        Queued(f"{number:03}", account, provider, place, served[account])
        for number, (account, provider, place) in enumerate(rows)
    ]
    shuffled = draw(st.permutations(waiting))
    return Case(
        shuffled, draw(st.integers(0, 45)), draw(st.dictionaries(st.sampled_from(PROVIDERS), st.integers(0, 4)))
    )


def fits(one: Queued, taken: Counter[str], rooms: dict[str, int]) -> bool:
    return taken[one.provider] < rooms.get(one.provider, len(taken) + 100)


@given(cases())
def test_every_choice_takes_turns_in_order_and_leaves_nothing_that_could_be_begun(case: Case) -> None:
    chosen = choose(case.waiting, case.most, case.rooms)
    assert len(chosen) == len(set(chosen)) <= case.most
    assert set(chosen) <= set(case.waiting)
    taken: Counter[str] = Counter()
    turns: Counter[str] = Counter()
    left = set(case.waiting)
    for one in chosen:
        could = [other for other in left if fits(other, taken, case.rooms)]
        order = [(turns[other.account], other.served if not turns[other.account] else 0) for other in could]
        assert (turns[one.account], one.served if not turns[one.account] else 0) == min(order)
        own = [other for other in could if other.account == one.account]
        assert one == min(own, key=lambda other: (other.place, other.operation))
        taken[one.provider] += 1
        turns[one.account] += 1
        left.remove(one)
    if len(chosen) < case.most:
        assert not [other for other in left if fits(other, taken, case.rooms)]
