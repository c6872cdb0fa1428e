"""The drawing of a bench: well-formed SVG, every point inside its panel, names escaped, axes with round values."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from bridge.proof.bench_plot import ABOVE, BELOW, LEFT, PANEL, RIGHT, WIDTH, Line, Panel, svg, ticks

SVG = "{http://www.w3.org/2000/svg}"
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
)
points = st.lists(st.tuples(st.floats(0, 600), st.floats(0, 1e6)), max_size=30)
lines = st.builds(Line, name=texts, points=points, colour=st.just("#123456"), dashed=st.booleans())
panels = st.builds(Panel, title=texts, unit=texts, lines=st.lists(lines, max_size=4))


@given(texts, st.lists(panels, max_size=3))
def test_whatever_is_drawn_is_well_formed_and_stays_inside_its_panel(title: str, drawn: list[Panel]) -> None:
    root = ET.fromstring(svg(title, drawn))  # noqa: S314 - our own
    groups = root.findall(f"{SVG}g")
    assert len(groups) == len(drawn)
    for group, panel in zip(groups, drawn, strict=True):
        polylines = group.findall(f"{SVG}polyline")
        assert len(polylines) == len(panel.lines)
        for polyline, line in zip(polylines, panel.lines, strict=True):
            places = [tuple(map(float, place.split(","))) for place in polyline.attrib["points"].split()]
            assert len(places) == len(line.points)
            for x, y in places:
                assert LEFT - 0.1 <= x <= WIDTH - RIGHT + 0.1
                assert ABOVE - 0.1 <= y <= PANEL - BELOW + 0.1


def test_higher_is_up_later_is_right_and_all_is_labelled() -> None:
    line = Line("bridge <1>", [(0.0, 0.0), (5.0, 1000.0)], "#00f")
    bare = Line("bare", [(0.0, 500.0)], "#888", dashed=True)
    root = ET.fromstring(svg("Rate & more", [Panel("MTs", "a second", [line, bare, bare])]))  # noqa: S314
    words = [text.text for text in root.iter(f"{SVG}text")]
    for word in ("Rate & more", "MTs", "a second", "seconds", "bridge <1>", "1,000", "5", "0"):
        assert word in words
    assert words.count("bare") == 1, "lines of one name share a place in the legend"
    first, last = root.findall(f".//{SVG}polyline")[0].attrib["points"].split()
    (x1, y1), (x2, y2) = (tuple(map(float, place.split(","))) for place in (first, last))
    assert x1 < x2
    assert y1 > y2


def test_ticks_are_round() -> None:
    assert ticks(5.0) == [0, 1, 2, 3, 4, 5]
    assert ticks(940.0) == [0, 200, 400, 600, 800, 1000]
    assert ticks(0.0) == [0, 1]


@given(st.floats(1e-6, 1e9))
def test_ticks_reach_the_largest_value_and_are_few(largest: float) -> None:
    marks = ticks(largest)
    assert marks[0] == 0
    assert marks[-1] >= largest * (1 - 1e-6)
    assert 2 <= len(marks) <= 7
