"""Pictures: well-formed, escaped, in axes that fit and stay put, whatever the data."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from widgets.plot import MOST_POINTS, Picture, Plot, plot_of

SVG = "{http://www.w3.org/2000/svg}"


def parsed(plot, picture=None):
    return ElementTree.fromstring((picture or Picture()).svg(plot))


def texts(tree):
    return [element.text for element in tree.iter(f"{SVG}text")]


def curves(tree):
    return [element.get("d") for element in tree.iter(f"{SVG}path") if element.get("class") == "wb-curve"]


def line(*points):
    return np.array(points, float)


def test_a_snapshot_describes_its_picture():
    plot = plot_of(
        {
            "curve:flight": line((0, 0), (1, 2)),
            "point:target": np.array([3.0, 0.0]),
            "text:title": "Throw",
            "text:x": "distance (m)",
            "text:y": "height (m)",
            "text:aspect": "equal",
            "text:note": "windy",
        }
    )
    shown = texts(parsed(plot))
    assert {"Throw", "distance (m)", "height (m)", "flight", "target"} <= set(shown)
    assert "windy" not in shown
    assert plot.equal
    assert plot.points["target"].shape == (1, 2)


@pytest.mark.parametrize(
    "points",
    [
        np.empty((0, 2)),
        line((1, 1)),
        line((1, 1), (1, 1)),
        line((0, 0), (np.nan, 1), (2, 2)),
        line((np.nan, np.nan)),
        line((0, np.inf), (1, 1)),
        line((1e-12, 1e-300), (2e-12, 1e-299)),
        line((-1e9, 1e9), (1e9, -1e9)),
    ],
)
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("equal", [False, True])
def test_any_data_give_a_well_formed_picture(points, log, equal):
    text = Picture().svg(Plot(curves={"a": points}, log_y=log, equal=equal))
    ElementTree.fromstring(text)
    assert "nan" not in text
    assert "inf" not in text.replace("infinite", "")


def test_texts_are_escaped():
    evil = "<script>alert(1)</script>\"'&"
    plot = Plot(
        title=evil,
        x_label=evil,
        y_label=evil,
        curves={evil: line((0, 0), (1, 1))},
        points={evil: line((0, 0))},
    )
    text = Picture().svg(plot)
    assert "<script" not in text
    assert texts(ElementTree.fromstring(text)).count(evil) == 5


def test_a_gap_breaks_the_line():
    (path,) = curves(parsed(Plot(curves={"a": line((0, 0), (1, 1), (np.nan, 0), (2, 2), (3, 3))})))
    assert path.count("M") == 2
    assert path.count("L") == 2


def test_long_curves_are_thinned_out_but_keep_their_ends():
    points = np.column_stack([np.arange(10_000.0), np.arange(10_000.0)])
    (path,) = curves(parsed(Plot(curves={"a": points})))
    assert path.count("L") == MOST_POINTS - 1
    (short,) = curves(parsed(Plot(curves={"a": points[[0, -1]]})))
    assert path.split("L")[-1] == short.split("L")[-1]


def test_a_logarithmic_axis_has_decades_and_falls_back_to_a_linear_one():
    shown = texts(parsed(Plot(curves={"a": line((0, 1e-3), (1, 10))}, log_y=True)))
    assert {"0.001", "0.01", "0.1", "1"} <= set(shown)
    shown = texts(parsed(Plot(curves={"a": line((0, -1), (1, 10))}, log_y=True)))
    assert "0" in shown


def test_equal_axes_have_the_same_scale():
    tree = parsed(Plot(curves={"a": line((0, 0), (100, 0)), "b": line((0, 0), (0, 10))}, equal=True))
    first, second = (np.array([list(map(float, p.split())) for p in d[1:].split("L")]) for d in curves(tree))
    across, up = np.ptp(first[:, 0]), np.ptp(second[:, 1])
    assert across / up == pytest.approx(10.0, rel=0.02)


def test_data_of_one_value_stand_in_an_axis_of_their_size():
    tree = parsed(Plot(curves={"flat": line((0, 3), (1, 3))}))
    assert {"2.9", "3.0", "3.1"} < set(texts(tree))


def test_long_labels_are_cut_to_their_axis():
    tree = parsed(Plot(x_label="x" * 200, y_label="y" * 200, curves={"a": line((0, 0), (1, 1))}))
    cut = [text for text in texts(tree) if text.endswith("…")]
    assert [text[0] for text in cut] == ["x", "y"]
    assert 60 < len(cut[0]) < 72
    assert 30 < len(cut[1]) < 40


def test_axes_stay_put_while_the_data_stay_about_the_same():
    picture = Picture()
    wide = line((0, 0), (10, 10))
    before = texts(parsed(Plot(curves={"a": wide}), picture))
    assert texts(parsed(Plot(curves={"a": wide * 0.8}), picture)) == before
    assert texts(parsed(Plot(curves={"a": wide * 0.2}), picture)) != before
    assert texts(parsed(Plot(curves={"a": wide * 3.0}), picture)) != before


@pytest.mark.parametrize("after", [np.empty((0, 2)), line((0, -1), (1, 100))])
def test_axes_of_decades_are_not_kept_for_what_has_none(after):
    picture = Picture()
    picture.svg(Plot(curves={"a": line((0, 1e-3), (300, 1e3))}, log_y=True))
    plot = Plot(curves={"a": after}, log_y=True)
    assert texts(parsed(plot, picture)) == texts(parsed(plot))


def test_a_picture_on_its_own_has_no_ground_and_is_drawn_in_grey():
    text = Picture().svg(Plot(curves={"a": line((0, 0), (1, 1))}, points={"b": line((0, 0))}))
    assert 'fill="var(--wb-paper,none)"' in text
    assert "var(--wb-ink,#767676)" in text


def test_curves_differ_in_more_than_colour():
    tree = parsed(Plot(curves={name: line((0, 0), (1, 1)) for name in "abcdef"}))
    paths = [element for element in tree.iter(f"{SVG}path") if element.get("class") == "wb-curve"]
    styles = {element.get("stroke-dasharray") for element in paths}
    assert len(styles) == 6


def test_long_names_take_a_second_row_of_the_legend():
    names = ["a curve with a long name", "another curve with one", "a third of the same kind"]
    tree = parsed(Plot(title="A title", curves={name: line((0, 0), (1, 1)) for name in names}))
    places = {
        e.text: (float(e.get("x")), float(e.get("y"))) for e in tree.iter(f"{SVG}text") if e.text in names
    }
    assert {y for _, y in places.values()} == {14.0, 28.0}
    assert max(x + 5.8 * len(name) for name, (x, _) in places.items()) < 480


def test_the_summary_says_what_is_seen():
    plot = Plot(
        title="Throw", curves={"flight": line((0, 0), (5, 12), (10, 1))}, points={"target": line((9, 0))}
    )
    assert plot.summary() == (
        "Throw; curve flight: from (0, 0) to (10, 1), highest at (5, 12); target at (9, 0)."
    )
    assert Plot().summary() == "Nothing to show yet."
