"""A training that can be started, paused, stopped, reset and watched while it runs.

One thread at a time touches the training: the caller's in ``run``, the session's own worker otherwise.
Everything else posts commands to a queue that this thread reads between two iterations, so ``start``,
``pause``, ``stop``, ``reset`` and ``set`` may be called from anywhere, a widget's callback too, at no cost.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from workbench.errors import CheckpointError, ParameterError, SessionError, WorkbenchError
from workbench.parameters import Parameters
from workbench.training.checkpoint import has_checkpoint, load_checkpoint, save_checkpoint
from workbench.training.history import Record
from workbench.training.interrupt import note_first_interrupt
from workbench.training.loop import Training
from workbench.training.pace import Pace
from workbench.training.settings import check_positive

State = Literal["idle", "running", "paused", "stopped", "done", "failed"]

SNAPSHOT_SECONDS = 0.25
SNAPSHOT_SHARE = 1 / 40
CHECKPOINT_SECONDS = 5.0
PRINT_SECONDS = 5.0
CLOSE_SECONDS = 10.0


@dataclass(frozen=True)
class Latest:
    """What a panel needs to draw the session now; ``eta`` is in seconds, None where it is unknown."""

    record: Record | None = None
    snapshot: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 0.0
    eta: float | None = None


class Session:
    """One training under a name.

    Making a session stops an older one of the same name, so that running a notebook cell again never leaves
    two threads training. States: idle → running ⇄ paused → stopped | done | failed. ``start`` also goes on
    from stopped and failed; ``reset`` makes any state idle.

    Args:
        name: of the session; a checkpoint is only taken up by a session of the same name.
        make_training: builds the training from the parameters; called again on ``reset``.
        parameters: checked parameters; a checkpoint is only taken up by a session with the same ones.
        checkpoint: file to write every few seconds, on pausing and at the end, and to start from when it is
            there. None: no checkpoints.
    Raises:
        CheckpointError: the checkpoint that is there cannot be used.
    Warns:
        CheckpointWarning: the newest checkpoint is damaged and the one before it was taken.
    """

    def __init__(
        self,
        name: str,
        make_training: Callable[[Parameters], Training],
        parameters: Parameters,
        checkpoint: Path | str | None = None,
    ) -> None:
        self.name = name
        self.checkpoint = Path(checkpoint) if checkpoint is not None else None
        self.message = ""
        self.exception: Exception | None = None
        self._state: State = "idle"
        self._make_training = make_training
        self._commands: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._changed = threading.Condition()
        self._version = 0
        self._pending = 0
        self._worker: threading.Thread | None = None
        self._in_caller = False
        self._shut = False
        self.closed = False
        _close_older(name)
        self._build(parameters)
        if self.checkpoint is not None and has_checkpoint(self.checkpoint):
            load_checkpoint(self.checkpoint, self.training, expected=self._provenance())
            self.message = f"resumed at iteration {self.training.iteration}"
            self._state = "done" if self.training.done else "idle"
            self._publish()
        _sessions[name] = self

    def __repr__(self) -> str:
        training = self.training
        progress = f"iteration {training.iteration} of {training.iterations}"
        return f"Session({self.name!r}, {self.state}, {progress})"

    # ------------------------------------------------------------------------------------- reading

    @property
    def state(self) -> State:
        """idle, running, paused, stopped, done or failed."""
        return self._state

    @property
    def current(self) -> Parameters:
        """The parameters with all that was changed since the training began."""
        fields = type(self.parameters).model_fields
        changes = {c.name: c.value for c in self.training.history.changes if c.name in fields}
        return self.parameters.changed(**changes) if changes else self.parameters

    @property
    def error(self) -> str | None:
        """Why the session failed, as text for people; None while it has not."""
        error = self.exception
        if error is None:
            return None
        return str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"

    @property
    def latest(self) -> Latest:
        """The newest picture of the training; a new one is made at most four times a second."""
        return self._latest

    def wait_for_news(self, seen: int, timeout: float | None = None) -> int:
        """Block until something changed since version ``seen`` (or the time is up); the version now."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != seen, timeout)
            return self._version

    def wait_while(self, state: State, timeout: float | None = None) -> None:
        """Block as long as the session is in this state (or until the time is up)."""
        with self._changed:
            self._changed.wait_for(lambda: self._state != state, timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until every command is obeyed and the training rests; False when the time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending and self._state != "running", timeout)

    # ---------------------------------------------------------------------------------- commanding

    def start(self) -> None:
        """Train in the background, or go on after a pause, a stop or a failure. No effect while running.

        Raises:
            SessionError: nothing is left to do.
        """
        if self._state == "done" and not self._pending:
            raise SessionError(
                f"session {self.name!r} has nothing left to do",
                found=self.message,
                where="start",
                fix="call reset() to train again from the beginning",
            )
        self._post("start")

    def pause(self) -> None:
        """Rest after the iteration under way; ``start`` goes on. No effect unless running."""
        self._post("pause")

    def stop(self, wait: bool = True) -> None:
        """End the training after the iteration under way and write a checkpoint."""
        self._post("stop")
        if wait:
            self.wait()

    def reset(self, **changes: Any) -> None:
        """Back to the beginning, with some parameters changed; idle afterwards.

        Raises:
            ParameterError: a value that its parameter does not take; nothing happens then.
        """
        self._post("reset", self.parameters.changed(**changes))

    def set(self, **changes: Any) -> None:
        """Change live parameters from the next iteration on; each change is recorded in the history.

        The learning rate can always be changed.

        Raises:
            UnknownParameterError: there is no such parameter.
            ParameterError: a value that its parameter does not take, or a parameter that is not live.
        """
        fields = {info.name: info for info in type(self.parameters).infos()}
        known = {name: value for name, value in changes.items() if name != "learning_rate" or name in fields}
        checked = self.parameters.changed(**known)
        for name, value in changes.items():
            if name == "learning_rate":
                check_positive(name, value)
            elif not fields[name].live:
                raise ParameterError(
                    f"parameter {name!r} cannot be changed while training",
                    found=f"got {name} = {value!r}",
                    where="set",
                    fix=f"begin again with it: reset({name}={value!r})",
                )
        for name, value in changes.items():
            self._post("set", (name, getattr(checked, name, value)))

    def run(self) -> Training:
        """Train to the end in the calling thread, printing a line of progress every few seconds.

        Gives the same numbers as ``start``. Ctrl-C lets the iteration under way finish and writes a
        checkpoint; a second Ctrl-C ends at once.

        Returns:
            the training.
        Raises:
            SessionError: it is already running in the background.
            KeyboardInterrupt: after Ctrl-C.
            Exception: whatever ended the training, as it was raised.
        """
        if self._state == "running":
            raise SessionError(
                f"session {self.name!r} is already running", where="run", fix="call stop() or wait() first"
            )
        with self._changed:
            self._in_caller = True
        try:
            self._retire_worker()
            if self._state != "done":
                self._run_in_caller()
        finally:
            with self._changed:
                self._in_caller = False
                self._employ()  # for what was asked for during the last iteration
        print(f"{self.message} · {self._progress_text()}", flush=True)
        return self.training

    def close(self, message: str = "closed") -> None:
        """Stop and end the worker thread, for good; a panel shows ``message``."""
        with self._changed:
            self._shut = True
        self._retire_worker(CLOSE_SECONDS)
        self.closed = True
        self._state = "stopped" if self._state in ("running", "paused") else self._state
        self.message = message
        self._tell(replace(self._latest, eta=None))

    # ---------------------------------------------------------------------- the thread that trains

    def _post(self, command: str, value: Any = None) -> None:
        with self._changed:
            if self._shut:
                raise SessionError(
                    f"session {self.name!r} is closed",
                    found=self.message,
                    where=command,
                    fix="make a new session",
                )
            self._put(command, value)
            self._employ()

    def _put(self, command: str, value: Any = None) -> None:
        self._pending += 1
        self._commands.put((command, value))

    def _employ(self) -> None:
        """Begin a worker where there is something to do and nobody to do it; the lock is held."""
        if self._worker is None and not self._in_caller and not self._commands.empty():
            self._worker = threading.Thread(target=self._work, name=f"session {self.name}", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        while self._turn() != "close":
            pass
        with self._changed:
            self._worker = None
            self._employ()

    def _retire_worker(self, seconds: float | None = None) -> None:
        """Let the worker obey what was asked of it before, rest, and end."""
        with self._changed:
            worker = self._worker
            if worker is not None:
                self._put("close")
        if worker is not None:
            worker.join(seconds)

    def _run_in_caller(self) -> None:
        with note_first_interrupt() as interrupted:
            self._obey("start", None)
            printed = time.monotonic()
            while self._state == "running":
                self._turn()
                if interrupted:
                    self._obey("stop", None)
                elif time.monotonic() - printed >= PRINT_SECONDS:
                    printed = time.monotonic()
                    print(self._progress_text(), flush=True)
        if interrupted:
            kept = f"; {self.checkpoint} is there to go on from" if self.checkpoint else ""
            print(f"Interrupted after iteration {self.training.iteration}{kept}.", flush=True)
            raise KeyboardInterrupt
        if self.exception is not None:
            raise self.exception

    def _turn(self) -> str | None:
        """Obey one command if there is one (wait for one unless running); otherwise do one iteration.

        Returns:
            the command.
        """
        if self._state == "running" and self._commands.empty():
            self._iterate()
            return None
        command, value = self._commands.get()
        try:
            self._obey(command, value)
        finally:
            with self._changed:
                self._pending -= 1
                self._changed.notify_all()
        return command

    def _obey(self, command: str, value: Any) -> None:
        running = self._state == "running"
        try:
            if command == "start" and not running and self._state != "done":
                self.exception = None
                self._pace.pause()
                self._enter("running")
            elif command == "pause" and running:
                self._rest("paused")
            elif command == "stop" and self._state in ("running", "paused"):
                self._rest("stopped")
            elif command == "reset":
                self._build(value)
            elif command == "set":
                self.training.set(*value)
                self._publish()
            elif command == "close" and running:
                self._rest("stopped")
        except Exception as error:
            self._fail(error)

    def _iterate(self) -> None:
        try:
            next(self.training)
            now = time.monotonic()
            if now >= self._publish_at:
                self._publish()
            if now >= self._checkpoint_at:
                self._save()
            if self.training.done:
                self._rest("done", self.training.reason_done)
        except Exception as error:
            self._fail(error)

    # ------------------------------------------------------------------------------ what it leaves

    def _build(self, parameters: Parameters) -> None:
        self.training = self._make_training(parameters)
        self.parameters = parameters
        self.exception = None
        self._pace = Pace()
        self._checkpoint_at = time.monotonic() + CHECKPOINT_SECONDS
        self._enter("idle")

    def _enter(self, state: State, message: str = "") -> None:
        """Take on a state and show its picture, at once: whoever waited for the one finds the other."""
        latest = self._picture(state)
        with self._changed:
            self._state, self.message = state, message
            self._tell(latest)

    def _rest(self, state: State, message: str = "") -> None:
        """Leave the running state with everything written down."""
        self._save()
        self._enter(state, message)

    def _fail(self, error: Exception) -> None:
        self.exception = error
        if not isinstance(error, CheckpointError):
            try:
                self._save()
            except CheckpointError as second:
                error.add_note(str(second))
        with self._changed:
            self._state, self.message = "failed", "failed"
            self._tell(replace(self._latest, eta=None))

    def _publish(self) -> None:
        """Put the newest picture into the mailbox."""
        self._tell(self._picture(self._state))

    def _picture(self, state: State) -> Latest:
        """The training as it is now, in this state; says when the next picture may be made.

        A snapshot that takes long is taken more seldom: watching costs at most SNAPSHOT_SHARE of the time.
        """
        begin = time.monotonic()
        training, running = self.training, state == "running"
        self._pace.read(training.iteration, begin)
        if not running:
            self._pace.pause()
        # In `run` nobody is watching until the end.
        unwatched = self._in_caller and running
        snapshot = self._latest.snapshot if unwatched else dict(training.problem.snapshot())
        left = training.iterations - training.iteration
        eta = self._pace.seconds_left(left) if running else None
        record = training.history[-1] if training.history else None
        spent = time.monotonic() - begin
        self._publish_at = begin + max(SNAPSHOT_SECONDS, spent / SNAPSHOT_SHARE)
        return Latest(record, snapshot, self._pace.rate, eta)

    def _tell(self, latest: Latest) -> None:
        with self._changed:
            self._latest = latest
            self._version += 1
            self._changed.notify_all()

    def _save(self) -> None:
        if self.checkpoint is not None:
            save_checkpoint(self.checkpoint, self.training, self._provenance())
        self._checkpoint_at = time.monotonic() + CHECKPOINT_SECONDS

    def _provenance(self) -> dict[str, Any]:
        return {"session": self.name, "parameters": self.parameters.model_dump()}

    def _progress_text(self) -> str:
        training, latest = self.training, self._latest
        parts = [f"iteration {training.iteration:,} of {training.iterations:,}"]
        if latest.record is not None:
            parts.append(f"loss {latest.record.loss:.4g}")
        if latest.rate:
            parts.append(f"{latest.rate:,.0f} per second")
        if latest.eta is not None:
            parts.append(f"about {latest.eta:.0f} s left")
        return " · ".join(parts)


# --------------------------------------------------------------------------------------- all sessions

_sessions: dict[str, Session] = {}


def _close_older(name: str) -> None:
    older = _sessions.pop(name, None)
    if older is not None:
        older.close("stopped: a newer session has taken this name")


@atexit.register
def _close_all() -> None:
    """Let every training finish its iteration and write its checkpoint before Python ends."""
    for session in _sessions.values():
        session.close()
