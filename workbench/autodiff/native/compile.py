"""Run generated text: as plain Python at once, as machine code when that is ready."""

from __future__ import annotations

from typing import Any

from workbench.autodiff.native.generate import Generated
from workbench.autodiff.native.runtime import PLAIN, TapeFull

FIRST_TAPE = 4096


class Compiled:
    """The functions of one generated module."""

    def __init__(self, generated: Generated, types_: list[str]) -> None:
        self.generated, self.types = generated, types_
        self.state = "python"
        self.capacity = FIRST_TAPE
        self.namespace = dict(PLAIN, compiled=lambda function: function)
        exec(compile(generated.text, f"<derivative {generated.primal}>", "exec"), self.namespace)

    def run(self, which: str, numbers: list[Any]) -> Any:
        return self.namespace[getattr(self.generated, which)](*numbers)

    def forward(self, numbers: list[Any]) -> tuple[list[Any], Any, int]:
        while True:
            tape = [0.0] * self.capacity
            try:
                *results, pos = self.namespace[self.generated.forward](*numbers, tape, 0)
            except TapeFull:
                self.capacity *= 4
                continue
            return results, tape, pos

    def backward(self, bars: list[float], tape: Any, pos: int) -> list[float]:
        *parts, pos = self.namespace[self.generated.backward](*bars, tape, pos)
        if pos != 0:
            raise AssertionError(f"the tape was not used up: {pos} left")
        return parts
