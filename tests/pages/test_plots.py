"""Plots made as SVG, and their axes: what stands where, and that no text of data is markup."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from judgebench.pages.axes import apart, decimal_tick, linear, money, of_money, points_tick, reach, share_tick
from judgebench.pages.figures import estimate_text
from judgebench.pages.plots import Curve, Dot, Point, bars, heat, intervals, keys, points

ANY = st.text(st.characters(exclude_characters="\ufffe\uffff"), max_size=40).map(
    "x{}<&\"'".format
)  # no XML has these two


def texts(markup: str, kind: str) -> list[str]:
    """The texts of one class."""
    return [
        e.text or "" for e in ET.fromstring(f"<div>{markup}</div>").iter() if e.get("class", "").split()[:1] == [kind]
    ]


def test_ticks_of_shares_are_round():
    """From 62% to 90% they are every 5%."""
    assert [text for _, text in linear(0.62, 0.9, share_tick).ticks] == ["65%", "70%", "75%", "80%", "85%", "90%"]


def test_an_axis_of_shares_does_not_go_far_beyond_what_a_share_can_be():
    """At most a fiftieth, which is room for a mark."""
    axis = linear(0.5, 1.0, share_tick, "", (0.0, 1.0))
    assert axis.high == pytest.approx(1.02)
    assert axis.ticks[-1] == (pytest.approx(1.0), "100%")


def test_ticks_of_money_are_one_two_and_five():
    """From $0.12 to $2.5: $0.1 to $2, each written out."""
    axis = of_money([0.12, 2.5])
    assert [text for _, text in axis.ticks] == ["$0.1", "$0.2", "$0.5", "$1", "$2"]
    assert axis.at(1.0) - axis.at(0.1) == pytest.approx(axis.at(2.0) - axis.at(0.2))


def test_what_is_free_stands_before_all_that_costs():
    """Zero has no place on a logarithmic axis; it gets the first one, apart from the others."""
    axis = of_money([0.0, 0.01, 10.0])
    assert axis.ticks[0] == (0.0, "$0")
    assert axis.at(0.0) == 0.0 < 0.05 < axis.at(0.01)


@given(st.lists(st.floats(1e-7, 1e5), min_size=1, max_size=9))
def test_an_axis_of_money_has_some_ticks_and_holds_every_amount(amounts):
    """Two to eight ticks, all of them within it, whatever the amounts are."""
    axis = of_money(amounts)
    assert 2 <= len(axis.ticks) <= 9
    assert len({text for _, text in axis.ticks}) == len(axis.ticks)
    assert all(0 <= axis.at(each) <= 1 for each in (*amounts, *(value for value, _ in axis.ticks)))


@pytest.mark.parametrize(
    ("amount", "text"), [(0.0005, "$0.0005"), (0.1, "$0.1"), (2.0, "$2"), (20.0, "$20"), (5000.0, "$5,000")]
)
def test_an_amount_beside_a_tick(amount, text):
    """As short as it can be."""
    assert money(amount) == text


def test_a_wide_interval_of_a_tiny_section_does_not_set_the_axis():
    """Ties with 8 items has 0 to 49%; the others keep their room."""
    assert reach([0.8, 0.9, 0.2], [(0.75, 0.85), (0.86, 0.93), (0.0, 0.49)]) == (0.75, 0.93)
    assert reach([0.5], [(0.1, 0.9)]) == (0.1, 0.9)


def test_a_dot_beyond_the_axis_is_an_arrow_with_its_number():
    """Its value is not drawn in a wrong place, and is still read."""
    dots = [
        Dot("Math", "judge", 0, "said", 0.8, (0.75, 0.85), shown="80.0"),
        Dot("Ties", "judge", 0, "ties said", 0.2, (0.0, 0.49), shown="20.0 (0.0-49.0)"),
    ]
    markup = intervals(dots, linear(0.75, 0.85, share_tick), "scores")
    assert texts(markup, "value") == ["80.0", "20.0 (0.0-49.0)"]
    assert texts(markup, "name") == ["Math", "Ties"]
    places = [float(x) for x in re.findall(r'<svg class="mark c0" x="([-\d.]+)%"', markup)]
    assert places == [pytest.approx(50, abs=1), 0]


def test_every_point_has_its_label():
    """The judge's name stands beside its point, and a front is drawn over across and then up."""
    shown = [Point(0.1, 0.7, 0, "a said", "cheap"), Point(1.0, 0.9, 1, "b said", "expensive")]
    front = Curve([(0.1, 0.7, ""), (1.0, 0.9, "")], None, dashed=True, steps=True)
    markup = points(shown, of_money([0.1, 1.0]), linear(0.6, 1, share_tick), "cost", curves=[front])
    assert texts(markup, "label") == ["cheap", "expensive"]
    assert len(re.findall('class="curve', markup)) == 2


def test_labels_of_points_at_one_height_are_apart():
    """By a line of text at least, in the order of their points."""
    moved = apart([100.0, 102.0, 20.0, 101.0], 14)
    assert moved[2] == 20
    assert sorted([moved[0], moved[3], moved[1]]) == [moved[0], moved[3], moved[1]]
    assert moved[3] - moved[0] >= 14 <= moved[1] - moved[3]


def test_a_heat_map_writes_every_share():
    """Darker is more; nothing stands where nothing is known."""
    markup = heat([("a", [None, 0.5]), ("b", [1.0, None])], ["1", "2"], 0)
    assert re.findall(r"--heat:(\d+)%\">(\d+)%", markup) == [("8", "50"), ("48", "100")]


def test_a_bar_is_as_long_as_its_share():
    """The parts follow one another."""
    markup = bars([("judge", [(0, 0.1, "x"), (1, 0.3, "y")])], linear(0, 0.4, share_tick), "failures")
    (a, wide), (b, wider) = re.findall(r'<rect [^>]*x="([\d.]+)%" width="([\d.]+)%"', markup)
    assert float(b) == pytest.approx(float(a) + float(wide), abs=0.02)
    assert float(wider) == pytest.approx(3 * float(wide), rel=0.01)


@given(ANY, ANY, ANY)
def test_no_text_of_data_is_markup(name, series, said):
    """A plot of any names is well formed, with the elements that it has of harmless ones."""

    def made(name, series, said):
        dot = Dot(name, series, 0, said, 0.5, (0.4, 0.6), 0.5, said)
        axis = linear(0, 1, share_tick, said)
        return (
            intervals([dot], axis, said, null=said)
            + points([Point(0.5, 0.5, 1, said, name)], axis, axis, said)
            + bars([(name, [(0, 0.5, said)])], axis, said)
            + heat([(name, [0.5])], [series], 0, above=said)
            + keys([(0, name), (None, series)])
        )

    def elements(markup):
        return [each.tag for each in ET.fromstring(f"<div>{markup}</div>").iter()]

    assert elements(made(name, series, said)) == elements(made("a", "b", "c"))


def test_estimates_and_ticks_as_people_read_them():
    """78.4 (76.1-81.4) with a dash; points have a sign, zero none."""
    assert estimate_text(0.784, (0.761, 0.814), "share") == "78.4 (76.1\N{EN DASH}81.4)"
    assert [points_tick(each) for each in (-0.05, 0.0, 0.1)] == ["-5", "0", "+10"]
    assert decimal_tick(0.30000000000000004) == "0.3"
