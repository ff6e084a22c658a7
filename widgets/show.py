"""The one call of a notebook: a live panel where somebody watches, a plain run to the end elsewhere."""

from __future__ import annotations

import warnings

from IPython.display import display

from widgets.dashboard import dashboard
from widgets.front_end import why_nobody_watches
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
