"""Numba: a compiled function is followed through the Python function that it was made of."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np
from numba.core.registry import CPUDispatcher
from numba.core.types import Array
from numba.np.ufunc.dufunc import DUFunc
from numba.np.ufunc.gufunc import GUFunc
from numba.stencils.stencil import StencilFunc
from numpy.lib import _function_base_impl as _numpy

from workbench.autodiff.application import of_objects, written_apart
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.compiled import compiled_door
from workbench.autodiff.derivatives import gradient
from workbench.autodiff.elementwise import apply_ufunc, settled_input
from workbench.autodiff.indexing import get_item
from workbench.autodiff.registry import INSTANCE_DOORS, PARTIALS
from workbench.autodiff.structure import field, field_names
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.writing import set_item
from workbench.rules.stand_ins import no_rule


def _varies(x: Any) -> bool:
    """Whether a traced value is in ``x``, or in what an object that Numba knows the type of stores."""
    return contains_traced(x) or (OPEN and any(contains_traced(field(x, name)) for name in field_names(x)))


def _dispatcher(function: CPUDispatcher) -> Callable:
    machine_code = compiled_door(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not any(map(_varies, (*args, *kwargs.values()))):
            return machine_code(*args, **kwargs)
        if _INSIDE.get():
            return resolve(function.py_func)(*args, **kwargs)
        entered = _INSIDE.set(True)
        try:
            return _handed_back(resolve(function.py_func)(*args, **kwargs))
        finally:
            _INSIDE.reset(entered)

    return call


_INSIDE = ContextVar("a compiled function is being followed", default=False)


def _handed_back(result: Any) -> Any:
    """Compiled code gives Python's floats and complex numbers to who is not compiled, and NumPy's to nobody."""
    if type(result) is tuple:
        return tuple(map(_handed_back, result))
    if isinstance(result, np.floating):
        return resolve(float)(result)
    return resolve(complex)(result) if isinstance(result, np.complexfloating) else result


# ------------------------------------------------------------------------------------ vectorize


def _vectorized(function: DUFunc) -> Callable:
    """``numba.vectorize``: the value is the compiled code's, each partial the gradient of the Python function."""
    machine_code = compiled_door(function)

    def call(*inputs: Any, **kwargs: Any) -> Any:
        inputs = tuple(of_objects(settled_input(x)) for x in inputs)
        if not any(map(contains_traced, (*inputs, *kwargs.values()))):
            return machine_code(*inputs, **kwargs)
        function(*[np.ravel(plain(x))[:1] for x in inputs[: function.nin]])  # compiles it for these types
        PARTIALS[function.ufunc] = _partials(function)
        return apply_ufunc(function.ufunc, inputs, kwargs)

    return call


@functools.cache
def _partials(function: DUFunc) -> tuple[Callable, ...]:
    return tuple(_partial(function, k) for k in range(function.nin))


def _partial(function: DUFunc, k: int) -> Callable:
    slope = np.frompyfunc(gradient(function._dispatcher.py_func, wrt=k), function.nin, 1)

    def partial(m: Any, y: Any, *x: Any) -> Any:
        found = resolve(slope)(*x)
        return found if contains_traced(found) else np.asarray(found, float)[()]

    return partial


# ------------------------------------------------------------------------------------ guvectorize


def _generalised(function: GUFunc) -> Callable:
    """``numba.guvectorize``: the Python function fills an array for each core of its arguments."""
    machine_code = compiled_door(function)
    inputs, outputs = _numpy._parse_gufunc_signature(function.signature)
    written_to = function.gufunc_builder.writable_args

    def call(*args: Any, **kwargs: Any) -> Any:
        if not any(map(contains_traced, (*args, *kwargs.values()))):
            return machine_code(*args, **kwargs)
        given = kwargs.pop("out", None)
        outs = args[len(inputs) :] or (
            given if isinstance(given, tuple) else () if given is None else (given,)
        )
        args = tuple(settled_input(x) for x in args[: len(inputs)])
        if kwargs or written_to:
            raise no_rule(
                function, f"its option {min(kwargs)!r}" if kwargs else "arguments that it writes into"
            )
        if outs:
            cores = [_fresh(out) for out in outs]
        else:
            value = function(*plain(args))
            cores = [np.zeros_like(v) for v in (value if len(outputs) > 1 else (value,))]
        results = _by_cores(function, inputs, outputs)(*args, *cores)
        results = written_apart(results if len(outputs) > 1 else (results,), outs)
        return results if len(outputs) > 1 else results[0]

    return call


def _fresh(out: Any) -> Any:
    """What stands in an array that is given for a result, which the function may read."""
    return resolve(np.copy)(current(out))


def _by_cores(function: GUFunc, inputs: list[tuple], outputs: list[tuple]) -> Callable:
    """The Python function over stacks, as a function of the inputs and of what stands in the results before."""

    compiled = next(iter(function.gufunc_builder._cres), None)  # numbers may be declared as arrays of one
    as_arrays = {
        k for k, part in enumerate(inputs) if not part and compiled and isinstance(compiled.args[k], Array)
    }

    def core(*parts: Any) -> Any:
        places = [resolve(np.array)(part, ndmin=1) for part in parts[len(inputs) :]]
        given = [resolve(np.array)(x, ndmin=1) if k in as_arrays else x for k, x in enumerate(parts)]
        resolve(function.gufunc_builder.py_func)(*given[: len(inputs)], *places)
        found = [current(p) if shape else get_item(p, 0) for p, shape in zip(places, outputs, strict=True)]
        return tuple(found) if len(found) > 1 else found[0]

    groups = [",".join(f"({','.join(part)})" for part in parts) for parts in ([*inputs, *outputs], outputs)]
    return resolve(np.vectorize(core, signature="->".join(groups)))


# ------------------------------------------------------------------------------------ stencil


class _Around:
    """An array as a kernel sees it, by positions relative to ``place``."""

    def __init__(self, array: Any, place: tuple[int, ...]) -> None:
        self.array, self.place = array, place

    def __getitem__(self, index: Any) -> Any:
        steps = index if isinstance(index, tuple) else (index,)
        return get_item(self.array, tuple(p + int(s) for p, s in zip(self.place, steps, strict=True)))


def _stencil(function: StencilFunc) -> Callable:
    """``numba.stencil``: the kernel at every place that it does not reach beyond the array from."""
    machine_code = compiled_door(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not any(map(contains_traced, (*args, *kwargs.values()))):
            return machine_code(*args, **kwargs)
        if kwargs:
            raise no_rule(function, f"its option {min(kwargs)!r}")
        args = tuple(settled_input(x) for x in args)
        value = np.array(function(*plain(args)))
        reach = [(min(int(low), 0), max(int(high), 0)) for low, high in function.neighborhood]
        kernel, names = resolve(function.kernel_ir.func_id.func), function.kernel_ir.arg_names
        whole = function.options.get("standard_indexing", ())
        inside = [range(-low, n - high) for (low, high), n in zip(reach, value.shape, strict=True)]
        found = resolve(np.array)(value)
        for place in itertools.product(*inside):
            near = [
                _Around(x, place) if np.ndim(plain(x)) and name not in whole else x
                for x, name in zip(args, names, strict=True)
            ]
            set_item(kernel(*near), found, place)
        return current(found)

    return call


INSTANCE_DOORS.update(
    {CPUDispatcher: _dispatcher, DUFunc: _vectorized, GUFunc: _generalised, StencilFunc: _stencil}
)
