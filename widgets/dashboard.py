"""Watch a training session and steer it: buttons, learning rate, progress, loss curve, live picture."""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakKeyDictionary

import traitlets
from IPython.display import display

from widgets.controls import Form
from widgets.panel import Panel, PanelWidget, script, source
from widgets.session_view import SessionView
from workbench.errors import SessionError
from workbench.training import Session

PUMP_SECONDS = 0.25

RESTING = ("paused", "stopped", "done", "failed")


class DashboardWidget(PanelWidget):
    """The page's side of ``Dashboard``: draws frames, sends button presses and typed texts."""

    _esm = script("renderDashboard", "dashboard.js")
    _css = source("style.css")
    fields = traitlets.List().tag(sync=True)
    frame = traitlets.Dict().tag(sync=True)


class Dashboard(Panel):
    """A live panel for one session.

    Callbacks only post commands to the session; one thread, four times a second at most, writes what is
    shown, and only when something has changed.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        live = [info.name for info in type(session.parameters).infos() if info.name == "learning_rate"]
        self._form = Form(session.parameters, live)
        self._learning_rate = session.training.learning_rate
        self._seq = 0
        self._notice = ""
        self._stirred = threading.Event()
        self._view = SessionView(session)
        self._displayed = False
        fields = [{**field, "group": ""} for field in self._form.fields()]
        super().__init__(DashboardWidget(fields=fields, frame=self._frame()))
        self.widget.on_msg(self._on_message)
        threading.Thread(target=self._pump, name=f"panel {session.name}", daemon=True).start()

    # ------------------------------------------------------------------------------------ from the page

    def _on_message(self, widget: PanelWidget, content: dict[str, Any], buffers: list[bytes]) -> None:
        kind = content["kind"]
        if kind == "copy":
            self.widget.send({"kind": "numbers", "text": self._session.training.history.to_csv()})
            return
        try:
            self._notice = ""
            if kind == "change":
                self._seq = content["seq"]
                if self._form.change("learning_rate", content["text"]):
                    self._session.set(learning_rate=self._form.value.learning_rate)
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
            self._session.reset()

    # -------------------------------------------------------------------------------------- to the page

    def _pump(self) -> None:
        session, seen, shown_state = self._session, -1, self._session.state
        while not session.closed:
            news = session.wait_for_news(seen, timeout=PUMP_SECONDS)
            if news == seen and not self._stirred.is_set():
                continue
            seen = news
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
        self._follow_learning_rate(self._session.training.learning_rate)
        frame = self._view.frame()
        if self._notice:
            frame.update(message=self._notice, failed=True)
        return {**frame, "controls": {**self._form.state(), "seq": self._seq}}

    def _frame_or_error(self) -> dict[str, Any]:
        # An error in a thread is seen nowhere else; the training itself goes on.
        try:
            return self._frame()
        except Exception as error:
            message = f"this panel cannot draw the session: {type(error).__name__}: {error}"
            return {**self.widget.frame, "message": message, "failed": True}

    def _follow_learning_rate(self, value: float) -> None:
        """Let the control show what was set from elsewhere, by ``reset`` or by another cell."""
        if value != self._learning_rate and self._form.infos:
            self._form.value = self._form.value.changed(learning_rate=value)
        self._learning_rate = value

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
