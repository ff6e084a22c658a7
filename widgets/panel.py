"""What every panel has: a live view, and a static picture for where there is no kernel behind it."""

from __future__ import annotations

import base64
import html
import importlib.metadata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import anywidget

from workbench.errors import MachineError

OLDEST_IPYKERNEL = (7, 1)


class Panel:
    """A live widget and its static picture, side by side in one output.

    A front end with a kernel shows the live view; a reopened or untrusted notebook and a report show
    ``static_html``; a terminal shows ``static_text``.
    """

    widget: anywidget.AnyWidget

    def static_html(self) -> str:
        """The panel as it is now, without scripts: tables, and pictures as images."""
        raise NotImplementedError

    def static_text(self) -> str:
        """The panel as it is now, in a few lines of plain text."""
        raise NotImplementedError

    def bundle(self) -> dict[str, Any]:
        """The static picture and the live view by mime type."""
        live = self.widget._repr_mimebundle_()
        data = live[0] if isinstance(live, tuple) else live
        return {**data, "text/html": self.static_html(), "text/plain": self.static_text()}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self.bundle()


@cache
def source(*names: str) -> str:
    """The text of these files of this folder, one after the other: scripts share functions this way."""
    folder = Path(__file__).parent
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


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
