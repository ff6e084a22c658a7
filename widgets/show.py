"""The one call of a notebook: a live panel where somebody watches, a plain run to the end elsewhere."""

from __future__ import annotations

import os
import warnings

from IPython import get_ipython
from IPython.display import display

from widgets.dashboard import dashboard
from widgets.session_view import SessionView
from workbench.training import Session


def show(session: Session, live: bool | None = None) -> None:
    """Show the session's dashboard; or, where nobody watches, train to the end and show the result.

    Args:
        session: what to train.
        live: False: nobody watches. None: find out. True: somebody should be watching; where nobody is, a
            warning says so and the training runs to the end all the same.
    Warns:
        UserWarning: ``live=True`` where nobody watches.
    """
    reason = "live=False" if live is False else why_nobody_watches()
    if reason is None:
        dashboard(session).show()
        return
    if live:
        warnings.warn(f"live=True, but nobody watches ({reason}): training to the end instead", stacklevel=2)
    session.run()
    view = SessionView(session)
    display({"text/html": view.html(), "text/plain": view.text()}, raw=True)


def why_nobody_watches() -> str | None:
    """What tells that this is a headless run; None where somebody watches."""
    if os.environ.get("WORKBENCH_LIVE") == "0":
        return "WORKBENCH_LIVE=0"
    if "PYTEST_CURRENT_TEST" in os.environ:
        return "a test run"
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return "no notebook"
    # Front ends say which cell they run; papermill, nbconvert and nbval have no cell on a screen.
    if "cellId" not in shell.get_parent().get("metadata", {}):
        return "a notebook run without a page"
    return None
