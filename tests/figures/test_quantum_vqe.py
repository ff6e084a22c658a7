"""Figures of the quantum showcase, from small real results."""

import numpy as np
import pytest

from workbench.figures import description
from workbench.figures import quantum_vqe as figures
from workbench.figures.maxcut import cut_figure, round_figure
from workbench.showcases.quantum_vqe import SHOWCASE, maxcut
from workbench.showcases.quantum_vqe.parameters import VQEParameters

SMOKE = VQEParameters.from_preset("smoke")
ROWS = [
    {"ansatz": "published", "sites": 4, "layers": 1, "angles": 16, "rank": 16, "gaps": np.array([0.1, 0.3])},
    {
        "ansatz": "hamiltonian",
        "sites": 4,
        "layers": 1,
        "angles": 2,
        "rank": 2,
        "gaps": np.array([-1e-16, 1e-9]),
    },
]
PLATEAUS = [{"name": "deep", "sites": np.array([4, 6]), "variances": np.array([1e-3, 1e-4]), "decades": -0.5}]
GAPS = {"natural gradient": np.array([[1.0, 2.0], [0.0, 1e-9]]), "Adam": np.array([[1.0, 2.0], [0.5, 0.2]])}
SIZES = maxcut.cut_sizes(((0, 1), (1, 2)))
CHANCES = {name: np.full(8, 1 / 8) for name in ("random", "1 round", "2 rounds")}


@pytest.fixture(scope="module")
def shown():
    training = SHOWCASE.make_training(SMOKE)
    list(training)
    return {
        **figures.summary_figures(SHOWCASE.evaluate(training, SMOKE), training.history),
        "depth": figures.depth_figure(ROWS),
        "plateau": figures.plateau_figure(PLATEAUS),
        "natural": figures.natural_figure(GAPS),
        "cut": cut_figure(((0, 1), (1, 2)), "010"),
        "rounds": round_figure(SIZES, CHANCES),
    }


def test_every_figure_says_what_it_shows(shown):
    assert set(shown) == {
        *("energies", "gaps", "state", "correlations", "shots", "noise"),
        *("depth", "plateau", "natural", "cut", "rounds"),
    }
    for name, figure in shown.items():
        assert figure.layout.title.text
        assert len(description(figure)) > 40
        if name != "cut":
            assert figure.layout.xaxis.title.text
            assert figure.layout.yaxis.title.text
        assert len(figure.to_json()) < 120_000


def test_names_on_axes_are_names_and_not_numbers(shown):
    assert shown["state"].layout.xaxis.type == "category"
    assert shown["depth"].layout.xaxis.type == "category"
    assert list(shown["state"].data[0].x)[:2] == ["|0000⟩", "|0001⟩"]


def test_gaps_below_rounding_stay_on_a_logarithmic_axis(shown):
    for name in ("depth", "natural"):
        assert min(np.min(trace.y) for trace in shown[name].data) == figures.LEAST
    assert "Every start reaches the ground state with: hamiltonian, 4 sites, 1 layer" in description(
        shown["depth"]
    )


def test_the_cut_is_counted(shown):
    assert shown["cut"].layout.title.text == "The likeliest cut: 2 of 2 edges"
    assert list(shown["rounds"].data[0].y) == pytest.approx([0.25, 0.5, 0.25])


def test_without_noise_there_is_no_figure_of_noise():
    parameters = SMOKE.changed(sites=8, ansatz="hamiltonian", iterations=2)
    training = SHOWCASE.make_training(parameters)
    list(training)
    drawn = figures.summary_figures(SHOWCASE.evaluate(training, parameters), training.history)
    assert "noise" not in drawn
    assert len(drawn["state"].data[0].x) == 64
