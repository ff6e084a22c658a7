"""What every panel has: a live view, and a static picture for where there is no kernel behind it."""

from __future__ import annotations

import base64
import html
import importlib.metadata
import secrets
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from widgets.front_end import fills_slots
from workbench.errors import MachineError

OLDEST_IPYKERNEL = (7, 1)


class PanelWidget(anywidget.AnyWidget):
    """The page's side of a panel; ``slot`` names the element of the output that it takes over, and the model."""

    slot = traitlets.Unicode().tag(sync=True)

    def __init__(self, **state: Any) -> None:
        name = secrets.token_hex(16)
        super().__init__(slot=name, model_id=name, **state)
        # From 7.4 on, ipykernel sends what the page says to the subshell that caused the last thing the panel
        # said, and drops it where that one went with a page that was closed. Without this method it goes to
        # the subshell that the page names, as before 7.4.
        self.comm._reply_subshell_for = None


class Panel:
    """A live widget that takes the place of its own static picture while there is a kernel behind it.

    In JupyterLab and Voilà the output is the static picture only, in a slot that the widget's script fills with
    the live view. The usual widget output would say "model not found" in a reopened notebook, and wherever the
    page is too busy to have the model within two seconds. Other front ends (VS Code) get both.
    """

    widget: PanelWidget

    def __init__(self, widget: PanelWidget) -> None:
        check_kernel()
        self.widget = widget
        self._fills_slots = fills_slots()

    def static_html(self) -> str:
        """The panel as it is now, without scripts: tables, and pictures as images."""
        raise NotImplementedError

    def static_text(self) -> str:
        """The panel as it is now, in a few lines of plain text."""
        raise NotImplementedError

    def bundle(self) -> dict[str, Any]:
        """What is displayed and saved, by mime type."""
        html = f'<div data-workbench="{self.widget.slot}">{self.static_html()}</div>'
        static = {"text/html": html, "text/plain": self.static_text()}
        if self._fills_slots:
            return static
        live = self.widget._repr_mimebundle_()
        return {**(live[0] if isinstance(live, tuple) else live), **static}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self.bundle()


@cache
def source(name: str) -> str:
    """The text of a file of this folder."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def script(render: str, *names: str) -> str:
    """These files as one module around the function ``render``: scripts share functions this way."""
    files = [source(name) for name in ("controls.js", *names, "mount.js")]
    return "\n".join([*files, f"export default makeWidget({render});"])


def image(svg: str, summary: str) -> str:
    """A picture as an ``img`` that survives sanitising, with its summary as alternative text."""
    data = base64.b64encode(svg.encode()).decode()
    alt = html.escape(summary, quote=True)
    return f'<img alt="{alt}" width="480" src="data:image/svg+xml;base64,{data}">'


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A plain HTML table; every text is escaped."""
    heading = "".join(f"<th>{html.escape(text)}</th>" for text in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>"


def check_kernel() -> None:
    """Refuse versions of ipykernel whose widgets cannot be updated from a background thread.

    Raises:
        MachineError: ipykernel is older than 7.1 (7.0 raises LookupError in such updates).
    """
    version = importlib.metadata.version("ipykernel")
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_IPYKERNEL:
        raise MachineError(
            "live panels do not work with this version of ipykernel",
            found=f"got ipykernel {version}, expected at least 7.1",
            where="the Python environment of this kernel",
            fix='run `pip install "ipykernel>=7.1"` and restart the kernel, or use live=False',
        )
