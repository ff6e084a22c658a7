"""Stacks of matrices: SciPy takes one after the other, in Python that is followed; the rules are those of one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import scipy.linalg as sl
from scipy.linalg import _basic, _decomp_cholesky, _decomp_lu

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced
from workbench.rules.stand_ins import settled


def _core(function: FunctionType) -> dict[str, Any]:
    """What SciPy's decorator for stacks holds: the function of one, its arrays' names and their numbers of axes."""
    return inspect.getclosurevars(function).nonlocals


def _goes_over_stacks(function: Any) -> bool:
    return inspect.isfunction(function) and "_apply_over_batch" in function.__code__.co_qualname


def _is_deep(x: Any, axes: int | str) -> bool:
    return np.ndim(settled(x)) > (2 if axes == "1|2" else axes)


def _over_stacks(function: FunctionType, core: FunctionType, arrays: Callable) -> None:
    """The door of ``function``: of one as before, of a stack as SciPy goes over it, with ``core`` for each."""
    of_one, axes = DOORS[function], _core(core)["ndims"]
    own = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )

    @functools.wraps(function, updated=())
    def call(*args: Any, **options: Any) -> Any:
        if contains_traced([list(args), options]):
            given = arrays(*args, **options)
            if any(x is not None and _is_deep(x, n) for x, n in zip(given, axes, strict=False)):
                return resolve(own)(*args, **options)
        return of_one(*args, **options)

    DOORS[function] = call


def _named_arrays(names: tuple[str, ...]) -> Callable:
    def arrays(*args: Any, **options: Any) -> list[Any]:
        return [*args[: len(names)], *[options[name] for name in names if name in options]]

    return arrays


for _function in {getattr(sl, name) for name in sl.__all__}:
    if _function in DOORS and _goes_over_stacks(_function):
        DOORS[_core(_function)["f"]] = DOORS[_function]
        _over_stacks(_function, _function, _named_arrays(_core(_function)["names"]))


def _inside(function: FunctionType, core: FunctionType, arrays: Callable, of_one: Callable) -> None:
    """A function that takes pairs apart before another goes over stacks; ``of_one`` calls the rule of the first."""
    DOORS[_core(core)["f"]] = functools.partial(of_one, DOORS[function])
    _over_stacks(function, core, arrays)


def _pair(pair: Any, b: Any, *rest: Any, **options: Any) -> tuple:
    return pair[0], b


def _toeplitz(pair: Any, b: Any, *rest: Any, **options: Any) -> tuple:
    return (*pair, b) if isinstance(pair, tuple) else (pair, pair, b)


_inside(
    sl.cho_solve, _decomp_cholesky._cho_solve, _pair,
    lambda rule, c, b, lower, **how: rule((c, bool(np.ravel(lower)[0])), b),
)  # fmt: skip
_inside(
    sl.cho_solve_banded, _decomp_cholesky._cho_solve_banded, _pair,
    lambda rule, c, b, lower, **how: rule((c, bool(np.ravel(lower)[0])), b),
)  # fmt: skip
_inside(
    sl.lu_solve, _decomp_lu._lu_solve, lambda pair, b, *rest, **options: (*pair, b),
    lambda rule, lu, piv, b, trans, **how: rule((lu, piv), b, trans),
)  # fmt: skip
_inside(
    sl.solve_banded, _basic._solve_banded, lambda l_and_u, ab, b, *rest, **options: (*l_and_u, ab, b),
    lambda rule, low, up, ab, b, **how: rule((int(low), int(up)), ab, b),
)  # fmt: skip
_inside(
    sl.solve_toeplitz, _basic._solve_toeplitz, _toeplitz,
    lambda rule, c, r, b, check: rule((c, r), b),
)  # fmt: skip
_inside(
    sl.matmul_toeplitz, _basic._matmul_toepltiz, lambda pair, x, *rest, **options: _toeplitz(pair, x),
    lambda rule, r, c, x, *how, **options: rule((c, r), x),
)  # fmt: skip
