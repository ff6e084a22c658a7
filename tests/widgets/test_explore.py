"""The explorer by its state: each change is answered with a picture or with a reason."""

import numpy as np
import pytest

import widgets
from workbench.errors import SimulationError
from workbench.parameters import Parameters, parameter


class WaveParameters(Parameters):
    """A wave."""

    height: float = parameter(1.0, low=0.0, high=10.0, unit="m", help="of the wave")
    broken: bool = parameter(False, help="whether the simulator refuses")


def wave(parameters):
    if parameters.broken:
        raise SimulationError("the wave <breaks>")
    x = np.linspace(0, 6, 50)
    return {
        "curve:wave": np.column_stack([x, parameters.height * np.sin(x)]),
        "point:crest": np.array([1.5, parameters.height]),
        "text:x": "place (m)",
        "text:note": f"{parameters.height:g} m high",
    }


def change(panel, name, text, seq=1):
    panel._on_message(panel.widget, {"kind": "change", "name": name, "text": text, "seq": seq}, [])


def test_each_change_is_answered_with_a_new_picture():
    panel = widgets.explore(wave, WaveParameters)
    before = dict(panel.widget.picture)
    change(panel, "height", "5", seq=3)
    assert panel.value.height == 5.0
    assert panel.widget.picture["svg"] != before["svg"]
    assert panel.widget.picture["texts"] == ["5 m high"]
    assert "crest at (1.5, 5)" in panel.widget.picture["summary"]
    assert panel.widget.state["seq"] == 3


def test_a_wrong_value_leaves_the_picture():
    panel = widgets.explore(wave, WaveParameters)
    before = dict(panel.widget.picture)
    change(panel, "height", "50")
    assert panel.widget.picture == before
    assert "expected a number 0.0 to 10.0 m" in panel.widget.state["errors"]["height"]


def test_a_refusing_simulator_is_quoted_and_the_last_picture_stays():
    panel = widgets.explore(wave, WaveParameters)
    before = dict(panel.widget.picture)
    change(panel, "broken", "true")
    assert panel.widget.picture == {**before, "error": "the wave <breaks>"}
    assert "the wave &lt;breaks&gt;" in panel.static_html()
    change(panel, "broken", "false")
    assert panel.widget.picture == before


def test_a_simulator_that_refuses_at_once_is_quoted():
    panel = widgets.explore(wave, WaveParameters(broken=True))
    assert panel.widget.picture["error"] == "the wave <breaks>"
    assert "the wave <breaks>" in panel.static_text()
    change(panel, "broken", "false")
    assert panel.widget.picture["error"] == ""


def test_a_programming_error_is_not_hidden():
    with pytest.raises(AttributeError):
        widgets.explore(lambda parameters: parameters.hight, WaveParameters)


def test_the_numbers_can_be_copied_in_full():
    panel = widgets.explore(wave, WaveParameters)
    sent = []
    panel.widget.send = sent.append
    panel._on_message(panel.widget, {"kind": "copy"}, [])
    rows = sent[0]["text"].splitlines()
    assert rows[0] == "name,x,y"
    assert len(rows) == 1 + 50 + 1
    assert rows[-1] == '"crest",1.5,1.0'


def test_the_static_picture_is_an_image_with_its_meaning():
    html = widgets.explore(wave, WaveParameters).static_html()
    assert '<img alt="' in html
    assert "curve wave: from (0, 0)" in html
    assert "data:image/svg+xml;base64," in html
    assert "<svg" not in html
