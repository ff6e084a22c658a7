"""Type a function, move its arguments, see value and derivative follow."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import traitlets

from widgets.panel import Panel, PanelWidget, image, script, source, table
from widgets.plot import Picture, Plot
from widgets.typed_program import Measured, TypedProgram, measure, problem_of, read_program

HEAD = ("by", "at", "derivative", "central difference", "agree")
EXAMPLE = '''\
def sine(x=1.0):
    """Terms of a series while they count."""
    total = term = x
    k = 1
    while abs(term) > 1e-12:
        term = -term * x * x / (2 * k * (2 * k + 1))
        total += term
        k += 1
    return total
'''


class PlaygroundWidget(PanelWidget):
    """The page's side of ``Playground``: the text, its controls, and the answer to each change."""

    _esm = script("renderPlayground", "playground.js")
    _css = source("style.css")
    text = traitlets.Unicode().tag(sync=True)
    fields = traitlets.List().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)


class Playground(Panel):
    """An editor for a program, sliders for its arguments, and what its derivative is there."""

    def __init__(self, text: str) -> None:
        self._program: TypedProgram | None = None
        self._values: dict[str, float] = {}
        self._errors: dict[str, str] = {}
        self._drawing = Picture()
        empty = {
            "head": list(HEAD),
            "rows": [],
            "value": "",
            "tier": "",
            "svg": "",
            "summary": "",
            "printed": "",
            "error": "",
        }
        state = {"values": {}, "errors": {}, "seq": 0}
        super().__init__(PlaygroundWidget(text=text, fields=[], state=state, answer=empty))
        self._take_text(text)
        self._publish(0)
        self.widget.on_msg(self._on_message)

    @property
    def text(self) -> str:
        """The program as it stands in the editor."""
        return self.widget.text

    @property
    def values(self) -> dict[str, float]:
        """The arguments as the sliders stand."""
        return dict(self._values)

    def _on_message(self, widget: PanelWidget, content: dict[str, Any], buffers: list[bytes]) -> None:
        with self.widget.hold_sync():
            if content["kind"] == "program":
                self._take_text(content["text"])
            elif content["name"] in self._values:
                self._take_number(content["name"], content["text"])
            self._publish(content["seq"])

    def _publish(self, seq: int) -> None:
        self.widget.state = {"values": dict(self._values), "errors": dict(self._errors), "seq": seq}

    def _take_number(self, name: str, text: str) -> None:
        field = next(field for field in self.widget.fields if field["name"] == name)
        try:
            number = float(text)
        except ValueError:
            number = np.nan
        if not field["low"] <= number <= field["high"]:
            self._errors[name] = f"Got {text}, expected a number {field['range']}"
            return
        self._errors.pop(name, None)
        self._values[name] = number
        self._answer()

    def _take_text(self, text: str) -> None:
        """Read the program; one that cannot be read leaves the last picture, and says why."""
        self.widget.text = text
        try:
            program = read_program(text)
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            self._say(problem_of(error))
            return
        fields = [_field(name, default) for name, default in program.start.items()]
        if fields != self.widget.fields:
            self._values, self._errors = dict(program.start), {}
            self._drawing = Picture()
        self._program, self.widget.fields = program, fields
        self._answer()

    def _answer(self) -> None:
        if self._program is None:
            return
        first = self.widget.fields[0]
        values = list(self._values.values())
        try:
            measured = measure(self._program, values, (first["low"], first["high"]))
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            self._say(problem_of(error, self._program))
            return
        plot = _plot(self._program, measured)
        self.widget.answer = {
            "head": list(HEAD),
            "rows": _rows(measured),
            "value": f"{self._program.function.__name__}({_call(self._values)}) = {measured.value:.8g}",
            "tier": _tier(measured, self._program.file),
            "svg": self._drawing.svg(plot),
            "summary": plot.summary(),
            "printed": measured.printed,
            "error": "",
        }

    def _say(self, problem: str) -> None:
        self.widget.answer = {**self.widget.answer, "error": problem}

    def static_html(self) -> str:
        answer = self.widget.answer
        parts = [f"<pre>{html.escape(self.text)}</pre>"]
        if answer["error"]:
            parts.append(f"<pre>{html.escape(answer['error'])}</pre>")
        if answer["svg"]:
            texts = [f"<p>{html.escape(answer[name])}</p>" for name in ("value", "tier")]
            picture = image(answer["svg"], answer["summary"])
            if answer["printed"]:
                texts[0] += f"<pre>{html.escape(answer['printed'])}</pre>"
            parts += [texts[0], table(answer["head"], answer["rows"]), texts[1], picture]
        return "".join(parts)

    def static_text(self) -> str:
        answer = self.widget.answer
        rows = [", ".join(f"{h} {c}" for h, c in zip(HEAD, row, strict=True)) for row in answer["rows"]]
        lines = [
            self.text,
            answer["error"],
            answer["value"],
            answer["printed"],
            *rows,
            answer["tier"],
            answer["summary"],
        ]
        return "\n".join(line for line in lines if line)


def _field(name: str, default: float) -> dict[str, Any]:
    reach = 2 * abs(default) or 1.0
    low, high = default - reach, default + reach
    return {
        "name": name,
        "label": name,
        "kind": "number",
        "unit": "",
        "help": "",
        "range": f"{low:g} to {high:g}",
        "low": low,
        "high": high,
        "log": False,
        "choices": [],
        "group": "",
        "live": False,
    }


def _rows(measured: Measured) -> list[list[str]]:
    rows = []
    for slope in measured.slopes:
        difference = slope.missing if slope.difference is None else f"{slope.difference:.8g}"
        rows.append([slope.name, f"{slope.at:g}", f"{slope.derivative:.8g}", difference, slope.agrees])
    return rows


def _call(values: dict[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in values.items())


def _tier(measured: Measured, file: str) -> str:
    choice = measured.choice
    if choice.tier == "trace":
        place = f" on line {choice.line}" if choice.file == file else ""
        return f"Traced, one operation after the other. Why not native: {choice.reason}{place}."
    return f"Native: the derivative is {choice.tier}, made from the program's text."


def _plot(program: TypedProgram, measured: Measured) -> Plot:
    name = measured.slopes[0].name
    x, value, slope = measured.curve.T
    return Plot(
        x_label=name,
        y_label=program.function.__name__,
        curves={"value": np.column_stack([x, value]), f"derivative by {name}": np.column_stack([x, slope])},
        points={"here": np.array([[measured.slopes[0].at, measured.value]])},
    )


def playground(text: str = EXAMPLE) -> Playground:
    """An editor for a program whose last function with an argument to move is differentiated while it is typed.

    Sliders move the arguments whose default is a float (one without a default starts at 1.0) by up to twice the
    default to both sides, by 1 where it is 0. The panel shows the value, the derivative by each of them beside a
    central difference, which tier took the program, and both over the first argument. What is typed runs in this
    kernel; each run finds the program's variables and random numbers as they were when it had been read.

    Args:
        text: the program to start with.
    Returns:
        a panel to display; ``.text`` and ``.values`` are what the editor and the sliders stand at.
    Raises:
        MachineError: the kernel is too old for live panels.
    """
    return Playground(text)
