"""A torch function of (t, y) as a list of operations that act on each row by itself.

The function is run once on probes: tensors that note what is done with them. What the notes cannot say (a branch on a
value, a number taken out, an operation across rows, an unknown operation, somebody's own derivative) raises
``CannotRecord``, and the solver then calls the function itself at every step. Values captured by the function
are read for each solution: it is recorded, twice, so that nothing stale or random is kept, or checked against the
script of an earlier recording (``replay``), call by call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from workbench.solvers.machine import (
    ABS,
    ADD,
    COPY,
    COS,
    DIV,
    EXP,
    LINEAR,
    LOG,
    MUL,
    NEG,
    POWER,
    RELU,
    SIGMOID,
    SIN,
    SOFTPLUS,
    SQRT,
    SUB,
    SUM,
    TANH,
)
from workbench.solvers.replay import Script, parts


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
        rule = _RULES.get(name)
        if rule is None or not torch.is_grad_enabled():
            raise CannotRecord(f"torch's {name}")
        with torch._C.DisableTorchFunctionSubclass():
            for value in (*args, *(kwargs or {}).values()):
                _check_untouched(value)
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


def _check_untouched(value: Any) -> None:
    """No derivative of somebody's own has come between two operations."""
    if isinstance(value, list | tuple):
        for part in value:
            _check_untouched(part)
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


def _result(func: Callable, args: Any, kwargs: Any) -> torch.Tensor:
    with torch.no_grad():
        return func(*args, **kwargs)


def _width(value: torch.Tensor, notes: Notes) -> int:
    """The number of columns of a result, (batch,) or (batch, width)."""
    if value.ndim not in (1, 2) or value.shape[0] != notes.batch:
        raise CannotRecord(f"a result of shape {tuple(value.shape)}")
    return 1 if value.ndim == 1 else value.shape[1]


def _notes_of(*values: Any) -> Notes:
    return next(value.notes for value in values if isinstance(value, Probe))


def _operand(value: Any, notes: Notes, like: torch.Tensor) -> list[int]:
    if isinstance(value, Probe):
        if value.ndim != like.ndim:
            raise CannotRecord("operands with different axes")
        return value.columns
    return notes.constant(value, like)


def _binary(code: int, swapped: bool = False) -> Callable:
    def rule(func: Callable, args: Any, kwargs: Any) -> Probe:
        if kwargs or len(args) != 2:
            raise CannotRecord("options")
        notes = _notes_of(*args)
        value = _result(func, args, kwargs)
        width = _width(value, notes)
        first, second = (args[1], args[0]) if swapped else args
        left, right = _operand(first, notes, value), _operand(second, notes, value)
        if {len(left), len(right)} - {1, width}:
            raise CannotRecord("operands that do not fit")
        out = notes.fresh(width)
        a, b = notes.contiguous(left), notes.contiguous(right)
        steps = int(len(left) == width), int(len(right) == width)
        notes.operations.append(Operation(code, out, a, b, width, *steps))
        return Probe.of(value, notes, list(range(out, out + width)))

    return rule


def _unary(code: int) -> Callable:
    def rule(func: Callable, args: Any, kwargs: Any) -> Probe:
        if len(args) != 1 or {k for k, v in kwargs.items() if not (k == "inplace" and v is False)}:
            raise CannotRecord("options")
        return _applied(code, args[0], _result(func, args, kwargs))

    return rule


def _applied(code: int, x: Probe, value: torch.Tensor, extra: int = 0) -> Probe:
    notes = x.notes
    width = _width(value, notes)
    a = notes.contiguous(x.columns)
    out = notes.fresh(width)
    notes.operations.append(Operation(code, out, a, 0, width, extra=extra))
    return Probe.of(value, notes, list(range(out, out + width)))


def _silu(func: Callable, args: Any, kwargs: Any) -> Any:
    if len(args) != 1 or kwargs.get("inplace"):
        raise CannotRecord("options")
    return _binary(MUL)(torch.mul, (args[0], _applied(SIGMOID, args[0], torch.sigmoid(args[0].detach()))), {})


def _square(func: Callable, args: Any, kwargs: Any) -> Any:
    return _binary(MUL)(torch.mul, (args[0], args[0]), {})


def _reciprocal(func: Callable, args: Any, kwargs: Any) -> Any:
    return _binary(DIV)(torch.div, (1.0, args[0]), {})


def _power(func: Callable, args: Any, kwargs: Any) -> Any:
    if kwargs or not isinstance(args[0], Probe) or not isinstance(args[1], int | float):
        raise CannotRecord("a power that is not a number")
    exponent = float(args[1])
    if exponent == 0.5:
        return _applied(SQRT, args[0], _result(func, args, kwargs))
    if exponent == 2.0:
        return _square(func, args[:1], {})
    if exponent != int(exponent) or not 1 <= exponent <= 64:
        raise CannotRecord("a power that is not whole")
    return _applied(POWER, args[0], _result(func, args, kwargs), int(exponent))


def _linear(func: Callable, args: Any, kwargs: Any) -> Probe:
    given = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
    x, weight, bias = given["input"], given["weight"], given.get("bias")
    if not isinstance(x, Probe) or isinstance(weight, Probe) or isinstance(bias, Probe) or x.ndim != 2:
        raise CannotRecord("a linear map that is not one of the rows")
    notes = x.notes
    value = _result(func, (x, weight, bias), {})
    a = notes.contiguous(x.columns)
    out = notes.fresh(value.shape[1])
    second = -1 if bias is None else notes.matrix(bias)
    sizes = Operation(
        LINEAR, out, a, len(x.columns), value.shape[1], extra=notes.matrix(weight), second=second
    )
    notes.operations.append(sizes)
    return Probe.of(value, notes, list(range(out, out + value.shape[1])))


def _matmul(func: Callable, args: Any, kwargs: Any) -> Probe:
    x, weight = args
    if kwargs or not isinstance(x, Probe) or isinstance(weight, Probe) or weight.ndim != 2 or x.ndim != 2:
        raise CannotRecord("a product that is not one of rows and a matrix")
    notes, value = x.notes, _result(func, args, {})
    a = notes.contiguous(x.columns)
    out = notes.fresh(value.shape[1])
    place = notes.matrix(weight, transposed=True)
    notes.operations.append(Operation(LINEAR, out, a, len(x.columns), value.shape[1], extra=place, second=-1))
    return Probe.of(value, notes, list(range(out, out + value.shape[1])))


def _sum(func: Callable, args: Any, kwargs: Any) -> Probe:
    given = dict(zip(("x", "dim", "keepdim"), args, strict=False)) | kwargs
    x = given["x"]
    if (
        x.ndim != 2
        or given.get("dim") not in (1, -1, [1], [-1], (1,), (-1,))
        or given.get("dtype") is not None
    ):
        raise CannotRecord("a sum across rows")
    notes, value = x.notes, _result(func, args, kwargs)
    a, out = notes.contiguous(x.columns), notes.fresh(1)
    notes.operations.append(Operation(SUM, out, a, 0, len(x.columns)))
    return Probe.of(value, notes, [out])


def _rearranged(func: Callable, args: Any, kwargs: Any) -> Any:
    """Whatever only picks and moves columns: it is done to a table of column numbers."""
    notes = _notes_of(*_flat(args))

    def table(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(table(part) for part in value) if type(value) in (list, tuple) else value
        if isinstance(value, Probe):
            rows = torch.arange(notes.batch)[:, None] * 1_000_003
            numbers = rows + torch.tensor(value.columns)
            return numbers[:, 0] if value.ndim == 1 else numbers
        if isinstance(value, torch.Tensor):
            raise CannotRecord("another tensor among them")
        return value

    moved = func(*table(args), **kwargs)
    values = _result(func, args, kwargs)
    if isinstance(moved, torch.Tensor):
        return _from_table(moved, values, notes)
    return tuple(_from_table(m, v, notes) for m, v in zip(moved, values, strict=True))


def _from_table(moved: torch.Tensor, value: torch.Tensor, notes: Notes) -> Probe:
    width = _width(moved, notes)
    numbers = moved.reshape(notes.batch, width)
    columns = numbers[0] % 1_000_003
    if not torch.equal(numbers, torch.arange(notes.batch)[:, None] * 1_000_003 + columns):
        raise CannotRecord("rows that are mixed")
    return Probe.of(value, notes, columns.tolist())


def _flat(values: Any) -> list[Any]:
    return [x for v in values for x in (_flat(v) if isinstance(v, list | tuple) else [v])]


def _like(number: float) -> Callable:
    def rule(func: Callable, args: Any, kwargs: Any) -> Probe:
        if len(args) != 1 or kwargs:
            raise CannotRecord("options")
        x = args[0]
        column = x.notes.constant(number, x)[0]
        return Probe.of(torch.full(x.shape, number, dtype=x.dtype), x.notes, [column] * len(x.columns))

    return rule


_RULES: dict[str, Callable] = {
    **dict.fromkeys(("add", "__add__", "__radd__"), _binary(ADD)),
    **dict.fromkeys(("sub", "subtract", "__sub__"), _binary(SUB)),
    **dict.fromkeys(("rsub", "__rsub__"), _binary(SUB, swapped=True)),
    **dict.fromkeys(("mul", "multiply", "__mul__", "__rmul__"), _binary(MUL)),
    **dict.fromkeys(("div", "divide", "true_divide", "__truediv__"), _binary(DIV)),
    **dict.fromkeys(("__rdiv__", "__rtruediv__"), _binary(DIV, swapped=True)),
    **dict.fromkeys(("neg", "negative", "__neg__"), _unary(NEG)),
    "tanh": _unary(TANH),
    "sigmoid": _unary(SIGMOID),
    "relu": _unary(RELU),
    "softplus": _unary(SOFTPLUS),
    "exp": _unary(EXP),
    "log": _unary(LOG),
    "sin": _unary(SIN),
    "cos": _unary(COS),
    "sqrt": _unary(SQRT),
    **dict.fromkeys(("abs", "absolute", "__abs__"), _unary(ABS)),
    "silu": _silu,
    "square": _square,
    "reciprocal": _reciprocal,
    **dict.fromkeys(("pow", "__pow__"), _power),
    "linear": _linear,
    **dict.fromkeys(("matmul", "__matmul__", "mm"), _matmul),
    "sum": _sum,
    "ones_like": _like(1.0),
    "zeros_like": _like(0.0),
    **dict.fromkeys(
        "__getitem__ select narrow unsqueeze squeeze cat concat concatenate stack hstack column_stack unbind "
        "split chunk flip roll view reshape clone".split(),
        _rearranged,
    ),
}


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
        _check_untouched(value)
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
