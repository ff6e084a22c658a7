"""Many runs of a program in one call: over the rows of a table, on as many threads as wanted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from workbench.autodiff.native.fence import Refusal
from workbench.autodiff.native.functions import Stop, TapeFull
from workbench.autodiff.native.plan import DeclinedError, Plan
from workbench.autodiff.native.plans import plan


def threads() -> int:
    """How many threads a batch runs on: ``WORKBENCH_THREADS``, else as many as torch uses, else all cores."""
    wanted = os.environ.get("WORKBENCH_THREADS")
    if wanted:
        return max(1, int(wanted))
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch is not None else os.cpu_count() or 1


def batch_plan(function: Callable[..., Any], example: tuple[Any, ...]) -> Plan | Refusal:
    """The plan for many rows like this one, or why there is none."""
    made = plan(function, example)
    if isinstance(made, Refusal):
        return made
    if len(made.arg_shapes) != len(example):
        return Refusal("a batch takes functions that bring no arguments of their own")
    if not _flat(made):
        return Refusal("a batch takes functions of numbers that return a float or a tuple of floats")
    return made


def batch(
    function: Callable[..., Any], args: tuple[Any, ...]
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]] | Refusal:
    """A function of numbers applied row by row.

    Args:
        function: takes numbers, returns a float or a tuple of floats.
        args: numbers, or arrays with one number per row.
    Returns:
        the values, shape (rows,) or (rows, results), and the map from cotangents of that shape to the arguments'
        cotangents: arrays of shape (rows,), summed up for arguments given as one number. Or the refusal.
    Raises:
        Exception: what the program raises in a row, with a note that says which.
    """
    arrays = [np.asarray(arg) for arg in args]
    n = max((a.shape[0] for a in arrays if a.ndim), default=1)
    example = tuple(a.reshape(-1)[0].item() for a in arrays)
    made = batch_plan(function, example)
    if isinstance(made, Refusal):
        return made
    numbers, size = made.numbers(example)
    single = isinstance(made.result_shape, str)
    in_row = made.generator.n_in_row
    inputs = np.empty((n, in_row))
    for k, number in enumerate(numbers[:in_row]):
        inputs[:, k] = arrays[k] if k < len(arrays) else number
    # what all rows read from outside, kept as it is now for a pull that runs the rows again
    outside = [
        number if single or not isinstance(number, np.ndarray) else number.copy()
        for number in numbers[in_row:]
    ]
    shared = [*outside, size]
    width = len(made.generated.out_mask)
    seeds = np.ones((n, width))
    values, cotangents = _run(made, inputs, seeds, shared)

    def back(value_bars: Any) -> tuple[Any, ...]:
        bars = np.asarray(value_bars, dtype=float).reshape(n, width)
        rows = cotangents * bars if single else _run(made, inputs, np.ascontiguousarray(bars), shared)[1]
        columns = iter(rows.T)
        full = [next(columns) if on else np.zeros(n) for on in made.active]
        return tuple(
            column if a.ndim else float(column.sum()) for column, a in zip(full, arrays, strict=False)
        )

    return (values[:, 0] if single else values), back


def _flat(made: Plan) -> bool:
    result = made.result_shape
    flat = result == "float" or (
        isinstance(result, tuple) and result[0] == "tuple" and all(item == "float" for item in result[2:])
    )
    return flat and all(isinstance(shape, str) for shape in made.arg_shapes)


def _run(
    made: Plan, inputs: np.ndarray, seeds: np.ndarray, shared: list[Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Values and cotangents of all rows; ``shared``: what each reads from outside, and the number of its elements."""
    n = len(inputs)
    made.batches.warm()
    results = np.empty((n, len(made.generated.out_mask)))
    cotangents = np.empty((n, sum(made.active)))
    pieces = min(threads() if made.batches.state == "compiled" else 1, n)
    ends = np.linspace(0, n, pieces + 1).astype(int)

    def piece(first: int, last: int) -> None:
        rows = np.array([first, last])
        while rows[0] < rows[1]:
            tape = made.batches.tape()
            try:
                made.batches.namespace[made.batches.generated.batch](
                    inputs, results, seeds, cotangents, tape, rows, *shared
                )
            except TapeFull:
                made.batches.capacity = max(4 * len(tape), made.batches.capacity)
            except (Stop, ArithmeticError, ValueError) as error:
                _explain(made, inputs, int(rows[0]), error)

    if pieces == 1:
        # where it is Python, with NumPy's numbers
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            piece(0, n)
    else:
        with ThreadPoolExecutor(pieces) as pool:
            list(pool.map(piece, ends[:-1].tolist(), ends[1:].tolist()))
    return results, cotangents


def _explain(made: Plan, inputs: np.ndarray, row: int, error: BaseException) -> None:
    """Run a row that stopped as the user wrote it, so that the error is the program's own."""
    kinds = {"float": float, "int": int, "bool": bool}
    args = [kinds[shape](x) for shape, x in zip(made.arg_shapes, inputs[row], strict=False)]
    try:
        made.function(*args)
    except Exception as own:
        own.add_note(f"in row {row} of a batch, with arguments {tuple(args)}")
        raise
    raise DeclinedError(f"row {row} of a batch left what machine numbers can do") from error
