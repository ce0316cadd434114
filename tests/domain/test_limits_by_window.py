"""Limits by hour, day and life: what counts in which, what is refused by which, and what is free again when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from domain.account import LimitChanged, TimeZoneChanged
from domain.admission import Leeway, accept, refusal_now, reroute
from domain.beginning import change_limits, needed_since
from domain.counting import LimitStanding, left_of, limit_standings, projection
from domain.errors import InvalidInput
from domain.ledger import Fact, Ledger, PeriodOpened, known_account
from domain.limiting import change_limit, inherit_limit
from domain.openings import Terms, open_account
from domain.operation import Adjusted, Dispatched, Rejected, Released, Requested, Rerouted, Validated
from domain.periods import Period
from domain.plans import Limits, Plan
from domain.refusals import Refusal
from domain.settlement import adjust, complete, fail, release
from domain.terms import change_plan
from domain.windowed import LifeCounted, LifeMoved, Taken, WindowOpened
from tests.domain.examples import (
    APRIL,
    BILLED,
    CENT,
    DOLLAR,
    HOUR,
    IMAGE,
    IN_MAY,
    MAY,
    NOON,
    OPENED,
    UNLIMITED,
    after,
    ask,
    limited,
    priced,
    recorded,
)
from tests.domain.wall_clocks import DAY, MINUTE, utc

TODAY = Period(utc("2026-04-10"), utc("2026-04-11"))
THIS_HOUR = Period(utc("2026-04-10T12:00"), utc("2026-04-10T13:00"))
TOMORROW = NOON + DAY
ONE = priced(CENT, 1)


def asked(ledger: Ledger, id: str, at: int, quote: object = ONE, **changes: object) -> list[Fact]:
    """What a request for one operation records, applied."""
    facts = accept(ledger, ask(id, quote=quote, **changes), at)  # type: ignore[arg-type]
    after(ledger, facts)
    return facts


def completed(ledger: Ledger, id: str, at: int) -> list[Fact]:
    facts = complete(ledger, id, (IMAGE,), None, at)
    after(ledger, facts)
    return facts


def shown(ledger: Ledger, at: int) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Used, held and left by the account's own limit of each measure and window."""
    found = limit_standings(ledger, "acme", at)
    return {(one.window, one.measure): (one.used, one.held, one.left) for one in found if one.scope == "account"}


def kinds(facts: Iterable[Fact]) -> list[type[Fact]]:
    return [type(fact) for fact in facts]


def told(facts: Iterable[Fact]) -> list[tuple[str, str, str, int | None]]:
    return [(one.window, one.scope, one.measure, one.resets_at) for one in facts if isinstance(one, Rejected)]


# Hours and days


def test_the_first_operation_of_a_day_begins_it_by_a_fact_and_the_next_does_not() -> None:
    ledger = recorded(BILLED, limited("images", 3, window="day"))

    assert WindowOpened("acme", NOON, APRIL, "day", TODAY) in asked(ledger, "a", NOON)
    assert kinds(asked(ledger, "b", NOON + HOUR)) == [Requested, Validated, Dispatched]


def test_an_account_without_such_limits_has_no_such_facts_and_no_such_totals() -> None:
    ledger = recorded(BILLED)
    asked(ledger, "a", NOON)

    assert ledger.current is not None
    assert ledger.current.windows is None


def test_a_day_is_used_up_by_what_is_held_and_charged_in_it_and_begins_anew() -> None:
    ledger = recorded(UNLIMITED, limited("images", 2, window="day"))
    asked(ledger, "a", NOON)
    completed(ledger, "a", NOON)
    asked(ledger, "b", NOON)
    assert shown(ledger, NOON)["day", "images"] == (1, 1, 0)

    refused = asked(ledger, "c", NOON + HOUR)
    assert told(refused) == [("day", "account", "images", TODAY.end)]
    assert kinds(asked(ledger, "d", TODAY.end))[0] is WindowOpened
    assert shown(ledger, TODAY.end)["day", "images"] == (0, 1, 1)
    assert left_of(ledger, "ann", None, TODAY.end + DAY)["images"] == 2


def test_a_refusal_names_the_narrowest_limit_that_is_passed() -> None:
    """All four leave one; the hour is told, then the day, the period and the life, as each is widened."""
    ledger = recorded(UNLIMITED, *(limited("images", 1, window=one) for one in ("life", "period", "day", "hour")))
    asked(ledger, "a", NOON)
    ends = {"hour": THIS_HOUR.end, "day": TODAY.end, "period": APRIL.end, "life": None}
    for number, (window, end) in enumerate(ends.items()):
        assert told(asked(ledger, f"b{number}", NOON)) == [(window, "account", "images", end)]
        after(ledger, [limited("images", None, window=window)])
    assert told(asked(ledger, "c", NOON)) == []


def test_all_windows_are_checked_for_every_scope_and_the_refusal_has_all_figures() -> None:
    ledger = recorded(
        UNLIMITED, limited("spend", 3 * CENT, "user:ann", "hour"), limited("spend", 2 * CENT, "project:site", "day")
    )
    asked(ledger, "a", NOON, user="bob")
    asked(ledger, "b", NOON)
    assert told(asked(ledger, "c", NOON)) == [("day", "project:site", "spend", TODAY.end)]
    refusal = refusal_now(ledger, ask("d", quote=priced(3 * CENT), project=None), NOON)
    assert refusal == Refusal(
        rule="limit",
        scope="user:ann",
        measure="spend",
        window="hour",
        limit=3 * CENT,
        asked=3 * CENT,
        used=0,
        held=CENT,
        left=2 * CENT,
        resets_at=THIS_HOUR.end,
    )


def test_a_batch_is_held_against_the_day_as_a_whole() -> None:
    ledger = recorded(UNLIMITED, limited("images", 3, window="day"))

    assert len(told(accept(ledger, ask("a", "b", "c", "d", quote=ONE), NOON))) == 4
    assert told(accept(ledger, ask("a", "b", "c", quote=ONE), NOON)) == []


def test_a_limit_is_met_by_what_comes_and_not_by_what_is_open_of_a_day_that_is_over() -> None:
    """F6: charged or released late, it moves the day in which it was admitted, if at all."""
    ledger = recorded(UNLIMITED, limited("images", 2, window="day"), limited("spend", DOLLAR, window="hour"))
    for id in ("a", "b"):
        asked(ledger, id, NOON)
    asked(ledger, "c", TOMORROW)
    before = shown(ledger, TOMORROW)
    completed(ledger, "a", TOMORROW)
    after(ledger, release(ledger, "b", "policy", TOMORROW))

    assert shown(ledger, TOMORROW) == before


def test_a_release_within_the_day_frees_it_once() -> None:
    ledger = recorded(UNLIMITED, limited("images", 1, window="day"))
    asked(ledger, "a", NOON)
    after(ledger, fail(ledger, "a", "blocked", 0, NOON))
    after(ledger, fail(ledger, "a", "blocked", 0, NOON))

    assert shown(ledger, NOON)["day", "images"] == (0, 0, 1)


def test_a_refund_within_the_hour_frees_it_and_a_later_one_does_not() -> None:
    ledger = recorded(UNLIMITED, limited("spend", DOLLAR, window="hour"), limited("spend", DOLLAR, window="day"))
    asked(ledger, "a", NOON)
    completed(ledger, "a", NOON)
    back = adjust(ledger, "a", -CENT // 2, 0, "sorry", "t-1", NOON + MINUTE)
    later = adjust(ledger, "a", -CENT // 2, 0, "sorry", "t-2", NOON + 2 * HOUR)

    assert [fact.windows for fact in (*back, *later) if isinstance(fact, Adjusted)] == [("hour", "day"), ("day",)]
    after(ledger, back)
    assert shown(ledger, NOON)["hour", "spend"] == (CENT // 2, 0, DOLLAR - CENT // 2)
    after(ledger, later)
    assert shown(ledger, NOON + 2 * HOUR)["hour", "spend"] == (0, 0, DOLLAR)
    assert shown(ledger, NOON + 2 * HOUR)["day", "spend"] == (0, 0, DOLLAR)


def test_a_fallback_is_held_within_the_hour_and_may_only_shrink_once_that_is_over() -> None:
    ledger = recorded(UNLIMITED, limited("spend", 2 * CENT, window="hour"))
    asked(ledger, "a", NOON)
    dearer, dearest, cheaper = (priced(price, model="spare") for price in (2 * CENT, 3 * CENT, CENT // 2))

    def rerouted(quote: object, at: int) -> list[type[Fact]]:
        leeway = Leeway(most=DOLLAR)
        return kinds(reroute(ledger, "a", quote, "blocked", 2, "desk-1", at, leeway))  # type: ignore[arg-type]

    assert Rerouted in rerouted(dearer, NOON)
    assert Released in rerouted(dearest, NOON)
    assert Released in rerouted(dearer, NOON + HOUR)
    assert Rerouted in rerouted(cheaper, NOON + HOUR)
    after(ledger, reroute(ledger, "a", dearer, "blocked", 2, "desk-1", NOON, Leeway(most=DOLLAR)))
    assert shown(ledger, NOON)["hour", "spend"] == (0, 2 * CENT, 0)


def test_days_follow_the_clock_of_the_zone_to_which_an_account_moves() -> None:
    ledger = recorded(UNLIMITED, limited("images", 1, window="day"))
    asked(ledger, "a", NOON)
    after(ledger, [TimeZoneChanged("acme", NOON, "Asia/Tokyo")])

    assert told(asked(ledger, "b", TODAY.end - 1)) == [("day", "account", "images", TODAY.end)]
    opened = asked(ledger, "c", TODAY.end)[0]
    assert isinstance(opened, WindowOpened)
    assert opened.span == Period(TODAY.end, utc("2026-04-11T15:00"))


def test_a_day_ends_with_its_period_and_the_next_begins_with_the_next() -> None:
    """The account moved: its period still ends at its old midnight, in the middle of a day."""
    ledger = recorded(
        UNLIMITED, limited("images", 1, window="day"), TimeZoneChanged("acme", NOON, "America/Los_Angeles")
    )
    last = APRIL.end - HOUR
    asked(ledger, "a", last)
    opened = asked(ledger, "b", APRIL.end)

    assert kinds(opened)[:2] == [PeriodOpened, WindowOpened]
    assert told(opened) == []
    assert isinstance(opened[1], WindowOpened)
    assert opened[1].span == Period(APRIL.end, utc("2026-05-02T07:00"))


# A limit that is set while something was asked for


def set_limit(ledger: Ledger, at: int, measure: str, limit: int, window: str, scope: str = "account") -> list[Fact]:
    """As the use case does, with the period's facts since the window began."""
    changes = change_limit(known_account(ledger, "acme"), scope, measure, limit, at, window=window)
    since = needed_since(ledger, changes, at)
    ledger.evidence.recent = [fact for fact in LOG if since is not None and fact.at >= since]
    facts = change_limits(ledger, changes, at)
    after(ledger, facts)
    return facts


LOG: list[Fact] = []


def since_yesterday() -> Ledger:
    """Yesterday one image; today one that was charged, one that was released, and one that is held."""
    ledger = recorded((replace(OPENED, at=NOON - 2 * DAY, limits=Limits()),))
    LOG.clear()
    LOG.extend(asked(ledger, "a", NOON - DAY))
    LOG.extend(completed(ledger, "a", NOON - DAY))
    LOG.extend(asked(ledger, "b", NOON - 3 * HOUR))
    LOG.extend(completed(ledger, "b", NOON - 3 * HOUR))
    LOG.extend(asked(ledger, "c", NOON - 2 * HOUR, user="bob"))
    LOG.extend(fail(ledger, "c", "blocked", 0, NOON - 2 * HOUR))
    after(ledger, LOG[-2:])
    LOG.extend(asked(ledger, "d", NOON, user="bob"))
    return ledger


def test_a_limit_holds_at_once_also_for_what_was_asked_before_in_its_day() -> None:
    ledger = since_yesterday()
    facts = set_limit(ledger, NOON + MINUTE, "images", 3, "day")

    day, one = {"images": 1, "spend": CENT}, {"images": 0, "spend": 0}
    assert facts[1:] == [
        WindowOpened(
            "acme",
            NOON + MINUTE,
            APRIL,
            "day",
            TODAY,
            {
                "account": Taken(day, day),
                "user:ann": Taken(day, one),
                "user:bob": Taken({}, day),
                "project:site": Taken(day, day),
            },
        )
    ]
    assert shown(ledger, NOON + MINUTE)["day", "images"] == (1, 1, 1)
    completed(ledger, "d", NOON + MINUTE)
    assert shown(ledger, NOON + MINUTE)["day", "images"] == (2, 0, 1)
    assert shown(ledger, NOON + MINUTE).keys() == {("day", "images")}


def test_a_limit_of_another_scope_in_the_same_day_needs_nothing_more() -> None:
    ledger = since_yesterday()
    set_limit(ledger, NOON + MINUTE, "images", 3, "day")
    assert kinds(set_limit(ledger, NOON + MINUTE, "images", 1, "day", "user:bob")) == [LimitChanged]
    assert [one.left for one in limit_standings(ledger, "acme", NOON + MINUTE) if one.scope == "user:bob"] == [0]


def test_a_limit_that_is_set_before_anything_was_asked_begins_with_the_first_operation() -> None:
    ledger = recorded((OPENED,))
    changes = change_limit(known_account(ledger, "acme"), "account", "images", 1, NOON, window="hour")

    assert (needed_since(ledger, changes, NOON), change_limits(ledger, changes, NOON)) == (None, changes)


# For life


def test_what_counts_for_life_is_carried_from_period_to_period() -> None:
    ledger = recorded(UNLIMITED, limited("images", 3, "user:ann", "life"))
    asked(ledger, "a", NOON)
    completed(ledger, "a", NOON)
    asked(ledger, "b", NOON)
    opened = asked(ledger, "c", IN_MAY)

    held = {"images": 1, "spend": CENT}
    carried = LifeCounted("acme", IN_MAY, MAY, {"user:ann": Taken(held, held, APRIL.start)})
    assert [type(opened[0]), opened[1]] == [PeriodOpened, carried]
    assert told(asked(ledger, "d", IN_MAY)) == [("life", "user:ann", "images", None)]


def test_what_an_ended_periods_operation_takes_for_life_is_known_once_it_ends() -> None:
    ledger = recorded(UNLIMITED, limited("images", 2, window="life"))
    for id in ("a", "b"):
        asked(ledger, id, NOON)
    after(ledger, accept(ledger, ask("c", quote=priced(0, 0)), IN_MAY))
    assert shown(ledger, IN_MAY)["life", "images"] == (0, 2, 0)

    moved = completed(ledger, "a", IN_MAY)[-1]
    assert moved == LifeMoved("acme", IN_MAY, MAY, "a", ("account",), "images", -1, -CENT, 1, CENT, "USD")
    freed = fail(ledger, "b", "blocked", 0, IN_MAY)
    assert isinstance(freed[-1], LifeMoved)
    after(ledger, freed)
    assert fail(ledger, "b", "blocked", 0, IN_MAY) == []
    assert shown(ledger, IN_MAY)["life", "images"] == (1, 0, 1)


def test_a_refund_frees_what_counts_for_life_whenever_it_is_made() -> None:
    ledger = recorded(UNLIMITED, limited("spend", DOLLAR, window="life"))
    asked(ledger, "a", NOON)
    completed(ledger, "a", NOON)
    after(ledger, adjust(ledger, "a", -CENT, 0, "sorry", "t-1", IN_MAY))

    assert shown(ledger, IN_MAY)["life", "spend"] == (0, 0, DOLLAR)


def test_a_limit_for_life_counts_the_whole_period_in_which_it_is_set() -> None:
    ledger = since_yesterday()
    facts = set_limit(ledger, NOON + MINUTE, "images", 3, "life", "project:site")

    assert isinstance(facts[1], LifeCounted)
    assert [(one.used, one.held, one.left) for one in limit_standings(ledger, "acme", NOON + MINUTE)] == [(2, 1, 0)]


def test_it_goes_on_while_there_is_no_limit_so_that_lifting_one_does_not_make_it_begin_anew() -> None:
    ledger = recorded(UNLIMITED, limited("images", 1, window="life"))
    asked(ledger, "a", NOON)
    after(ledger, [limited("images", None, window="life")])
    asked(ledger, "b", IN_MAY)
    after(ledger, [limited("images", 3, window="life")])

    assert shown(ledger, IN_MAY)["life", "images"] == (0, 2, 1)


def test_many_scopes_are_carried_in_facts_that_are_small_enough() -> None:
    ledger = recorded(UNLIMITED, *(limited("images", 3, f"user:u{number}", "life") for number in range(120)))
    for number in range(120):
        asked(ledger, f"op-{number}", NOON, user=f"u{number}")
    carried = [fact for fact in asked(ledger, "later", IN_MAY) if isinstance(fact, LifeCounted)]

    assert [len(fact.taken) for fact in carried] == [50, 50, 20]
    assert len({scope for fact in carried for scope in fact.taken}) == 120


# Terms


def test_a_plan_may_limit_by_other_windows_and_a_change_of_limit_overrides_it() -> None:
    plan = Plan("trial", 0, Limits(images=10), {"day": Limits(images=2), "life": Limits(spend=DOLLAR)})
    terms = Terms(plan.id, plan.limits, windows=plan.windows)
    account = recorded(open_account(None, "acme", terms, NOON)).account
    assert account is not None
    assert (account.limit("account", "images", "day"), account.limit("account", "spend", "life")) == (2, DOLLAR)
    assert account.limit("user:ann", "images", "day") is None

    changed = recorded(
        open_account(None, "acme", terms, NOON), change_limit(account, "account", "images", 5, NOON, window="day")
    ).account
    assert changed is not None
    assert changed.limit("account", "images", "day") == 5
    assert changed.limit("account", "images") == 10
    back = inherit_limit(changed, "account", "images", NOON, window="day")
    assert [(fact.inherited, fact.window) for fact in back if isinstance(fact, LimitChanged)] == [(True, "day")]
    assert inherit_limit(changed, "account", "images", NOON, window="hour") == []
    assert change_plan(changed, plan.id, plan.limits, NOON, windows=plan.windows) == []
    assert len(change_plan(changed, plan.id, plan.limits, NOON)) == 1


@pytest.mark.parametrize(("measure", "window"), [("images", "week"), ("unpriced", "day"), ("smells", "hour")])
def test_only_measures_are_limited_and_only_by_windows(measure: str, window: str) -> None:
    account = known_account(recorded(BILLED), "acme")
    with pytest.raises(InvalidInput):
        change_limit(account, "account", measure, 1, NOON, window=window)
    with pytest.raises(InvalidInput):
        inherit_limit(account, "account", measure, NOON, window=window)


def test_every_limit_stands_with_its_figures_from_the_narrowest_window() -> None:
    ledger = recorded(BILLED, limited("images", 3, "user:ann", "hour"), limited("edits", None))
    asked(ledger, "a", NOON)

    assert limit_standings(ledger, "acme", NOON) == (
        LimitStanding("user:ann", "images", "hour", 3, 0, 1, 2, THIS_HOUR.end),
        LimitStanding("account", "images", "period", 10, 0, 1, 9, APRIL.end),
        LimitStanding("account", "spend", "period", DOLLAR, 0, CENT, DOLLAR - CENT, APRIL.end),
    )


def test_use_is_projected_to_the_periods_end_as_it_went_since_its_beginning() -> None:
    third = Period(0, 300)
    assert projection(20, 80, third, 100) == (60, None)
    assert projection(60, 40, third, 100) == (180, 100 + 40 * 100 // 60)
    assert projection(100, 0, third, 100) == (300, 100)
    assert projection(0, 100, third, 100) == (0, None)
    assert projection(5, 100, third, 0) == (None, None)
    assert projection(5, 100, third, 300) == (None, None)
