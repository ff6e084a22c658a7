"""The dashboard by its state: real sessions, real threads, no browser."""

import itertools
import json
import sys
import threading
import time

import numpy as np
import pytest
import torch

import widgets
from widgets.export import run_command
from widgets.session_view import SessionView
from workbench.parameters import Parameters, parameter
from workbench.showcases.trebuchet.parameters import TrebuchetParameters
from workbench.training import Session, Training


class DotParameters(Parameters):
    """Of the smallest training there is."""

    iterations: int = parameter(10_000_000, low=1, high=10_000_000, help="how many")
    learning_rate: float = parameter(0.01, low=1e-5, high=1.0, help="step <i>", live=True)
    goal: float = parameter(1.0, low=-5.0, high=5.0, help="where to pull", live=True)
    slow: bool = parameter(True, help="a pause in each iteration")


class Dot:
    """Pull a point to (1, 2)."""

    def __init__(self, parameters):
        self.modules = torch.nn.ParameterList([torch.zeros(2, dtype=torch.float64)])
        self.goal, self.slow = parameters.goal, parameters.slow

    def set(self, name, value):
        setattr(self, name, value)

    def loss(self, generator):
        time.sleep(0.001 * self.slow)
        loss = (self.modules[0] - torch.tensor([self.goal, 2.0])).square().sum()
        return loss, {"first <b>": self.modules[0][0].detach()}

    def snapshot(self):
        point = self.modules[0].detach().numpy().copy()
        return {
            "point:dot": point,
            "curve:way": np.array([[0.0, 0.0], point]),
            "text:x": "x",
            "text:note": "a <dot>",
            "picture:Second <view>": {"curve:line": np.array([[0.0, 0.0], [1.0, 2.0]]), "text:x": "<u>"},
        }


def make_training(parameters):
    return Training(Dot(parameters), iterations=parameters.iterations, learning_rate=parameters.learning_rate)


@pytest.fixture
def session():
    made = Session("dot", make_training, DotParameters())
    yield made
    made.close()
    until(lambda: not [t for t in threading.enumerate() if t.name == "panel dot"])


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def press(panel, action):
    panel._on_message(panel.widget, {"kind": "press", "action": action}, [])


def change(panel, name, text, seq=1):
    panel._on_message(panel.widget, {"kind": "change", "name": name, "text": text, "seq": seq}, [])


def ask(panel, what):
    panel._on_message(panel.widget, {"kind": "export", "what": what}, [])


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
    begun, go_on = threading.Event(), threading.Event()
    loss = session.training.problem.loss
    session.training.problem.loss = lambda generator: (begun.set(), go_on.wait(60), loss(generator))[-1]
    press(panel, "start")
    assert begun.wait(60)
    for action in ("pause", "start", "stop", "reset", "start"):
        press(panel, action)
    assert session.training.iteration == 0  # all have come back, and the first iteration is still under way
    go_on.set()


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
    shown(panel, state="idle")
    panel.widget.observe(lambda change: frames.append((time.monotonic(), change.new["state"])), "frame")
    press(panel, "start")
    until(lambda: len(frames) >= 5)
    press(panel, "stop")
    shown(panel, state="stopped")
    training = [at for at, state in frames if state == "running"]
    assert len(training) >= 4
    assert all(later - at >= 0.2 for at, later in itertools.pairwise(training))
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
    assert html.count("<img ") == 3
    assert "dot · Paused · iteration" in html
    assert "first &lt;b&gt;" in html
    assert "a &lt;dot&gt;" in html
    assert "<b>" not in html
    assert "dot: Paused, iteration" in view.text()


def test_announcements_are_rare_except_for_changes_of_state(session, monkeypatch):
    monkeypatch.setattr("widgets.session_view.ANNOUNCE_SECONDS", 60.0)
    view = SessionView(session)
    first = view.frame()["announcement"]
    assert first.startswith("Ready: iteration 0")
    session.start()
    until(lambda: session.training.iteration > 5)
    running = view.frame()["announcement"]
    assert running.startswith("Training: iteration")
    until(lambda: session.training.iteration > 50)
    assert view.frame()["announcement"] == running


def test_copying_gives_the_whole_history(session):
    panel = widgets.dashboard(session)
    press(panel, "start")
    until(lambda: session.training.iteration > 20)
    session.stop()
    sent = []
    panel.widget.send = sent.append
    ask(panel, "numbers")
    assert sent == [{"kind": "copy", "text": session.training.history.to_csv()}]


def test_only_the_four_buttons_do_anything(session):
    panel = widgets.dashboard(session)
    press(panel, "close")
    press(panel, "__class__")
    assert not session.closed


def test_every_way_to_take_a_session_away(session):
    panel = widgets.dashboard(session)
    press(panel, "start")
    until(lambda: session.training.iteration > 5)
    session.set(goal=2.5)
    session.stop()
    sent = []
    panel.widget.send = sent.append
    for what in ("csv", "json", "report", "command"):
        ask(panel, what)
    csv, history, report, command = sent
    assert (csv["name"], csv["text"]) == ("dot-history.csv", session.training.history.to_csv())
    assert json.loads(history["text"])["changes"] == [
        {"iteration": session.training.history.changes[0].iteration, "name": "goal", "value": 2.5}
    ]
    assert report["name"] == "dot-report.html"
    assert "goal = 2.5 from iteration" in report["text"]
    assert "first &lt;b&gt;" in report["text"]
    assert "This run is not complete" in report["text"]
    assert command["text"] == "workbench run dot -p goal=2.5"


def test_the_command_of_a_showcase_repeats_its_parameters():
    changed = TrebuchetParameters(seed=3, recipe="published", wind=-2.5)
    command = run_command("anything", changed)
    assert command == "workbench run trebuchet -p wind=-2.5 -p recipe=published -p seed=3"
    texts = dict(word.split("=") for word in command.split()[4::2])
    assert TrebuchetParameters.from_text(texts) == changed


def test_a_live_parameter_acts_at_once_and_the_others_wait_for_reset(session):
    panel = widgets.dashboard(session)
    press(panel, "start")
    change(panel, "goal", "3", 1)
    until(lambda: session.training.problem.goal == 3.0)
    change(panel, "iterations", "50", 2)
    shown(panel, waiting=["iterations"])
    assert session.training.iterations == 10_000_000
    press(panel, "reset")
    shown(panel, waiting=[], state="idle", iterations=50)
    assert session.parameters == DotParameters(iterations=50, goal=3.0)


def test_undo_takes_back_one_change_after_the_other(session):
    panel = widgets.dashboard(session)
    shown(panel, undo="")
    change(panel, "slow", "false", 1)
    change(panel, "goal", "3", 2)
    shown(panel, undo="goal back to 1.0")
    press(panel, "undo")
    shown(panel, undo="slow back to True", waiting=["slow"])
    until(lambda: session.training.problem.goal == 1.0)
    press(panel, "undo")
    shown(panel, undo="", waiting=[])
    press(panel, "undo")
    assert [c.value for c in session.training.history.changes] == [3.0, 1.0]


def test_two_sessions_side_by_side_have_panels_of_their_own(session):
    other = Session("other", make_training, DotParameters(goal=-1.0))
    left, right = widgets.dashboard(session), widgets.dashboard(other)
    press(left, "start")
    shown(left, state="running")
    change(right, "goal", "-2", 1)
    until(lambda: other.training.problem.goal == -2.0)
    assert right.widget.frame["state"] == "idle"
    assert session.training.problem.goal == 1.0
    other.close()
    shown(right, state="closed")
    assert session.state == "running"


def test_a_panel_at_rest_shows_that_its_kernel_lives(session, monkeypatch):
    monkeypatch.setattr(sys.modules["widgets.dashboard"], "BEAT_SECONDS", 0.1)
    panel = widgets.dashboard(session)
    shown(panel, state="idle")
    before = panel.widget.beat
    until(lambda: panel.widget.beat > before + 1)


def test_more_pictures_than_one_are_drawn_each_under_its_name(session):
    view = SessionView(session)
    (second,) = view.frame()["more"]
    assert second["name"] == "Second <view>"
    assert second["svg"].startswith("<svg")
    assert "line: from (0, 0) to (1, 2)" in second["summary"]
    assert "<u>" not in second["svg"]
    assert view.html().count("<img") == 3
