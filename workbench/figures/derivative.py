"""A program and its generated derivative, side by side, as a notebook shows them."""

from __future__ import annotations

import html
import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.autodiff import derivative_source

_COLUMN = "flex: 1 1 30em; overflow-x: auto; text-align: left; font-size: 85%; line-height: 1.35;"


@dataclass(frozen=True)
class SideBySide:
    """Two texts. Jupyter shows them in two columns; ``print`` shows one after the other."""

    program: str
    derivative: str

    def _repr_html_(self) -> str:
        columns = [
            f'<div style="{_COLUMN}"><strong>{title}</strong><pre>{html.escape(text)}</pre></div>'
            for title, text in (("The program", self.program), ("Its derivative", self.derivative))
        ]
        return f'<div style="display: flex; flex-wrap: wrap; gap: 1.5em;">{"".join(columns)}</div>'

    def __str__(self) -> str:
        return f"{self.program}\n{self.derivative}"


def beside_its_derivative(f: Callable, *args: Any) -> SideBySide:
    """The source of ``f`` with its lines' numbers, beside ``derivative_source(f, *args)``, which names them.

    Raises:
        NotDifferentiableError: the native tier does not take the function.
    """
    derivative = derivative_source(f, *args)
    lines, first = inspect.getsourcelines(f)
    text = textwrap.dedent("".join(lines)).splitlines()
    program = "\n".join(f"{first + k:4d}  {line}" for k, line in enumerate(text))
    halves = derivative[re.search(r"^def \w+_forward\(", derivative, re.MULTILINE).start() :]
    return SideBySide(program, halves.replace("@compiled_entry\n", "").replace("@compiled\n", ""))
