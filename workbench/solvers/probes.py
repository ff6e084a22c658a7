"""Probes: tensors that note what is done with them, as operations on columns of numbers.

What there is to note for a function of torch's stands in ``RULES``, by the function's name; ``probe_rules`` fills it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from workbench.solvers.machine import COPY
from workbench.solvers.replay import Script

RULES: dict[str, Callable] = {}
"""Name of a function -> ``rule(function, args, kwargs)``, which notes it and returns probes."""


class CannotRecord(Exception):
    """The function does something that cannot be recorded."""


@dataclass(frozen=True)
class Operation:
    """code, first column of the result, of the operands (with steps 0 or 1), width, and a number or a place."""

    code: int
    out: int
    a: int
    b: int
    width: int
    step_a: int = 1
    step_b: int = 1
    extra: int = 0
    second: int = 0


@dataclass
class Notes:
    """The operations noted so far. Columns are numbered: constants last, as they become known."""

    batch: int
    n_columns: int = 0
    operations: list[Operation] = field(default_factory=list)
    constants: list[tuple[int, torch.Tensor]] = field(default_factory=list)
    matrices: list[tuple[torch.Tensor, bool]] = field(default_factory=list)
    script: Script | None = None
    _columns: dict[tuple[int, int], tuple[int, torch.Tensor]] = field(default_factory=dict)

    def forget(self) -> None:
        """Let go of what the function captured."""
        self.constants, self.matrices, self._columns = [], [], {}

    def fresh(self, width: int) -> int:
        """The first of some new columns."""
        first = self.n_columns
        self.n_columns += width
        return first

    def constant(self, value: Any, like: torch.Tensor) -> list[int]:
        """The columns of a number, or of a tensor that is the same for all rows."""
        if not isinstance(value, torch.Tensor):
            value = torch.tensor(float(value), dtype=like.dtype)
        elif not value.dtype.is_floating_point or value.device.type != "cpu":
            raise CannotRecord("a tensor that is not of real numbers")
        shape = tuple(value.shape)
        if any(n != 1 for n in shape[:-1]) or (len(shape) == 1 and like.ndim == 1 and shape[0] != 1):
            raise CannotRecord("a tensor with a value for each row")
        key = (id(value), value._version)
        if key not in self._columns:
            self._columns[key] = (self.fresh(value.numel()), value)
            self.constants.append(self._columns[key])
        first = self._columns[key][0]
        return list(range(first, first + value.numel()))

    def matrix(self, value: torch.Tensor, *, transposed: bool = False) -> int:
        """The number of a matrix or vector of weights; ``transposed``: it stands on the right of the rows."""
        if type(value) not in (torch.Tensor, torch.nn.Parameter) or value.device.type != "cpu":
            raise CannotRecord("weights that are not a plain tensor")
        for k, (known, turned) in enumerate(self.matrices):
            if known is value and turned == transposed:
                return k
        self.matrices.append((value, transposed))
        return len(self.matrices) - 1

    def contiguous(self, columns: list[int]) -> int:
        """The first of columns that stand side by side; they are copied if these do not."""
        first = columns[0]
        if columns == list(range(first, first + len(columns))):
            return first
        out = self.fresh(len(columns))
        for j, column in enumerate(columns):
            self.operations.append(Operation(COPY, out + j, column, 0, 1))
        return out


class Probe(torch.Tensor):
    """A tensor that notes what is done with it."""

    notes: Notes
    columns: list[int]

    @staticmethod
    def of(value: torch.Tensor, notes: Notes, columns: list[int]) -> Probe:
        """A probe with these values and columns."""
        probe = torch.Tensor._make_subclass(Probe, value.detach(), True)
        probe.notes, probe.columns = notes, columns
        return probe

    @classmethod
    def __torch_function__(cls, func: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name == "__get__":
            with torch._C.DisableTorchFunctionSubclass():
                return _metadata(func, args)
        if name in _METADATA:
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **(kwargs or {}))
        script = _script_of(args)
        if script is not None and script.playing:
            return script.answer(func, args, kwargs or {})
        rule = RULES.get(name)
        if rule is None or not torch.is_grad_enabled():
            raise CannotRecord(f"torch's {name}")
        with torch._C.DisableTorchFunctionSubclass():
            for value in (*args, *(kwargs or {}).values()):
                check_untouched(value)
            found = rule(func, args, kwargs or {})
        if script is not None:
            script.note(func, args, kwargs or {}, found)
        return found


_METADATA = {"size", "dim", "numel", "is_floating_point", "__len__", "stride", "is_contiguous", "get_device"}
_PROPERTIES = {"shape", "ndim", "dtype", "device", "requires_grad", "layout", "is_cuda", "is_sparse", "names"}


def _metadata(func: Callable, args: Any) -> Any:
    name = getattr(getattr(func, "__self__", None), "__name__", "")
    if name not in _PROPERTIES:
        raise CannotRecord(f"a tensor's {name}")
    return func(*args)


def check_untouched(value: Any) -> None:
    """No derivative of somebody's own has come between two operations."""
    if isinstance(value, list | tuple):
        for part in value:
            check_untouched(part)
    elif isinstance(value, Probe):
        with torch._C.DisableTorchFunctionSubclass():
            if value.grad_fn is not None:
                raise CannotRecord("a derivative of its own")


def _script_of(args: Any) -> Script | None:
    for value in args:
        if type(value) is Probe:
            return value.notes.script
        if isinstance(value, list | tuple):
            for part in value:
                if type(part) is Probe:
                    return part.notes.script
    return None
