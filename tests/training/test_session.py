"""Sessions with real threads: commands, states, pictures, failures, and the same numbers as without them."""

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


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def slow_training(parameters):
    """About a hundred iterations a second."""
    return Training(
        Line(lambda seen, loss, terms: time.sleep(0.01) or loss),
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
    assert threaded.wait(20)
    assert threaded.state == "done"
    assert numbers(headless) == numbers(plain)
    assert numbers(threaded.training) == numbers(plain)
    assert "all 200 iterations done · iteration 200 of 200 · loss" in capsys.readouterr().out


def test_pausing_and_stopping_change_no_number():
    whole = session_of(LineParameters(iterations=3000)).run()
    session = session_of(LineParameters(iterations=3000))
    for _ in range(5):
        session.start()
        time.sleep(0.02)
        session.pause()
        session.wait()
        session.start()
        time.sleep(0.02)
        session.stop()
    session.start()
    session.wait(20)
    assert numbers(session.training) == numbers(whole)


# ----------------------------------------------------------------------------------------- commands


def test_the_life_of_a_session():
    session = session_of(LONG)
    assert session.state == "idle"
    session.start()
    until(lambda: session.state == "running" and session.training.iteration > 10)
    session.pause()
    assert session.wait(5)
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
    assert session.wait(5)
    assert (session.state, session.training.iteration, session.latest.record) == ("idle", 0, None)


def test_pause_and_stop_act_within_an_iteration():
    session = session_of(LONG, slow_training)
    for command, bar in ((session.pause, 0.5), (session.stop, 1.0)):
        session.start()
        until(lambda: session.state == "running")
        begin = time.monotonic()
        command()
        session.wait()
        assert time.monotonic() - begin < bar


def test_commands_cost_nothing_while_an_iteration_is_long():
    session = session_of(LONG, lambda p: Training(Line(slow), iterations=10, learning_rate=0.1))
    session.start()
    until(lambda: session.state == "running")
    begin = time.monotonic()
    (
        session.pause(),
        session.set(learning_rate=0.2),
        session.reset(),
        session.start(),
        session.stop(wait=False),
    )
    assert time.monotonic() - begin < 0.1
    session.wait(10)


def slow(seen, loss, terms):
    time.sleep(0.5)
    return loss


def test_commands_that_do_not_fit_the_state_do_nothing():
    session = session_of(LONG)
    session.pause()
    session.stop()
    assert session.state == "idle"
    session.start(), session.start()
    until(lambda: session.state == "running")
    session.stop()
    session.pause()
    session.wait()
    assert session.state == "stopped"


def test_starting_what_is_done_is_an_error_until_reset(capsys):
    session = session_of()
    session.run()
    with pytest.raises(SessionError, match="nothing left to do"):
        session.start()
    session.reset(iterations=100)
    session.start()
    session.wait(10)
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
    session.wait()
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
    session.wait()
    assert session.current == LineParameters(learning_rate=0.01)
    assert session.parameters == LineParameters()
    session.reset()
    session.wait()
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


def test_pictures_come_at_most_four_times_a_second_and_the_last_one_is_final():
    session = session_of(LONG)
    session.start()
    seen, times = 0, []
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        seen = session.wait_for_news(seen, timeout=0.5)
        times.append(time.monotonic())
    session.stop()
    assert 3 <= len(times) <= 7
    assert session.latest.record.iteration == session.training.iteration
    assert session.latest.snapshot["curve:line"].shape == (20, 2)
    assert session.latest.rate > 0
    assert session.latest.eta is None


def test_there_is_a_picture_before_the_start():
    assert session_of().latest.snapshot["curve:line"].shape == (20, 2)


def test_rate_and_time_left_while_running():
    session = session_of(LineParameters(iterations=100_000), slow_training)
    session.start()
    until(lambda: session.latest.eta is not None and session.training.iteration > 50)
    assert 30 < session.latest.rate < 100
    assert session.latest.eta == pytest.approx(100_000 / session.latest.rate, rel=0.05)


def test_a_slow_picture_is_taken_seldom():
    """Watching costs a bounded share of the time, however slow a snapshot is."""

    class SlowToLookAt(Line):
        def snapshot(self):
            time.sleep(0.02)
            return super().snapshot()

    session = session_of(LONG, lambda p: Training(SlowToLookAt(), iterations=10**7, learning_rate=0.1))
    session.start()
    time.sleep(0.2)
    seen = session.wait_for_news(-1)
    time.sleep(1.5)
    session.pause()
    session.wait()
    assert session.wait_for_news(-1) - seen <= 4


def test_waiting_for_news_can_time_out():
    session = session_of()
    version = session.wait_for_news(-1)
    begin = time.monotonic()
    assert session.wait_for_news(version, timeout=0.05) == version
    assert time.monotonic() - begin < 1.0


# ----------------------------------------------------------------------------------------- failures


def exploding(parameters):
    def explode(seen, loss, terms):
        return loss * float("inf") if seen == 50 else loss

    return Training(Line(explode), iterations=parameters.iterations, learning_rate=parameters.learning_rate)


def test_a_failure_in_the_thread_is_told():
    session = session_of(make=exploding)
    session.start()
    session.wait(10)
    assert session.state == "failed"
    assert "the loss is not finite in iteration 50" in session.error
    assert session.training.iteration == 49
    assert isinstance(session.exception, NotFiniteError)
    session.reset()
    session.wait()
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
    session.wait(10)
    assert session.state == "failed"
    session.start()
    session.wait(10)
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
    session.wait(10)
    assert session.error == "ValueError: nothing to see"


def test_an_error_in_a_callback_thread_does_not_kill_the_worker():
    def picky(parameters):
        if parameters.seed == 13:
            raise RuntimeError("no luck")
        return make_training(parameters)

    session = session_of(LONG, picky)
    session.start()
    session.reset(seed=13)
    session.wait(10)
    assert (session.state, session.error) == ("failed", "RuntimeError: no luck")
    session.reset(seed=12)
    session.wait(10)
    assert (session.state, session.parameters.seed) == ("idle", 12)


# -------------------------------------------------------------------------------------- checkpoints


def test_a_stopped_session_is_taken_up_by_the_next(tmp_path):
    path = tmp_path / "checkpoint.pt"
    parameters = LineParameters(iterations=2000)
    whole = session_of(parameters).run()
    first = session_of(parameters, checkpoint=path)
    first.start()
    until(lambda: first.training.iteration > 100)
    first.stop()
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
        session.start()
        time.sleep(0.02)
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
    session.wait()
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
    parameters = LineParameters(iterations=3000)
    session = session_of(parameters, checkpoint=path)
    threading.Timer(0.15, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        session.run()
    reached = session.training.iteration
    assert f"Interrupted after iteration {reached}" in capsys.readouterr().out
    assert session.state == "stopped"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed = session_of(parameters, checkpoint=path)
    assert resumed.training.iteration == reached
    assert numbers(resumed.run()) == numbers(Session("whole", make_training, parameters).run())


def test_progress_is_printed_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(module, "PRINT_SECONDS", 0.1)
    session_of(LineParameters(iterations=50), slow_training).run()
    lines = capsys.readouterr().out.splitlines()
    assert 3 <= len(lines) <= 8
    assert "iteration" in lines[0]
    assert "per second" in lines[-1]
