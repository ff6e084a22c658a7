import math

import pytest

from workbench.errors import ParameterError
from workbench.showcases.trebuchet.machine import POUND, PUBLISHED, STANDARD
from workbench.showcases.trebuchet.parameters import TrebuchetParameters


def test_units_are_converted_in_one_place():
    parameters = TrebuchetParameters(angle=30, weight=100)
    assert parameters.settings == pytest.approx((math.pi / 6, 100 * POUND))
    assert parameters.weights == pytest.approx((50 * POUND, 400 * POUND))


def test_the_convention_chooses_the_machine():
    assert TrebuchetParameters().machine == STANDARD
    assert TrebuchetParameters(convention="published").machine == PUBLISHED
    assert PUBLISHED.arm_inertia == STANDARD.weight_inertia


def test_iterations_see_all_samples():
    assert TrebuchetParameters(samples=17, batch=8).iterations == 3
    assert TrebuchetParameters(samples=16, batch=8).iterations == 2


def test_the_paper_preset_does_what_the_paper_did():
    paper = TrebuchetParameters.from_preset("paper")
    assert (paper.samples, paper.batch, paper.learning_rate, paper.schedule) == (100_000, 1, 1e-3, "constant")
    assert (paper.target_low, paper.target_high, paper.wind_spread, paper.width) == (20, 100, 5, 64)


def test_the_range_of_targets_and_the_learning_rate_are_live():
    live = [info.name for info in TrebuchetParameters.infos() if info.live]
    assert live == ["target_low", "target_high", "learning_rate"]


def test_a_weight_out_of_range_is_refused():
    with pytest.raises(ParameterError, match=r"50\.0 to 400\.0 lb"):
        TrebuchetParameters(weight=10)
