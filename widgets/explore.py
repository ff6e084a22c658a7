"""Play with a simulator: move a slider, see the curve follow."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from widgets.controls import Form
from widgets.panel import Panel, PanelWidget, image, script, source, table
from widgets.plot import Picture, Plot, plot_of
from workbench.errors import WorkbenchError
from workbench.parameters import Parameters

Snapshot = Mapping[str, np.ndarray | str]


class ExploreWidget(PanelWidget):
    """The page's side of ``Explore``: controls, and a picture that answers each of their changes."""

    _esm = script("renderExplore", "explore.js")
    _css = source("style.css")
    fields = traitlets.List().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    picture = traitlets.Dict().tag(sync=True)


class Explore(Panel):
    """Controls above a picture of what ``function`` returns for them."""

    def __init__(
        self,
        function: Callable[[Parameters], Snapshot],
        parameters: type[Parameters] | Parameters,
        names: Sequence[str] | None,
    ) -> None:
        self._function = function
        self._form = Form(parameters, names)
        self._drawing = Picture()
        self._plot = Plot()
        state = {**self._form.state(), "seq": 0}
        super().__init__(ExploreWidget(fields=self._form.fields(), state=state, picture=self._draw()))
        self.widget.on_msg(self._on_message)

    @property
    def value(self) -> Parameters:
        """The parameters as the controls stand."""
        return self._form.value

    def _on_message(self, widget: PanelWidget, content: dict[str, Any], buffers: list[bytes]) -> None:
        if content["kind"] == "copy":
            self.widget.send({"kind": "numbers", "text": numbers_text(self._plot)})
            return
        changed = self._form.change(content["name"], content["text"])
        with self.widget.hold_sync():
            self.widget.state = {**self._form.state(), "seq": content["seq"]}
            if changed:
                self.widget.picture = self._draw()

    def _draw(self) -> dict[str, Any]:
        """The picture for the present values; what the simulator refuses is said in its place."""
        try:
            snapshot = self._function(self._form.value)
        except (WorkbenchError, ArithmeticError) as error:
            return {**self.widget.picture, "error": str(error)} if self._plot.curves else _failed(error)
        self._plot = plot_of(snapshot)
        return {
            "svg": self._drawing.svg(self._plot),
            "summary": self._plot.summary(),
            "texts": other_texts(snapshot),
            "error": "",
        }

    def static_html(self) -> str:
        picture = self.widget.picture
        shown = image(picture["svg"], picture["summary"]) if picture["svg"] else ""
        texts = "".join(f"<p>{html.escape(text)}</p>" for text in [*picture["texts"], picture["error"]])
        return shown + texts + table(("parameter", "value", "meaning"), self._form.rows())

    def static_text(self) -> str:
        picture = self.widget.picture
        values = [f"{name}: {value}" for name, value, _ in self._form.rows()]
        return "\n".join([picture["error"] or picture["summary"], *picture["texts"], *values])


def _failed(error: Exception) -> dict[str, Any]:
    return {"svg": "", "summary": "", "texts": [], "error": str(error)}


def other_texts(snapshot: Snapshot) -> list[str]:
    """The texts of a snapshot that are not labels of the picture."""
    labels = {"text:title", "text:x", "text:y", "text:aspect"}
    return [str(value) for key, value in snapshot.items() if key.startswith("text:") and key not in labels]


def numbers_text(plot: Plot) -> str:
    """All numbers of a plot as CSV text: name, x, y."""
    text = io.StringIO()
    text.write("name,x,y\n")
    for name, points in {**plot.curves, **plot.points}.items():
        quoted = '"' + name.replace('"', '""') + '"'
        text.writelines(f"{quoted},{x!r},{y!r}\n" for x, y in points.tolist())
    return text.getvalue()


def explore(
    function: Callable[[Parameters], Snapshot],
    parameters: type[Parameters] | Parameters,
    names: Sequence[str] | None = None,
) -> Explore:
    """Sliders above a live plot of the curves that ``function(parameters)`` returns.

    Args:
        function: from parameters to curves, points and texts, with the keys of
            ``workbench.training.Problem.snapshot``. Called for each move of a slider: keep it below 50 ms.
        parameters: the class, or the values to start from.
        names: which parameters get a control, in this order; all when None.
    Returns:
        a panel to display; ``.value`` is the parameters.
    Raises:
        UnknownParameterError: no parameter has one of the names.
        MachineError: the kernel is too old for live panels.
    """
    return Explore(function, parameters, names)
