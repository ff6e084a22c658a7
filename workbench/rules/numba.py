"""Numba: a compiled function is followed through the Python function that it was made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.core.registry import CPUDispatcher

from workbench.autodiff.calls import _compiled, resolve
from workbench.autodiff.registry import INSTANCE_DOORS
from workbench.autodiff.telling import contains_traced


def _dispatcher(function: CPUDispatcher) -> Callable:
    machine_code = _compiled(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        traced = any(map(contains_traced, (*args, *kwargs.values())))
        return (resolve(function.py_func) if traced else machine_code)(*args, **kwargs)

    return call


INSTANCE_DOORS[CPUDispatcher] = _dispatcher
