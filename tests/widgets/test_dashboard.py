"""The dashboard by its state: real sessions, real threads, no browser."""

import threading
import time

import numpy as np
import pytest
import torch

import widgets
from widgets.session_view import SessionView
from workbench.parameters import Parameters, parameter
from workbench.training import Session, Training


class DotParameters(Parameters):
    """Of the smallest training there is."""

    iterations: int = parameter(10_000_000, low=1, high=10_000_000, help="how many")
    learning_rate: float = parameter(0.01, low=1e-5, high=1.0, help="step <i>", live=True)


class Dot:
    """Pull a point to (1, 2)."""

    def __init__(self):
        self.modules = torch.nn.ParameterList([torch.zeros(2, dtype=torch.float64)])

    def loss(self, generator):
        time.sleep(0.001)
        loss = (self.modules[0] - torch.tensor([1.0, 2.0])).square().sum()
        return loss, {"first <b>": self.modules[0][0].detach()}

    def snapshot(self):
        point = self.modules[0].detach().numpy().copy()
        return {
            "point:dot": point,
            "curve:way": np.array([[0.0, 0.0], point]),
            "text:x": "x",
            "text:note": "a <dot>",
        }


def make_training(parameters):
    return Training(Dot(), iterations=parameters.iterations, learning_rate=parameters.learning_rate)


@pytest.fixture
def session():
    made = Session("dot", make_training, DotParameters())
    yield made
    made.close()
    until(lambda: not [t for t in threading.enumerate() if t.name == "panel dot"])


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def press(panel, action):
    panel._on_message(panel.widget, {"kind": "press", "action": action}, [])


def shown(panel, **wanted):
    until(lambda: wanted.items() <= panel.widget.frame.items())


def test_buttons_drive_the_session_and_the_frame_follows(session):
    panel = widgets.dashboard(session)
    shown(panel, state="idle", word="Ready", button="Start", iteration=0, facts=[])
    press(panel, "start")
    shown(panel, state="running", word="Training", button="Pause")
    until(lambda: panel.widget.frame["facts"])
    assert "left" in panel.widget.frame["facts"][1]
    press(panel, "pause")
    shown(panel, state="paused", button="Continue")
    assert panel.widget.frame["iteration"] == session.training.iteration
    press(panel, "start")
    shown(panel, state="running")
    press(panel, "stop")
    shown(panel, state="stopped")
    press(panel, "reset")
    shown(panel, state="idle", iteration=0, rows=[])
    assert panel.widget.frame["loss"]["summary"] == "No iteration done yet."


def test_callbacks_return_at_once(session):
    panel = widgets.dashboard(session)
    begin = time.monotonic()
    for action in ("start", "pause", "start", "stop", "reset", "start"):
        press(panel, action)
    assert time.monotonic() - begin < 0.1


def test_the_learning_rate_is_set_through_its_control(session):
    panel = widgets.dashboard(session)
    press(panel, "start")
    panel._on_message(panel.widget, {"kind": "change", "name": "learning_rate", "text": "0.5", "seq": 1}, [])
    until(lambda: session.training.learning_rate == 0.5)
    panel._on_message(panel.widget, {"kind": "change", "name": "learning_rate", "text": "7", "seq": 2}, [])
    until(lambda: panel.widget.frame["controls"]["seq"] == 2)
    assert "expected a number" in panel.widget.frame["controls"]["errors"]["learning_rate"]
    assert session.training.learning_rate == 0.5


def test_the_control_follows_what_another_cell_sets(session):
    panel = widgets.dashboard(session)
    session.set(learning_rate=0.25)
    until(lambda: panel.widget.frame["controls"]["values"]["learning_rate"] == 0.25)
    session.reset()
    until(lambda: panel.widget.frame["controls"]["values"]["learning_rate"] == 0.01)


def test_frames_come_at_most_four_times_a_second_and_only_with_news(session):
    panel = widgets.dashboard(session)
    frames = []
    panel.widget.observe(lambda change: frames.append(time.monotonic()), "frame")
    press(panel, "start")
    time.sleep(1.5)
    press(panel, "stop")
    shown(panel, state="stopped")
    assert 3 <= len(frames) <= 12
    resting = len(frames)
    time.sleep(0.6)
    assert len(frames) <= resting + 1


def test_an_error_of_the_training_reaches_the_panel(session):
    panel = widgets.dashboard(session)
    press(panel, "start")
    shown(panel, state="running")
    session.training.problem.loss = lambda generator: 1 / 0
    shown(panel, state="failed", failed=True, message="ZeroDivisionError: division by zero")


def test_a_panel_that_cannot_draw_says_so_and_training_goes_on(session):
    panel = widgets.dashboard(session)
    session.training.problem.snapshot = lambda: {"curve:odd": np.zeros(3)}
    press(panel, "start")
    until(lambda: "this panel cannot draw the session" in panel.widget.frame["message"])
    assert session.state == "running"


def test_starting_a_closed_session_is_explained(session):
    panel = widgets.dashboard(session)
    newer = Session("dot", make_training, DotParameters())
    shown(panel, state="closed")
    assert "newer session" in panel.widget.frame["message"]
    press(panel, "start")
    assert "is closed" in panel._notice
    newer.close()


def test_one_panel_for_one_session(session):
    assert widgets.dashboard(session) is widgets.dashboard(session)


def test_the_static_picture_has_the_numbers_and_no_script(session):
    session.start()
    until(lambda: session.training.iteration > 20)
    session.pause()
    session.wait()
    view = SessionView(session)
    html = view.html()
    assert html.count("<img ") == 2
    assert "dot · Paused · iteration" in html
    assert "first &lt;b&gt;" in html
    assert "a &lt;dot&gt;" in html
    assert "<b>" not in html
    assert "dot: Paused, iteration" in view.text()


def test_announcements_are_rare_except_for_changes_of_state(session):
    view = SessionView(session)
    first = view.frame()["announcement"]
    assert first.startswith("Ready: iteration 0")
    session.start()
    until(lambda: session.training.iteration > 5)
    running = view.frame()["announcement"]
    assert running.startswith("Training: iteration")
    time.sleep(0.1)
    assert view.frame()["announcement"] == running


def test_copying_gives_the_whole_history(session):
    panel = widgets.dashboard(session)
    press(panel, "start")
    until(lambda: session.training.iteration > 20)
    session.stop()
    sent = []
    panel.widget.send = sent.append
    panel._on_message(panel.widget, {"kind": "copy"}, [])
    assert sent == [{"kind": "numbers", "text": session.training.history.to_csv()}]


def test_only_the_four_buttons_do_anything(session):
    panel = widgets.dashboard(session)
    press(panel, "close")
    press(panel, "__class__")
    assert not session.closed
