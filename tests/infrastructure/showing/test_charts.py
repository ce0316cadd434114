"""Charts of money by day: exact sums, every day, at most seven names, and SVG that any reader takes."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.showing.charts import OTHERS, Chart, drawn, series

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [("2026-04-10", "sketcher", 400_000), ("2026-04-12", "sketcher", 100_000), ("2026-04-12", "a <b> & c", 250_000)]
CHART = series("Spend", "USD", ROWS)
AMOUNTS = st.lists(
    st.tuples(
        st.dates(date(1901, 1, 1), date(2099, 12, 31)).map(str),
        st.sampled_from([f"model-{number}" for number in range(12)]),
        st.integers(-(10**9), 10**12),
    ),
    max_size=40,
)


def bars(chart: Chart) -> list[ET.Element]:
    """The parts of all bars, which alone have a title."""
    return [one for one in ET.fromstring(drawn(chart)).iter(f"{SVG}rect") if one.find(f"{SVG}title") is not None]


def test_days_between_are_there_and_the_largest_name_comes_first() -> None:
    assert CHART.days == ("2026-04-10", "2026-04-11", "2026-04-12")
    assert CHART.parts == (("sketcher", (400_000, 0, 100_000)), ("a <b> & c", (0, 0, 250_000)))
    assert CHART.totals == (400_000, 0, 350_000)


def test_more_than_seven_names_are_six_and_the_others() -> None:
    chart = series("Spend", "USD", [("2026-04-10", f"model-{number}", 10 - number) for number in range(9)])
    assert [name for name, _ in chart.parts] == [*(f"model-{number}" for number in range(6)), OTHERS]
    assert chart.parts[-1][1] == (4 + 3 + 2,)


def test_each_part_of_a_bar_is_as_tall_as_its_amount_and_tells_it() -> None:
    tall = {one.findtext(f"{SVG}title"): float(one.attrib["height"]) for one in bars(CHART)}
    assert set(tall) == {
        "2026-04-10, sketcher: 0.40 USD",
        "2026-04-12, sketcher: 0.10 USD",
        "2026-04-12, a <b> & c: 0.25 USD",
    }
    assert round(tall["2026-04-10, sketcher: 0.40 USD"] / tall["2026-04-12, sketcher: 0.10 USD"], 2) == 4


def test_what_was_given_back_points_down() -> None:
    chart = series("Spend", "USD", [("2026-04-10", "a", 300), ("2026-04-11", "a", -100)])
    up, down = bars(chart)
    assert float(down.attrib["y"]) > float(up.attrib["y"])
    assert float(down.attrib["y"]) == round(float(up.attrib["y"]) + float(up.attrib["height"]), 1)


def test_a_chart_of_nothing_is_still_a_picture() -> None:
    assert bars(series("Spend", "USD", [])) == []


@given(AMOUNTS)
def test_no_amount_is_lost_and_whatever_it_is_can_be_drawn(amounts: list[tuple[str, str, int]]) -> None:
    chart = series("Spend", "USD", amounts)
    assert sum(chart.totals) == sum(amount for _, _, amount in amounts)
    assert all(float(one.attrib["height"]) >= 0 for one in bars(chart))
