"""What there is to see of a training session, as plain values and as a static picture; no widgets."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from widgets.explore import other_texts
from widgets.panel import image, table
from widgets.plot import Picture, Plot, plot_of
from workbench.training import History, Session

ANNOUNCE_SECONDS = 5.0

# What a state is called, and what the first button does in it.
STATES = {
    "idle": ("Ready", "Start"),
    "running": ("Training", "Pause"),
    "paused": ("Paused", "Continue"),
    "stopped": ("Stopped", "Continue"),
    "done": ("Done", "Start"),
    "failed": ("Failed", "Continue"),
}


class SessionView:
    """A session as a dictionary to draw, as HTML without scripts, and as plain text."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loss_picture, self._live_picture = Picture(), Picture()
        self._more_pictures: dict[str, Picture] = {}
        self._announcement, self._announced = "", ("", 0.0)

    def frame(self) -> dict[str, Any]:
        """All that the page shows now."""
        session, training = self._session, self._session.training
        state, latest = session.state, session.latest
        live_plot = plot_of(latest.snapshot)
        word, first_button = STATES[state]
        facts = [f"{latest.rate:,.0f} per second" if latest.rate >= 10 else f"{latest.rate:.2g} per second"]
        if latest.eta is not None:
            facts.append(f"about {_duration(latest.eta)} left")
        position = f"iteration {training.iteration:,} of {training.iterations:,}"
        return {
            "title": session.name,
            "state": "closed" if session.closed else state,
            "word": word,
            "button": first_button,
            "iteration": training.iteration,
            "iterations": training.iterations,
            "position": position,
            "facts": facts if latest.rate else [],
            "message": session.error or session.message,
            "failed": bool(session.error),
            "loss": {
                "svg": self._loss_picture.svg(_loss_plot(training.history)),
                "summary": _loss_summary(training.history),
            },
            "live": {
                "svg": self._live_picture.svg(live_plot) if latest.snapshot else "",
                "summary": live_plot.summary(),
            },
            "more": self._more(latest.snapshot),
            "texts": other_texts(latest.snapshot),
            "rows": _rows(training.history),
            "announcement": self._announce(f"{word}: {position}. {_loss_summary(training.history)}", state),
        }

    def _more(self, snapshot: Mapping[str, Any]) -> list[dict[str, str]]:
        """The pictures beside the main one, each with a name."""
        found = []
        for key, picture in snapshot.items():
            if key.startswith("picture:"):
                plot, name = plot_of(picture), key.removeprefix("picture:")
                drawing = self._more_pictures.setdefault(name, Picture())
                found.append({"name": name, "svg": drawing.svg(plot), "summary": plot.summary()})
        return found

    def _announce(self, text: str, state: str) -> str:
        """What a screen reader is told: at once when the state changes, else every few seconds."""
        told_state, told_at = self._announced
        now = time.monotonic()
        if state != told_state or now - told_at >= ANNOUNCE_SECONDS:
            self._announced = (state, now)
            self._announcement = text
        return self._announcement

    def html(self) -> str:
        """The session as it is now: its state, its pictures, the numbers."""
        frame = self.frame()
        pictures = [frame["loss"], frame["live"], *frame["more"]]
        lines = [
            f"{frame['title']} · {frame['word']} · {frame['position']}",
            *frame["texts"],
            frame["message"],
        ]
        return (
            "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
            + "".join(image(shown["svg"], shown["summary"]) for shown in pictures if shown["svg"])
            + table(("number", "value"), frame["rows"])
        )

    def text(self) -> str:
        """The session as it is now, in a few lines."""
        frame = self.frame()
        head = f"{frame['title']}: {frame['word']}, {frame['position']}"
        return "\n".join([head, frame["loss"]["summary"], *frame["texts"], frame["message"]]).strip()


def _loss_plot(history: History) -> Plot:
    iterations, values = history.decimate("loss")
    curves = {"loss": _points(iterations, values)}
    averaged = _points(*history.averaged("loss"))
    if len(averaged) < len(history):
        curves = {"loss of each iteration": curves["loss"], "average": averaged}
    return Plot(
        x_label="iteration",
        y_label="loss",
        curves=curves,
        faint=frozenset({"loss of each iteration"}),
        log_y=True,
    )


def _points(x: Any, y: Any) -> Any:
    return np.column_stack([x, y])


def _loss_summary(history: History) -> str:
    if not history:
        return "No iteration done yet."
    losses = history.column("loss")
    lowest = int(losses.argmin())
    return (
        f"Loss {losses[-1]:.4g} at iteration {len(losses):,}; "
        f"lowest {losses[lowest]:.4g} at iteration {lowest + 1:,}."
    )


def _rows(history: History) -> list[list[str]]:
    if not history:
        return []
    record = history[-1]
    return [
        ["iteration", f"{record.iteration:,}"],
        ["loss", f"{record.loss:.6g}"],
        *([name, f"{value:.6g}"] for name, value in record.metrics.items()),
        ["learning rate", f"{record.learning_rate:.6g}"],
        ["training time", _duration(record.seconds)],
        *(
            [
                f"{change.name.replace('_', ' ')} changed after iteration {change.iteration:,}",
                f"{change.value:g}" if isinstance(change.value, float) else str(change.value),
            ]
            for change in history.changes
        ),
    ]


def _duration(seconds: float) -> str:
    """Seconds as people say them: 0.5 s, 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if seconds < 1:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
