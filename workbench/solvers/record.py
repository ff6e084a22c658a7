"""A torch function of (t, y) as a list of operations that act on each row by itself.

The function is run once on probes: tensors that note what is done with them. What the notes cannot say (a branch on a
value, a number taken out, an operation across rows, an unknown operation, somebody's own derivative) raises
``CannotRecord``, and the solver then calls the function itself at every step. Values captured by the function
are read for each solution: it is recorded, twice, so that nothing stale or random is kept, or checked against the
script of an earlier recording (``replay``), call by call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from workbench.solvers import probe_rules  # noqa: F401  what the probes can note
from workbench.solvers.probes import CannotRecord, Notes, Probe, check_untouched
from workbench.solvers.replay import Script, parts


@dataclass(frozen=True)
class Recording:
    """What a function of (t, y) does: columns of t and y first, then the rest; and where its results stand."""

    notes: Notes
    outputs: tuple[int, ...]
    values: tuple[torch.Tensor, ...]

    @property
    def captured(self) -> list[torch.Tensor]:
        """The tensors that the function uses: constants, then matrices."""
        return [value for _, value in self.notes.constants] + [value for value, _ in self.notes.matrices]


def record(functions: list[Callable], t: float, y: torch.Tensor, widths: list[int]) -> Recording:
    """The operations of functions of (t, y), with results of the given widths, at the state y (batch, state).

    Raises:
        CannotRecord: they do something that cannot be noted.
    """
    first, second = (_once(functions, t, y, widths) for _ in range(2))
    same = first.notes.operations == second.notes.operations and first.outputs == second.outputs
    pairs = zip(first.captured, second.captured, strict=False)
    if not same or len(first.captured) != len(second.captured) or not all(_equal(a, b) for a, b in pairs):
        raise CannotRecord("a function that does something else each time")
    return first


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a is b or (torch.equal(a, b) and a.requires_grad == b.requires_grad)


def _once(functions: list[Callable], t: float, y: torch.Tensor, widths: list[int]) -> Recording:
    notes = Notes(len(y))
    column = torch.full((len(y), 1), t, dtype=y.dtype)
    time = Probe.of(column, notes, [notes.fresh(1)])
    first = notes.fresh(y.shape[1])
    state = Probe.of(y, notes, list(range(first, first + y.shape[1])))
    outputs: list[int] = []
    values: list[torch.Tensor] = []
    notes.script = Script(Probe, (time, state))
    with torch.enable_grad():
        found = [part for f in functions for part in parts(f(time, state))]
    notes.script.end(found)
    for value, width in zip(found, widths, strict=True):
        check_untouched(value)
        if not isinstance(value, Probe) or value.notes is not notes:
            columns = _constant_result(value, notes, y)
        else:
            columns = value.columns
        if len(columns) == 1:
            columns = columns * width
        if len(columns) != width or (isinstance(value, Probe) and value.ndim != 2):
            raise CannotRecord("a result of another width")
        outputs.append(notes.contiguous(columns))
        with torch._C.DisableTorchFunctionSubclass():
            values.append(value.detach().as_subclass(torch.Tensor).expand(len(y), width))
    return Recording(notes, tuple(outputs), tuple(values))


def _constant_result(value: Any, notes: Notes, y: torch.Tensor) -> list[int]:
    if not isinstance(value, torch.Tensor) or value.ndim > 2:
        raise CannotRecord("a result that is not a tensor")
    return notes.constant(value, y)
