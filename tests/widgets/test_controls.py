"""Controls by their state, without a browser: what a page would send, and what it would be shown."""

import re
from typing import ClassVar

import pytest

import widgets
from widgets import panel as panel_module
from widgets.controls import Form
from workbench.errors import MachineError, UnknownParameterError
from workbench.parameters import Parameters, parameter


class ThrowParameters(Parameters):
    """One parameter of each kind."""

    angle: float = parameter(0.5, low=0.0, high=1.5, unit="rad", help="of release <b>")
    mass: float = parameter(3.0, low=0.1, high=1000.0, scale="log", unit="kg", help="of the weight")
    count: int = parameter(2, low=1, high=10, help="how many")
    kind: str = parameter("sling", choices=("sling", "arm"), help="of machine")
    windy: bool = parameter(False, help="whether there is wind")
    free: float = parameter(1.0, help="without limits")
    presets: ClassVar = {"heavy": {"mass": 100.0}}


def typed(panel, name, text, seq=1):
    panel._on_message(panel.widget, {"kind": "change", "name": name, "text": text, "seq": seq}, [])


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("angle", "1.25", 1.25),
        ("angle", "1", 1.0),
        ("mass", "1e2", 100.0),
        ("count", "7", 7),
        ("kind", "arm", "arm"),
        ("windy", "true", True),
        ("free", "-1e6", -1e6),
    ],
)
def test_what_is_typed_is_taken_as_the_parameter_says(name, text, value):
    panel = widgets.controls(ThrowParameters)
    seen = []
    panel.observe(seen.append)
    typed(panel, name, text)
    assert getattr(panel.value, name) == value
    assert type(getattr(panel.value, name)) is type(value)
    assert panel.widget.state["values"][name] == value
    assert panel.widget.state["errors"] == {}
    assert seen == [panel.value]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("angle", "2", "Got 2.0, expected a number 0.0 to 1.5 rad"),
        ("angle", "steep", "Got 'steep', expected a number 0.0 to 1.5 rad"),
        ("angle", "nan", "Got nan, expected a number 0.0 to 1.5 rad"),
        ("count", "2.5", "Got '2.5', expected a whole number 1 to 10"),
        ("kind", "gun", "Got 'gun', expected one of sling | arm"),
        ("windy", "maybe", "Got 'maybe', expected true | false"),
    ],
)
def test_what_does_not_fit_is_explained_and_changes_nothing(name, text, problem):
    panel = widgets.controls(ThrowParameters)
    seen = []
    panel.observe(seen.append)
    typed(panel, name, text)
    assert panel.widget.state["errors"] == {name: problem}
    assert panel.value == ThrowParameters()
    assert seen == []
    typed(panel, name, str(getattr(panel.value, name)).lower(), seq=2)
    assert panel.widget.state["errors"] == {}
    assert panel.widget.state["seq"] == 2


def test_every_field_is_described_by_its_parameter():
    fields = {field["name"]: field for field in widgets.controls(ThrowParameters).widget.fields}
    assert [field["kind"] for field in fields.values()] == [
        "number",
        "number",
        "integer",
        "choice",
        "switch",
        "number",
    ]
    assert fields["mass"]["log"]
    assert (fields["angle"]["low"], fields["angle"]["high"], fields["angle"]["unit"]) == (0.0, 1.5, "rad")
    assert fields["kind"]["choices"] == ["sling", "arm"]


def test_values_and_names_may_be_chosen():
    panel = widgets.controls(ThrowParameters.from_preset("heavy"), ["mass", "count"])
    assert [field["name"] for field in panel.widget.fields] == ["mass", "count"]
    assert panel.value.mass == 100.0


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownParameterError, match="did you mean 'mass'"):
        widgets.controls(ThrowParameters, ["mas"])


def test_the_bundle_is_a_live_view_a_table_and_a_text():
    bundle = widgets.controls(ThrowParameters).bundle()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "of release &lt;b&gt;" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert "mass: 3 kg" in bundle["text/plain"]


def test_in_jupyterlab_the_output_is_the_static_picture_in_a_slot(monkeypatch):
    """A widget view that is saved would say "model not found" when the notebook is opened again."""
    monkeypatch.setattr(panel_module, "fills_slots", lambda: True)
    panel = widgets.controls(ThrowParameters)
    assert set(panel.bundle()) == {"text/html", "text/plain"}
    assert f'data-workbench="{panel.widget.slot}"' in panel.bundle()["text/html"]


def test_two_panels_have_two_slots():
    first, second = (widgets.controls(ThrowParameters) for _ in range(2))
    assert first.widget.slot != second.widget.slot


@pytest.mark.parametrize("version", ["6.31.0", "7.0.1"])
def test_an_old_kernel_is_refused_with_the_way_out(monkeypatch, version):
    monkeypatch.setattr(panel_module.importlib.metadata, "version", lambda name: version)
    with pytest.raises(MachineError, match="do not work with this version") as caught:
        widgets.controls(ThrowParameters)
    assert f"got ipykernel {version}, expected at least 7.1" in str(caught.value)
    assert 'pip install "ipykernel>=7.1"' in str(caught.value)


def test_a_form_needs_no_page():
    form = Form(ThrowParameters, ["angle"])
    assert form.change("angle", "0.25")
    assert form.rows() == [["angle", "0.25 rad", "of release <b>"]]


def test_no_script_comes_from_elsewhere():
    """No CDN, no remote style sheet: what the page loads is in this repository."""
    for file in ("controls.js", "explore.js", "dashboard.js", "mount.js", "style.css"):
        addresses = re.findall(r"https?://[^\"' ]+", panel_module.source(file))
        assert [address for address in addresses if address != "http://www.w3.org/2000/svg"] == []
