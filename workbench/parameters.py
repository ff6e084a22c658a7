"""One description of a parameter: name, default, range, unit, help.

A showcase declares one frozen class of parameters. Sliders, command-line options, papermill parameters, error
messages and report tables are all made from it, so that a name, a default or a range stands in one place only::

    class PendulumParameters(Parameters):
        length: float = parameter(1.0, low=0.1, high=10.0, unit="m", help="length of the rod")

        presets: ClassVar = {"long": {"length": 8.0}}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.errors import ParameterError, UnknownParameterError, choice_among

Number = float | int


@dataclass(frozen=True)
class ParameterInfo:
    """What is known of one parameter: enough to draw a slider, check a value and print a table row.

    ``kind`` is the Python type. ``low`` and ``high`` are inclusive. ``scale`` says how a slider moves.
    ``live`` parameters may be changed while training runs. ``group`` is a heading to sort them under.
    """

    name: str
    kind: type
    default: Any
    low: Number | None
    high: Number | None
    choices: tuple[str, ...] | None
    unit: str
    help: str
    scale: Literal["linear", "log"]
    group: str
    live: bool

    @property
    def range_text(self) -> str:
        """The admitted values, for tables and messages."""
        if self.choices is not None:
            return " | ".join(self.choices)
        if self.kind is bool:
            return "true | false"
        if self.low is None and self.high is None:
            return "any"
        if self.low is None or self.high is None:
            return f"at least {self.low}" if self.high is None else f"at most {self.high}"
        return f"{self.low} to {self.high}"


def parameter(
    default: Any,
    *,
    help: str,
    low: Number | None = None,
    high: Number | None = None,
    choices: tuple[str, ...] | None = None,
    unit: str = "",
    scale: Literal["linear", "log"] = "linear",
    group: str = "",
    live: bool = False,
) -> Any:
    """One field of a ``Parameters`` class; the arguments are those of ``ParameterInfo``."""
    extra = {"choices": choices, "unit": unit, "scale": scale, "group": group, "live": live}
    return Field(default=default, ge=low, le=high, description=help, json_schema_extra=extra)


class Parameters(BaseModel):
    """A frozen, checked set of parameters. Values are SI unless the field's unit says otherwise.

    Raises:
        UnknownParameterError: a keyword that is no parameter; names the nearest one.
        ParameterError: a value of the wrong type or out of range; names the parameter and its range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init__(self, **values: Any) -> None:
        infos = {info.name: info for info in type(self).infos()}
        for name in values:
            _check_name(name, infos)
        for name, value in values.items():
            if infos[name].kind is float and type(value) is int:
                values[name] = float(value)
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors()[0]
            raise _wrong_value(infos[str(first["loc"][0])], first["input"]) from None
        for info in infos.values():
            value = getattr(self, info.name)
            wrong_choice = info.choices is not None and value not in info.choices
            if wrong_choice or (isinstance(value, float) and not math.isfinite(value)):
                raise _wrong_value(info, value)

    @classmethod
    def infos(cls) -> tuple[ParameterInfo, ...]:
        """One ``ParameterInfo`` for each parameter, in the order of declaration."""
        infos = []
        for name, field in cls.model_fields.items():
            bounds = {type(m).__name__: m for m in field.metadata}
            low = bounds["Ge"].ge if "Ge" in bounds else None
            high = bounds["Le"].le if "Le" in bounds else None
            extra = field.json_schema_extra
            infos.append(
                ParameterInfo(
                    name=name,
                    kind=field.annotation,
                    default=field.default,
                    low=low,
                    high=high,
                    help=field.description or "",
                    **extra,
                )
            )
        return tuple(infos)

    @classmethod
    def from_preset(cls, preset: str = "default", /, **changes: Any) -> Self:
        """The named preset ("default" always exists) with some values changed."""
        presets = {"default": {}, **cls.presets}
        if preset not in presets:
            raise ParameterError(
                f"there is no preset {preset!r}",
                found=f"got {preset!r}, expected one of {', '.join(presets)}",
                where="preset",
                fix=choice_among(preset, presets),
            )
        return cls(**{**presets[preset], **changes})

    @classmethod
    def from_text(cls, texts: Mapping[str, str], *, preset: str = "default") -> Self:
        """Values typed on a command line, read as each parameter's own type.

        ``{"seed": "3", "rate": "1e-3", "wind": "false"}``: an int must look like an int, a bool is
        true/false, yes/no, on/off or 1/0.
        """
        infos = {info.name: info for info in cls.infos()}
        values = {}
        for name, text in texts.items():
            _check_name(name, infos)
            values[name] = _read(infos[name], text)
        return cls.from_preset(preset, **values)

    def changed(self, **changes: Any) -> Self:
        """These parameters with some values changed, checked again."""
        return type(self)(**{**self.model_dump(), **changes})

    def rows(self) -> list[dict[str, str]]:
        """One table row for each parameter: name, value, unit, default, range, help."""
        return [
            {
                "name": info.name,
                "value": _text(getattr(self, info.name)),
                "unit": info.unit,
                "default": _text(info.default),
                "range": info.range_text,
                "help": info.help,
            }
            for info in type(self).infos()
        ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _check_name(name: str, infos: Mapping[str, ParameterInfo]) -> None:
    if name in infos:
        return
    raise UnknownParameterError(
        f"there is no parameter {name!r}",
        found=f"got {name!r}, expected one of {', '.join(infos)}",
        where=name,
        fix=choice_among(name, infos),
    )


def _wrong_value(info: ParameterInfo, value: Any) -> ParameterError:
    kind = (
        "one of"
        if info.choices is not None
        else {float: "a number", int: "a whole number"}.get(info.kind, "")
    )
    unit = f" {info.unit}" if info.unit else ""
    return ParameterError(
        f"parameter {info.name!r} does not take this value",
        found=f"got {value!r}, expected {kind} {info.range_text}{unit}".replace("  ", " "),
        where=info.name,
        fix=f"choose another one, or leave it at {_text(info.default)}{unit}, the default ({info.help})",
    )


_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


def _read(info: ParameterInfo, text: str) -> Any:
    if info.kind is bool:
        if text.strip().lower() in _TRUE | _FALSE:
            return text.strip().lower() in _TRUE
        raise _wrong_value(info, text)
    if info.kind is str:
        return text
    try:
        return info.kind(text)
    except ValueError:
        raise _wrong_value(info, text) from None
