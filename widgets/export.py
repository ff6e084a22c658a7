"""What a session can be taken away as: tables, a command that repeats it, a page that opens offline."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

from widgets.controls import label
from widgets.session_view import SessionView
from workbench import showcases
from workbench.parameters import Parameters
from workbench.reports.html import session_page
from workbench.training import Session


class Export:
    """Answers to the page's wishes: files to save, and texts to copy."""

    def __init__(self, session: Session, view: SessionView) -> None:
        self._session, self._view = session, view
        self._makers: dict[str, Callable[[Parameters], dict[str, str]]] = {
            "numbers": lambda _: {"kind": "copy", "text": session.training.history.to_csv()},
            "command": lambda asked: {"kind": "copy", "text": run_command(session.name, asked)},
            "csv": lambda _: self._file("history.csv", "text/csv", session.training.history.to_csv()),
            "json": lambda _: self._file(
                "history.json", "application/json", session.training.history.to_json()
            ),
            "report": lambda _: self._file("report.html", "text/html", self._page()),
        }

    def answer(self, what: str, asked: Parameters) -> dict[str, str]:
        """The message for the page: ``{"kind": "copy", "text"}`` or ``{"kind": "file", "name", "type", "text"}``.

        Args:
            what: numbers, command, csv, json or report.
            asked: the parameters as the controls stand.
        """
        return self._makers[what](asked)

    def _file(self, ending: str, mime: str, text: str) -> dict[str, str]:
        stem = re.sub(r"[^\w-]+", "-", self._session.name).strip("-") or "session"
        return {"kind": "file", "name": f"{stem}-{ending}", "type": mime, "text": text}

    def _page(self) -> str:
        session = self._session
        changes = [(label(c.name), str(c.value), c.iteration) for c in session.training.history.changes]
        return session_page(
            title=session.name,
            complete=session.state == "done",
            parameters=session.parameters,
            changes=[f"{name} = {value} from iteration {after + 1} on" for name, value, after in changes],
            picture=self._view.html(),
        )


def run_command(name: str, parameters: Parameters) -> str:
    """The command that trains with these parameters and nobody watching.

    Args:
        name: what to call it where no showcase has such parameters.
        parameters: those that differ from their defaults are spelled out.
    """
    of_class = [s for s in map(showcases.find, showcases.names()) if s.parameters is type(parameters)]
    words = ["workbench", "run", of_class[0].name if of_class else name]
    for row in parameters.rows():
        value = getattr(parameters, row["name"])
        if value != type(parameters).model_fields[row["name"]].default:
            words += ["-p", f"{row['name']}={_text(value)}"]
    return shlex.join(words)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
