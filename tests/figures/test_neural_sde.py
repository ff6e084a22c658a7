"""The figures of the neural SDE, from a smoke run: titles, descriptions, marks where the numbers are."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from workbench.figures import description
from workbench.figures import neural_sde as figures
from workbench.showcases.neural_sde import SHOWCASE
from workbench.showcases.neural_sde.data import observe
from workbench.showcases.neural_sde.parameters import SpiralParameters

SMOKE = SpiralParameters.from_preset("smoke", iterations=4)
NAMES = ("training", "noise", "ensemble", "field", "diffusion", "terms", "paths", "sunspots", "market")


@pytest.fixture(scope="module")
def result():
    training = SHOWCASE.make_training(SMOKE)
    list(training)
    return SHOWCASE.evaluate(training, SMOKE), training.history


@pytest.fixture(scope="module")
def drawn(result):
    years = np.arange(1860, 2009)
    counts = 60 + 50 * np.sin(2 * np.pi * years / 11)
    bands = {
        "years": years,
        "counts": counts,
        "seen": (years < 1998) & (years % 5 > 0),
        "lower": counts - 20.0,
        "median": counts,
        "upper": counts + 20.0,
    }
    learnt = np.column_stack([np.linspace(0.0, 0.05, 30), np.linspace(0.4, 0.2, 30)])
    return {
        **figures.summary_figures(*result),
        "paths": figures.spiral_figure(observe(SMOKE).paths),
        "sunspots": figures.sunspot_figure(bands),
        "market": figures.market_figure(learnt, rate=0.05, volatility=0.2),
    }


def test_every_figure_is_looked_at(drawn):
    assert set(drawn) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_title_axes_and_description(drawn, name):
    figure = drawn[name]
    assert isinstance(figure, go.Figure)
    assert figure.layout.title.text
    assert figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text
    assert len(description(figure)) > 40
    assert 500 < len(figure.to_json()) < 200_000


@pytest.mark.parametrize("name", NAMES)
def test_an_axis_of_names_says_that_it_is_one(drawn, name):
    """Otherwise plotly.js may take the names for numbers, and the figure is empty."""
    figure = drawn[name]
    for letter in "xy":
        axis = figure.layout[f"{letter}axis"]
        values = [v for trace in figure.data if trace[letter] is not None for v in trace[letter]]
        assert values or letter == "x"
        names = [v for v in values if isinstance(v, str)]
        assert len(names) in (0, len(values))
        assert axis.type == "category" if names else axis.type in (None, "linear", "log")


def test_the_terms_are_where_their_coefficients_are(drawn, result):
    arrays = result[0]["arrays"]
    (marks,) = drawn["terms"].data
    assert list(marks.y) == list(figures.TERMS)
    np.testing.assert_allclose(marks.x, arrays["term_values"] / arrays["term_truths"])
    ends = np.array([marks.x - marks.error_x.arrayminus, marks.x + marks.error_x.array])
    expected = np.sort(np.stack([arrays["term_lows"], arrays["term_highs"]]) / arrays["term_truths"], axis=0)
    np.testing.assert_allclose(ends, expected)


def test_the_noise_each_loss_prefers_is_told(drawn, result):
    arrays = result[0]["arrays"]
    for name in ("path", "moments", "score"):
        assert f"at {arrays['noises'][arrays[f'{name}_losses'].argmin()]:.2f}" in description(drawn["noise"])


def test_legends_stand_below_the_title(drawn):
    for figure in drawn.values():
        assert figure.layout.legend.yref == "container"
        assert figure.layout.legend.yanchor == "top"


def test_bands_hold_their_means(drawn, result):
    n = len(result[0]["arrays"]["ts"])
    for i in (0, 1):
        band, mean = (drawn["ensemble"].data[5 * i + k] for k in (0, 1))
        high, low = np.array(band.y[:n]), np.array(band.y[n:])[::-1]
        assert ((low <= np.array(mean.y)) & (np.array(mean.y) <= high)).all()


def test_hidden_years_differ_in_more_than_colour(drawn):
    symbols = {trace.name: trace.marker.symbol for trace in drawn["sunspots"].data if trace.mode == "markers"}
    assert symbols["seen"] != symbols["hidden"]
    assert "lie inside" in description(drawn["sunspots"])
