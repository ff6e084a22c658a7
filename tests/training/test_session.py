"""Sessions with real threads: commands, states, pictures, failures, and the same numbers as without them."""

import itertools
import os
import signal
import threading
import time

import pytest
from line import Line, LineParameters, make_training, numbers

from workbench.errors import CheckpointError, NotFiniteError, ParameterError, SessionError
from workbench.training import CheckpointWarning, Session, Training
from workbench.training import session as module

LONG = LineParameters(iterations=10_000_000)


@pytest.fixture(autouse=True)
def _no_session_survives():
    yield
    for session in module._sessions.values():
        session.close()
    module._sessions.clear()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("session ")]


def session_of(parameters=None, make=make_training, checkpoint=None):
    return Session("line", make, parameters or LineParameters(), checkpoint)


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def train_a_little(session):
    """Start it, and wait for its next iteration."""
    before = session.training.iteration
    session.start()
    until(lambda: session.training.iteration > before)


def unscheduled(parameters):
    """A training whose numbers do not depend on how many iterations there will be."""
    return Training(Line(), iterations=parameters.iterations, learning_rate=parameters.learning_rate)


def acting(moments):
    """The training of the line, in which something is done within some iterations."""

    def make(parameters):
        training = make_training(parameters)
        training.problem._poison = lambda seen, loss, terms: moments.get(seen, lambda: None)() or loss
        return training

    return make


class Clock:
    """A clock that stands still except where a test lets time pass."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def spend(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    """The clock of all sessions of the test."""
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def timed_training(clock, make_line=Line):
    """A hundred iterations a second."""
    return lambda parameters: Training(
        make_line(lambda seen, loss, terms: clock.spend(0.01) or loss),
        iterations=parameters.iterations,
        learning_rate=parameters.learning_rate,
    )


# ------------------------------------------------------------------------------------ the same numbers


def test_thread_headless_and_plain_loop_give_the_same_numbers(capsys):
    plain = make_training(LineParameters())
    list(plain)
    headless = session_of().run()
    threaded = session_of()
    threaded.start()
    assert threaded.wait(60)
    assert threaded.state == "done"
    assert numbers(headless) == numbers(plain)
    assert numbers(threaded.training) == numbers(plain)
    assert "all 200 iterations done · iteration 200 of 200 · loss" in capsys.readouterr().out


def test_pausing_and_stopping_change_no_number():
    session = session_of(LONG, unscheduled)
    for _ in range(5):
        train_a_little(session)
        session.pause()
        assert session.wait(60)
        train_a_little(session)
        session.stop()
    plain = unscheduled(LineParameters(iterations=session.training.iteration))
    list(plain)
    assert numbers(session.training) == numbers(plain)


def test_pausing_and_stopping_change_no_number_of_a_schedule():
    whole = session_of().run()
    ends = {20: lambda: session.pause(), 90: lambda: session.stop(wait=False), 91: lambda: session.pause()}
    session = session_of(make=acting(ends))
    for reached in (*ends, 200):
        session.start()
        assert session.wait(60)
        assert session.training.iteration == reached
    assert session.state == "done"
    assert numbers(session.training) == numbers(whole)


# ----------------------------------------------------------------------------------------- commands


def test_the_life_of_a_session():
    session = session_of(LONG)
    assert session.state == "idle"
    session.start()
    until(lambda: session.state == "running" and session.training.iteration > 10)
    session.pause()
    assert session.wait(60)
    assert session.state == "paused"
    rested = session.training.iteration
    time.sleep(0.05)
    assert session.training.iteration == rested
    session.start()
    until(lambda: session.training.iteration > rested)
    session.stop()
    assert session.state == "stopped"
    assert session.latest.record.iteration == session.training.iteration
    session.reset()
    assert session.wait(60)
    assert (session.state, session.training.iteration, session.latest.record) == ("idle", 0, None)


def test_pause_and_stop_act_within_an_iteration():
    session = session_of(make=acting({7: lambda: session.pause(), 9: lambda: session.stop(wait=False)}))
    for reached, state in ((7, "paused"), (9, "stopped")):
        session.start()
        assert session.wait(60)
        assert (session.training.iteration, session.state) == (reached, state)


def test_commands_cost_nothing_while_an_iteration_is_long():
    begun, go_on = threading.Event(), threading.Event()
    session = session_of(make=acting({1: lambda: begun.set() or (go_on.wait(60) and None)}))
    session.start()
    assert begun.wait(60)
    (
        session.pause(),
        session.set(learning_rate=0.2),
        session.reset(),
        session.start(),
        session.stop(wait=False),
    )
    assert session.training.iteration == 0  # all five have come back, and the iteration is still under way
    go_on.set()
    assert session.wait(60)


def test_what_is_asked_for_during_the_last_iteration_of_a_run_is_done():
    session = session_of(make=acting({200: lambda: session.reset()}))
    session.run()
    assert session.wait(60)
    assert (session.state, session.training.iteration) == ("idle", 0)


def test_nothing_begins_while_a_session_is_being_closed(monkeypatch, tmp_path):
    session = session_of(LONG, checkpoint=tmp_path / "checkpoint.pt")
    save, refused = module.save_checkpoint, []

    def save_and_start(*arguments):
        save(*arguments)
        with pytest.raises(SessionError, match="is closed"):
            session.start()
        refused.append(True)

    train_a_little(session)
    monkeypatch.setattr(module, "save_checkpoint", save_and_start)
    session.close()
    assert refused
    assert session.state == "stopped"


def test_who_waits_for_the_end_finds_its_picture():
    class Watched(Line):
        def snapshot(self):
            seen.append((int(self.modules.seen), session.state if session else None))
            return super().snapshot()

    seen, session = [], None
    session = session_of(make=lambda p: Training(Watched(), iterations=p.iterations, learning_rate=0.1))
    session.start()
    assert session.wait(60)
    assert seen[-1] == (200, "running")  # made before the state is seen
    assert session.latest.record.iteration == 200


def test_commands_that_do_not_fit_the_state_do_nothing():
    session = session_of(LONG)
    session.pause()
    session.stop()
    assert session.state == "idle"
    session.start(), session.start()
    until(lambda: session.state == "running")
    session.stop()
    session.pause()
    assert session.wait(60)
    assert session.state == "stopped"


def test_starting_what_is_done_is_an_error_until_reset(capsys):
    session = session_of()
    session.run()
    with pytest.raises(SessionError, match="nothing left to do"):
        session.start()
    session.reset(iterations=100)
    session.start()
    assert session.wait(60)
    assert (session.state, session.training.iteration) == ("done", 100)
    assert session.parameters.iterations == 100


def test_a_wrong_reset_changes_nothing():
    session = session_of(LONG)
    session.start()
    with pytest.raises(ParameterError, match="seed"):
        session.reset(seed=-1)
    until(lambda: session.training.iteration > 10)
    assert session.state == "running"


def test_the_learning_rate_changes_between_iterations_and_is_recorded():
    session = session_of(LONG)
    session.start()
    until(lambda: session.training.iteration > 10)
    session.set(learning_rate=0.01)
    session.pause()
    assert session.wait(60)
    (change,) = session.training.history.changes
    rates = session.training.history.column("learning_rate")
    assert change.value == 0.01
    assert rates[change.iteration - 1] == pytest.approx(0.05, rel=0.01)
    assert rates[change.iteration :] == pytest.approx(0.01, rel=0.01)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), "fast", 1000.0])
def test_a_wrong_learning_rate_is_refused_at_once(value):
    session = session_of()
    with pytest.raises(ParameterError, match="learning_rate"):
        session.set(learning_rate=value)
    assert session.training.learning_rate == 0.05


def test_what_is_not_live_waits_for_a_reset():
    session = session_of()
    with pytest.raises(ParameterError, match=r"(?s)'seed' cannot be changed while training.*reset\(seed=3\)"):
        session.set(seed=3)
    with pytest.raises(ParameterError, match="did you mean 'seed'"):
        session.set(sed=3)
    assert not session.training.history.changes


def test_the_parameters_in_force_are_those_of_the_start_with_what_was_changed():
    session = session_of()
    session.set(learning_rate=0.01)
    assert session.wait(60)
    assert session.current == LineParameters(learning_rate=0.01)
    assert session.parameters == LineParameters()
    session.reset()
    assert session.wait(60)
    assert session.current == LineParameters()


def test_running_twice_at_once_is_refused():
    session = session_of(LONG)
    session.start()
    until(lambda: session.state == "running")
    with pytest.raises(SessionError, match="already running"):
        session.run()


def test_a_new_session_of_the_same_name_stops_the_old_one():
    old = session_of(LONG)
    old.start()
    until(lambda: old.training.iteration > 0)
    new = session_of(LONG)
    assert old.state == "stopped"
    assert "newer session" in old.message
    rested = old.training.iteration
    new.start()
    time.sleep(0.05)
    assert old.training.iteration == rested
    with pytest.raises(SessionError, match="is closed"):
        old.start()


def test_sessions_of_other_names_live_side_by_side():
    first = Session("first", make_training, LONG)
    second = Session("second", make_training, LONG)
    first.start(), second.start()
    until(lambda: first.training.iteration > 10 and second.training.iteration > 10)
    assert (first.state, second.state) == ("running", "running")


# ----------------------------------------------------------------------------------------- pictures


def test_pictures_come_at_most_four_times_a_second_and_the_last_one_is_final(clock):
    class Watched(Line):
        def snapshot(self):
            pictures.append((int(self.modules.seen), clock.now))
            return super().snapshot()

    pictures = []
    session = session_of(LineParameters(iterations=250), timed_training(clock, Watched))
    pictures.clear()
    session.start()
    assert session.wait(60)
    assert 10 <= len(pictures) <= 12  # the first, at most four in each of two and a half seconds, the last
    times = [at for _, at in pictures[:-1]]
    assert all(0.25 <= later - at < 0.265 for at, later in itertools.pairwise(times))
    assert pictures[-1][0] == session.latest.record.iteration == session.training.iteration == 250
    assert session.latest.snapshot["curve:line"].shape == (20, 2)
    assert session.latest.rate == pytest.approx(100)
    assert session.latest.eta is None


def test_there_is_a_picture_before_the_start():
    assert session_of().latest.snapshot["curve:line"].shape == (20, 2)


def test_rate_and_time_left_while_running(clock):
    session = session_of(LONG, timed_training(clock))
    session.start()
    until(lambda: session.latest.eta is not None and session.latest.record.iteration > 50)
    latest = session.latest
    assert latest.rate == pytest.approx(100)
    assert latest.eta == pytest.approx((LONG.iterations - latest.record.iteration) / 100)


def test_a_slow_picture_is_taken_seldom(clock):
    """Watching costs a bounded share of the time, however slow a snapshot is."""

    class SlowToLookAt(Line):
        def snapshot(self):
            pictures.append(clock.now)
            clock.spend(0.02)
            return super().snapshot()

    pictures = []
    session = session_of(LineParameters(iterations=300), timed_training(clock, SlowToLookAt))
    pictures.clear()
    session.start()
    assert session.wait(60)
    assert 4 <= len(pictures) <= 6
    assert all(later - at >= 0.8 for at, later in itertools.pairwise(pictures[:-1]))


def test_waiting_for_news_can_time_out():
    session = session_of()
    version = session.wait_for_news(-1)
    assert session.wait_for_news(version, timeout=0.05) == version


# ----------------------------------------------------------------------------------------- failures


def exploding(parameters):
    def explode(seen, loss, terms):
        return loss * float("inf") if seen == 50 else loss

    return Training(Line(explode), iterations=parameters.iterations, learning_rate=parameters.learning_rate)


def test_a_failure_in_the_thread_is_told():
    session = session_of(make=exploding)
    session.start()
    assert session.wait(60)
    assert session.state == "failed"
    assert "the loss is not finite in iteration 50" in session.error
    assert session.training.iteration == 49
    assert isinstance(session.exception, NotFiniteError)
    session.reset()
    assert session.wait(60)
    assert (session.state, session.error) == ("idle", None)


def test_a_failure_in_run_is_raised_and_leaves_a_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(NotFiniteError, match="iteration 50"):
        session_of(make=exploding, checkpoint=path).run()
    assert session_of(make=exploding, checkpoint=path).training.iteration == 49


def test_a_failed_session_can_go_on_from_the_state_kept():
    once = iter([True])

    def explode_once(seen, loss, terms):
        return loss * float("nan") if seen == 50 and next(once, False) else loss

    session = session_of(make=lambda p: Training(Line(explode_once), iterations=200, learning_rate=0.05))
    session.start()
    assert session.wait(60)
    assert session.state == "failed"
    session.start()
    assert session.wait(60)
    assert (session.state, session.error) == ("done", None)
    plain = Training(Line(), iterations=200, learning_rate=0.05)
    list(plain)
    assert numbers(session.training) == numbers(plain)


def test_an_error_in_a_snapshot_or_a_reset_is_told_too():
    class Blind(Line):
        def snapshot(self):
            if self.modules.seen > 3:
                raise ValueError("nothing to see")
            return {}

    session = session_of(LONG, lambda p: Training(Blind(), iterations=p.iterations, learning_rate=0.1))
    session.start()
    assert session.wait(60)
    assert session.error == "ValueError: nothing to see"


def test_an_error_in_a_callback_thread_does_not_kill_the_worker():
    def picky(parameters):
        if parameters.seed == 13:
            raise RuntimeError("no luck")
        return make_training(parameters)

    session = session_of(LONG, picky)
    session.start()
    session.reset(seed=13)
    assert session.wait(60)
    assert (session.state, session.error) == ("failed", "RuntimeError: no luck")
    session.reset(seed=12)
    assert session.wait(60)
    assert (session.state, session.parameters.seed) == ("idle", 12)


# -------------------------------------------------------------------------------------- checkpoints


def test_a_stopped_session_is_taken_up_by_the_next(tmp_path):
    path = tmp_path / "checkpoint.pt"
    parameters = LineParameters(iterations=400)
    whole = session_of(parameters).run()
    first = session_of(parameters, acting({150: lambda: first.stop(wait=False)}), checkpoint=path)
    first.start()
    assert first.wait(60)
    assert (first.state, first.training.iteration) == ("stopped", 150)
    second = session_of(parameters, checkpoint=path)
    assert second.state == "idle"
    assert second.training.iteration == first.training.iteration
    assert second.latest.record.iteration == first.training.iteration
    assert second.message == f"resumed at iteration {first.training.iteration}"
    assert numbers(second.run()) == numbers(whole)


def test_a_finished_checkpoint_has_nothing_left_to_do(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    done = session_of(checkpoint=path).run()
    again = session_of(checkpoint=path)
    assert again.state == "done"
    assert numbers(again.run()) == numbers(done)
    assert "all 200 iterations done" in capsys.readouterr().out


def test_checkpoints_are_written_every_few_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.05)
    session = session_of(LONG, checkpoint=tmp_path / "checkpoint.pt")
    session.start()
    until(lambda: (tmp_path / "checkpoint.previous.pt").exists())
    assert session.state == "running"


def test_a_checkpoint_of_other_parameters_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    session_of(checkpoint=path).run()
    with pytest.raises(CheckpointError, match="another set of parameters") as caught:
        session_of(LineParameters(seed=1), checkpoint=path)
    assert "got seed = 0, expected 1" in str(caught.value)


def test_a_checkpoint_of_another_session_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    session_of(checkpoint=path).run()
    with pytest.raises(CheckpointError, match="got session = 'line', expected 'circle'"):
        Session("circle", make_training, LineParameters(), path)


def test_a_damaged_checkpoint_is_told_and_the_one_before_is_used(tmp_path):
    path = tmp_path / "checkpoint.pt"
    session = session_of(LONG, checkpoint=path)
    for _ in range(2):
        train_a_little(session)
        session.stop()
    path.write_bytes(path.read_bytes()[:500])
    with pytest.warns(CheckpointWarning, match="went back to the checkpoint of iteration"):
        again = session_of(LONG, checkpoint=path)
    assert 0 < again.training.iteration < session.training.iteration


def test_a_full_disk_fails_the_session_but_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    session = session_of(LONG, checkpoint=path)
    session.start()
    until(lambda: session.training.iteration > 10)
    session.pause()
    assert session.wait(60)
    kept = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    session.start()
    session.stop()
    assert session.state == "failed"
    assert "No space left on device" in session.error
    assert path.read_bytes() == kept
    monkeypatch.undo()
    session.start()
    session.stop()
    assert session.state == "stopped"


# ------------------------------------------------------------------------------------------- Ctrl-C


def test_ctrl_c_finishes_the_iteration_writes_a_checkpoint_and_says_so(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    interrupt = acting({100: lambda: os.kill(os.getpid(), signal.SIGINT)})
    session = session_of(make=interrupt, checkpoint=path)
    with pytest.raises(KeyboardInterrupt):
        session.run()
    assert session.training.iteration == 100
    assert "Interrupted after iteration 100" in capsys.readouterr().out
    assert session.state == "stopped"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed = session_of(checkpoint=path)
    assert resumed.training.iteration == 100
    assert numbers(resumed.run()) == numbers(Session("whole", make_training, LineParameters()).run())


def test_progress_is_printed_now_and_then(capsys, monkeypatch, clock):
    monkeypatch.setattr(module, "PRINT_SECONDS", 0.1)
    session_of(LineParameters(iterations=50), timed_training(clock)).run()
    lines = capsys.readouterr().out.splitlines()
    assert 5 <= len(lines) <= 6
    assert "iteration" in lines[0]
    assert "100 per second" in lines[-1]
