"""Every figure: what it shows, its title, units and description."""

import math

import numpy as np
import plotly.graph_objects as go
import pytest

from workbench.figures import blank_figure, description, loss_figure
from workbench.figures.history import running_median
from workbench.figures.palette import BLUE, DASHES, GREEN, INK, ORANGE, PURPLE, SERIES, SKY, VERMILION
from workbench.figures.sweep import histories_figure
from workbench.figures.trebuchet import (
    aim_figure,
    flight_figure,
    machine_figure,
    miss_figure,
    range_figure,
    slope_figure,
    summary_figures,
)
from workbench.showcases.trebuchet.aiming import Reach
from workbench.showcases.trebuchet.machine import POUND
from workbench.showcases.trebuchet.trajectory import simulate
from workbench.training import History, Record

SIMULATION = simulate(0.0, math.radians(40), 200 * POUND)
REACH = Reach(np.array([-20.0, 20.0]), np.array([0.0, 0.0]), np.array([40.0, 160.0]))
RNG = np.random.default_rng(0)
TRIALS = (RNG.normal(0, 5, 50), RNG.uniform(20, 100, 50), RNG.normal(0, 0.2, 50))


def history(n=300):
    records = History()
    for i in range(n):
        records.append(Record(i + 1, 100.0 / (i + 1), {"rms_miss": 10.0 / (i + 1)}, 0.01, 0.1 * i))
    return records


FIGURES = {
    "machine": machine_figure(SIMULATION),
    "flight": flight_figure(SIMULATION, 70.0),
    "slope": slope_figure([10, 30, 50], [60.0, 85.0, 70.0], {30: (85.0, 0.1)}),
    "range": range_figure(np.array([10.0, 40.0]), np.array([50.0, 99.0]), np.array([[1.0, 2], [3, 4]]), 2.5),
    "miss": miss_figure(TRIALS[2]),
    "aim": aim_figure(*TRIALS, REACH),
    "loss": loss_figure(history()),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_title_axes_and_description(name):
    figure = FIGURES[name]
    assert isinstance(figure, go.Figure)
    assert figure.layout.title.text
    assert figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text
    assert len(description(figure)) > 40
    assert description(figure) == figure.layout.meta["alt"]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_small_and_writes_as_json(name):
    assert 500 < len(FIGURES[name].to_json()) < 120_000


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_as_wide_as_its_place_and_has_its_legend_below_its_title(name):
    layout = FIGURES[name].layout
    assert layout.width is None
    lowest = layout.height - layout.title.pad.t - layout.title.font.size
    assert layout.title.yref == layout.legend.yref == "container"
    assert layout.legend.yanchor == "top"
    assert layout.legend.y * layout.height <= lowest


@pytest.mark.parametrize("name", ["machine", "flight", "slope", "range", "aim"])
def test_lengths_and_angles_carry_their_units(name):
    for axis in (FIGURES[name].layout.xaxis, FIGURES[name].layout.yaxis):
        assert axis.title.text.endswith(("(m)", "(°)", "(lb)", "(m/s)"))


def test_text_reads_on_light_and_on_dark_pages():
    def luminance(color):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(color, page):
        low, high = sorted((luminance(color), page))
        return (high + 0.05) / (low + 0.05)

    assert min(contrast(INK, 0.0), contrast(INK, 1.0)) >= 4.5
    for color in (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY):
        assert min(contrast(color, 0.0), contrast(color, 1.0)) >= 1.9
    assert len(set(SERIES)) == len(SERIES) == len(set(DASHES))
    for figure in FIGURES.values():
        assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_the_flight_ends_where_the_throw_does():
    flight = next(trace for trace in FIGURES["flight"].data if trace.name == "in flight")
    assert flight.x[-1] == pytest.approx(SIMULATION.throw.distance, abs=1e-2)
    assert flight.y[-1] == pytest.approx(0.0, abs=1e-2)
    target = next(trace for trace in FIGURES["flight"].data if trace.name == "target")
    assert list(target.x) == [70.0]
    assert "12.6 m from the target" in description(FIGURES["flight"])


def test_phases_differ_in_more_than_colour():
    paths = {
        t.name: t.line.dash
        for t in FIGURES["flight"].data
        if t.name in ("in flight", "swinging in the sling")
    }
    assert len(set(paths.values())) == 2


def test_tangents_have_the_slopes_given():
    tangent = FIGURES["slope"].data[1]
    slope = (tangent.y[1] - tangent.y[0]) / (tangent.x[1] - tangent.x[0])
    assert slope == pytest.approx(0.1)
    assert np.mean(tangent.y) == pytest.approx(85.0)


def test_the_share_of_hits_rises_to_all():
    figure = miss_figure(np.array([0.3, -0.1, 0.2, 0.4]))
    curve = figure.data[0]
    assert list(curve.x) == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert list(curve.y) == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert figure.data[1].x[0] == pytest.approx(0.25)


def test_only_targets_within_reach_are_drawn_as_aims():
    near = FIGURES["aim"].data[1]
    assert len(near.x) == REACH.covers(*TRIALS[:2]).sum() < 50


def test_a_running_median_looks_back_only():
    values = np.array([5.0, 1.0, 3.0, 100.0, 4.0])
    assert running_median(values, 3) == pytest.approx([5.0, 3.0, 3.0, 3.0, 4.0])
    assert len(running_median(np.empty(0), 3)) == 0


def test_an_empty_history_is_drawn_and_says_so():
    assert description(loss_figure(History())) == "No loss recorded yet."


def test_a_long_history_is_thinned_out():
    figure = loss_figure(history(5000))
    assert len(figure.data[0].x) <= 1500
    assert "5000 iterations" in description(figure)


def test_a_changed_learning_rate_is_marked():
    from workbench.training import Change

    records = history()
    records.changes.append(Change(120, "learning_rate", 0.005))
    figure = loss_figure(records)
    assert [note.text for note in figure.layout.annotations] == ["learning rate 0.005"]


def test_summary_figures_are_made_from_an_evaluation_alone():
    winds, targets, misses = TRIALS
    arrays = {
        "winds": winds,
        "targets": targets,
        "misses": misses,
        "reachable": REACH.covers(winds, targets),
        "reach_winds": REACH.winds,
        "reach_nearest": REACH.nearest,
        "reach_farthest": REACH.farthest,
    }
    figures = summary_figures({"arrays": arrays}, history())
    assert set(figures) == {"training", "misses", "aims"}


def test_axis_titles_stand_clear_of_their_labels():
    """Without a distance of its own a title stands between labels that are turned."""
    layout = blank_figure("a", x="x", y="y", alt="b").layout
    assert layout.xaxis.title.standoff == layout.yaxis.title.standoff > 0


@pytest.mark.parametrize(
    ("lowest", "kind"), [(0.03, "linear"), (1e-4, "log"), (-1.0, "linear"), (np.nan, "linear")]
)
def test_losses_of_few_decades_have_a_linear_axis(lowest, kind):
    runs = {"a": (np.arange(3), np.array([0.2, 0.1, lowest])), "b": (np.arange(0), np.empty(0))}
    assert histories_figure(runs).layout.yaxis.type == kind


def test_a_blank_figure_with_equal_scales():
    figure = blank_figure("a", x="x (m)", y="y (m)", alt="b", equal=True)
    assert figure.layout.yaxis.scaleanchor == "x"
