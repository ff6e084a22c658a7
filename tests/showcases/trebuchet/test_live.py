import numpy as np
import pytest

from workbench.showcases.trebuchet.live import throw_picture
from workbench.showcases.trebuchet.parameters import TrebuchetParameters


def test_the_picture_of_a_throw_ends_where_it_says():
    picture = throw_picture(TrebuchetParameters(angle=40, weight=200, target=60))
    assert picture["text:title"] == "82.6 m: 22.6 m too far"
    assert picture["curve:path"][-1] == pytest.approx([82.6, 0.0], abs=0.05)
    assert np.array_equal(picture["point:target"], [60.0, 0.0])
    assert picture["curve:machine"].shape == (5, 2)


@pytest.mark.parametrize(("target", "verdict"), [(82.6, "a hit"), (90.0, "7.4 m short")])
def test_the_verdict(target, verdict):
    picture = throw_picture(TrebuchetParameters(angle=40, weight=200, target=target))
    assert picture["text:title"].endswith(verdict)


def test_every_throw_within_the_sliders_can_be_drawn():
    for angle in (0, 45, 90):
        for weight in (50, 400):
            for wind in (-15, 15):
                throw_picture(TrebuchetParameters(angle=angle, weight=weight, wind=wind))
