"""Controls made from a class of parameters, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import traitlets

from widgets.panel import Panel, PanelWidget, script, source, table
from workbench.errors import ParameterError
from workbench.parameters import ParameterInfo, Parameters


class Form:
    """The state behind a set of controls: the last good parameters, and what is wrong with a typed text.

    Args:
        parameters: a class (its defaults are the start) or a set of values to start from.
        names: which parameters get a control, in this order; all of them when None.
    Raises:
        UnknownParameterError: no parameter has one of the names.
    """

    def __init__(self, parameters: type[Parameters] | Parameters, names: Sequence[str] | None = None) -> None:
        self.value = parameters if isinstance(parameters, Parameters) else parameters()
        infos = {info.name: info for info in type(self.value).infos()}
        chosen = list(infos) if names is None else list(names)
        # An unknown name is refused here, with the nearest known one in the message.
        self.value.changed(**{name: getattr(self.value, name, None) for name in chosen})
        self.infos = [infos[name] for name in chosen]
        self.errors: dict[str, str] = {}
        self._before: list[tuple[str, Any]] = []

    def change(self, name: str, text: str) -> bool:
        """Take a typed text as the parameter's new value; False, and an error kept, when it is not one."""
        before = getattr(self.value, name)
        try:
            typed = getattr(type(self.value).from_text({name: text}), name)
            self.value = self.value.changed(**{name: typed})
        except ParameterError as error:
            problem = error.found or error.what
            self.errors[name] = problem[0].upper() + problem[1:]
            return False
        self.errors.pop(name, None)
        if typed != before:
            self._before.append((name, before))
        return True

    @property
    def last_change(self) -> tuple[str, Any] | None:
        """Name and earlier value of what ``undo`` would take back; None where there is nothing."""
        return self._before[-1] if self._before else None

    def undo(self) -> str | None:
        """Take back the last change; the name of the parameter, None where nothing was changed."""
        if not self._before:
            return None
        name, before = self._before.pop()
        self.value = self.value.changed(**{name: before})
        self.errors.pop(name, None)
        return name

    def fields(self) -> list[dict[str, Any]]:
        """What the page needs to draw each control."""
        return [_field(info) for info in self.infos]

    def state(self) -> dict[str, Any]:
        """Values and errors by name."""
        values = {info.name: getattr(self.value, info.name) for info in self.infos}
        return {"values": values, "errors": dict(self.errors)}

    def rows(self) -> list[list[str]]:
        """Name, value with unit and meaning of each controlled parameter."""
        names = [info.name for info in self.infos]
        return [
            [label(row["name"]), f"{row['value']} {row['unit']}".strip(), row["help"]]
            for row in self.value.rows()
            if row["name"] in names
        ]


def label(name: str) -> str:
    """A parameter's name as people write it."""
    return name.replace("_", " ")


def _field(info: ParameterInfo) -> dict[str, Any]:
    kinds = {bool: "switch", int: "integer", float: "number"}
    kind = "choice" if info.choices is not None else kinds.get(info.kind, "text")
    return {
        "name": info.name,
        "label": label(info.name),
        "kind": kind,
        "unit": info.unit,
        "help": info.help,
        "range": info.range_text,
        "low": info.low,
        "high": info.high,
        "log": info.scale == "log",
        "choices": list(info.choices or ()),
        "group": info.group,
        "live": info.live,
    }


class ControlsWidget(PanelWidget):
    """The page's side of ``Controls``: fields are drawn once, state follows Python."""

    _esm = script("renderControls")
    _css = source("style.css")
    fields = traitlets.List().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)


class Controls(Panel):
    """A panel of controls; ``value`` is the set of parameters they stand at."""

    def __init__(self, parameters: type[Parameters] | Parameters, names: Sequence[str] | None) -> None:
        self._form = Form(parameters, names)
        self._callbacks: list[Callable[[Parameters], None]] = []
        super().__init__(ControlsWidget(fields=self._form.fields(), state={**self._form.state(), "seq": 0}))
        self.widget.on_msg(self._on_message)

    @property
    def value(self) -> Parameters:
        """The parameters as the controls stand."""
        return self._form.value

    def observe(self, callback: Callable[[Parameters], None]) -> None:
        """Call ``callback`` with the new parameters after each change."""
        self._callbacks.append(callback)

    def _on_message(self, widget: PanelWidget, content: dict[str, Any], buffers: list[bytes]) -> None:
        changed = self._form.change(content["name"], content["text"])
        self.widget.state = {**self._form.state(), "seq": content["seq"]}
        if changed:
            for callback in self._callbacks:
                callback(self.value)

    def static_html(self) -> str:
        return table(("parameter", "value", "meaning"), self._form.rows())

    def static_text(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value, _ in self._form.rows())


def controls(parameters: type[Parameters] | Parameters, names: Sequence[str] | None = None) -> Controls:
    """Controls for a class of parameters, or for a set of values to start from.

    Args:
        parameters: the class or the values.
        names: which parameters get a control, in this order; all when None.
    Returns:
        a panel to display; ``.value`` is the parameters, ``.observe(callback)`` tells of changes.
    Raises:
        UnknownParameterError: no parameter has one of the names.
        MachineError: the kernel is too old for live panels.
    """
    return Controls(parameters, names)
