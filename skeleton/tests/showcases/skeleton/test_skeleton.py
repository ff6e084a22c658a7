"""The damped oscillation by known answers: its closed formula, its derivative, and the spring that is found."""

import numpy as np
import pytest

from workbench import check_gradient
from workbench.figures import description
from workbench.showcases.skeleton import SHOWCASE
from workbench.showcases.skeleton.data import measure, times
from workbench.showcases.skeleton.live import truth_picture
from workbench.showcases.skeleton.parameters import SkeletonParameters
from workbench.showcases.skeleton.physics import swing

SMOKE = SkeletonParameters.from_preset("smoke")


def error_of(steps):
    """How far the simulation is from x = exp(−ct/2) (cos ωt + c/2ω sin ωt), ω² = k − c²/4, at worst."""
    p = SkeletonParameters()
    ts, omega = times(p), np.sqrt(p.stiffness - p.damping**2 / 4.0)
    turning = np.cos(omega * ts) + p.damping / (2.0 * omega) * np.sin(omega * ts)
    exact = np.exp(-0.5 * p.damping * ts) * turning
    return np.abs(swing(p.stiffness, p.damping, p.duration, p.samples, steps) - exact).max()


# Yours: what is known of your program without it. Limits, conserved quantities, closed formulas.
def test_the_motion_is_that_of_the_closed_formula():
    assert error_of(10) < 1e-3
    assert error_of(20) == pytest.approx(error_of(10) / 4.0, rel=0.01)


def test_the_gradient_is_that_of_central_differences():
    check_gradient(lambda stiffness, damping: swing(stiffness, damping, 6.0, 11), 4.0, 0.3)


@pytest.mark.parametrize(("stiffness", "damping"), [(4.0, 0.3), (2.5, 0.0)])
def test_the_spring_is_found(stiffness, damping):
    true = {"stiffness": stiffness, "damping": damping}
    parameters = SkeletonParameters(**true, noise=0.0, samples=11)
    training = SHOWCASE.make_training(parameters)
    list(training)
    metrics = SHOWCASE.evaluate(training, parameters)["metrics"]
    assert metrics["stiffness_error"] == pytest.approx(0.0, abs=1e-3)
    assert metrics["damping_error"] == pytest.approx(0.0, abs=1e-3)


def test_the_same_seed_gives_the_same_losses():
    first, second = (SHOWCASE.make_training(SMOKE) for _ in range(2))
    assert [record.loss for record in first] == [record.loss for record in second]
    assert not np.array_equal(measure(SMOKE), measure(SMOKE.changed(seed=1)))


def test_figures_and_pictures_show_what_was_measured():
    training = SHOWCASE.make_training(SMOKE)
    list(training)
    figures = SHOWCASE.figures(SHOWCASE.evaluate(training, SMOKE), training.history)
    assert set(figures) == {"training", "fit"}
    assert all(figure.layout.xaxis.title.text for figure in figures.values())
    assert "11 measured positions" in description(figures["fit"])
    for picture in (training.problem.snapshot(), truth_picture(SMOKE)):
        assert np.array_equal(picture["point:measured"][:, 1], measure(SMOKE))
