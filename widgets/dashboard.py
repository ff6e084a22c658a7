"""Watch a training session and steer it: buttons, parameters, progress, loss curve, live picture."""

from __future__ import annotations

import threading
import time
from typing import Any
from weakref import WeakKeyDictionary

import traitlets
from IPython.display import display

from widgets.controls import Form, label
from widgets.export import Export
from widgets.panel import Panel, PanelWidget, script, source
from widgets.session_view import SessionView
from workbench.errors import SessionError
from workbench.training import Session

PUMP_SECONDS = 0.25
BEAT_SECONDS = 3.0

RESTING = ("paused", "stopped", "done", "failed")


class DashboardWidget(PanelWidget):
    """The page's side of ``Dashboard``: draws frames, sends button presses and typed texts."""

    _esm = script("renderDashboard", "export.js", "dashboard.js")
    _css = source("style.css")
    fields = traitlets.List().tag(sync=True)
    frame = traitlets.Dict().tag(sync=True)
    beat = traitlets.Int().tag(sync=True)


class Dashboard(Panel):
    """A live panel for one session.

    Live parameters act from the next iteration on; all others wait for Reset, which begins anew with the
    parameters as the controls stand. Callbacks only post commands to the session; one thread, four times a
    second at most, writes what is shown, and only when something has changed. When nothing changes it sends
    a beat now and then, so that the page can tell a kernel at rest from one that is gone.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._form = Form(session.current)
        self._live = {info.name for info in self._form.infos if info.live}
        self._shown = session.current
        self._seq = 0
        self._notice = ""
        self._stirred = threading.Event()
        self._view = SessionView(session)
        self._export = Export(session, self._view)
        self._displayed = False
        super().__init__(DashboardWidget(fields=self._form.fields(), frame=self._frame()))
        self.widget.on_msg(self._on_message)
        threading.Thread(target=self._pump, name=f"panel {session.name}", daemon=True).start()

    # ------------------------------------------------------------------------------------ from the page

    def _on_message(self, widget: PanelWidget, content: dict[str, Any], buffers: list[bytes]) -> None:
        kind = content["kind"]
        self._notice = ""
        try:
            if kind == "export":
                self.widget.send(self._export.answer(content["what"], self._form.value))
            elif kind == "change":
                self._seq = content["seq"]
                if self._form.change(content["name"], content["text"]):
                    self._apply(content["name"])
            elif kind == "press":
                self._press(content["action"])
        except SessionError as error:
            self._notice = str(error)
        self._stirred.set()

    def _press(self, action: str) -> None:
        if action == "start":
            self._session.start()
        elif action == "pause":
            self._session.pause()
        elif action == "stop":
            self._session.stop(wait=False)
        elif action == "reset":
            self._session.reset(**self._form.value.model_dump())
        elif action == "undo":
            self._apply(self._form.undo())

    def _apply(self, name: str | None) -> None:
        if name in self._live:
            self._session.set(**{name: getattr(self._form.value, name)})

    # -------------------------------------------------------------------------------------- to the page

    def _pump(self) -> None:
        session, seen, shown_state = self._session, -1, self._session.state
        spoken = time.monotonic()
        while not session.closed:
            news = session.wait_for_news(seen, timeout=PUMP_SECONDS)
            if news == seen and not self._stirred.is_set():
                if time.monotonic() - spoken >= BEAT_SECONDS:
                    spoken = time.monotonic()
                    self.widget.beat += 1
                continue
            seen, spoken = news, time.monotonic()
            self._stirred.clear()
            self.widget.frame = self._frame_or_error()
            if self.widget.frame["state"] != shown_state:
                shown_state = self.widget.frame["state"]
                self._renew_static_picture(shown_state)
            # News of the same state can wait; a new state is shown at once.
            session.wait_while(shown_state, PUMP_SECONDS)
        self.widget.frame = self._frame_or_error()

    def show(self) -> None:
        """Display the panel; the static picture saved with it is renewed whenever the training rests."""
        self._displayed = True
        display(self.bundle(), raw=True, display_id=self._display_id)

    def _renew_static_picture(self, state: str) -> None:
        if self._displayed and state in RESTING:
            display(self.bundle(), raw=True, display_id=self._display_id, update=True)

    @property
    def _display_id(self) -> str:
        return f"workbench-{self.widget.slot}"

    def _frame(self) -> dict[str, Any]:
        """All that the page shows now."""
        self._follow(self._session.current)
        frame = self._view.frame()
        if self._notice:
            frame.update(message=self._notice, failed=True)
        last = self._form.last_change
        undo = f"{label(last[0])} back to {last[1]}" if last else ""
        return {
            **frame,
            "controls": {**self._form.state(), "seq": self._seq},
            "undo": undo,
            "waiting": [label(name) for name in self._waiting()],
        }

    def _waiting(self) -> list[str]:
        """The parameters whose controls stand at values that only Reset would bring."""
        asked, used = self._form.value, self._session.current
        names = [info.name for info in self._form.infos if not info.live]
        return [name for name in names if getattr(asked, name) != getattr(used, name)]

    def _frame_or_error(self) -> dict[str, Any]:
        # An error in a thread is seen nowhere else; the training itself goes on.
        try:
            return self._frame()
        except Exception as error:
            message = f"this panel cannot draw the session: {type(error).__name__}: {error}"
            return {**self.widget.frame, "message": message, "failed": True}

    def _follow(self, current: Any) -> None:
        """Let the controls show what was changed from elsewhere, by ``set`` or ``reset`` in a cell."""
        changed = {
            name: value for name, value in current.model_dump().items() if value != getattr(self._shown, name)
        }
        if changed:
            self._form.value = self._form.value.changed(**changed)
            self._shown = current

    def static_html(self) -> str:
        return self._view.html()

    def static_text(self) -> str:
        return self._view.text()


_dashboards: WeakKeyDictionary[Session, Dashboard] = WeakKeyDictionary()


def dashboard(session: Session) -> Dashboard:
    """The live panel of a session; the same one however often it is asked for.

    Raises:
        MachineError: the kernel is too old for live panels.
    """
    if session not in _dashboards:
        _dashboards[session] = Dashboard(session)
    return _dashboards[session]
