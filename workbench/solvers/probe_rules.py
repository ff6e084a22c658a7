"""What probes note for each of torch's functions.

A rule computes the values, notes the operations that the small machine is to do for them, and returns a probe.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from workbench.solvers.machine import (
    ABS,
    ADD,
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
from workbench.solvers.probes import RULES, CannotRecord, Notes, Operation, Probe


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


RULES.update(
    {
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
)
