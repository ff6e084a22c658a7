"""Functions of NumPy that are written in Python, but in a way that cannot be followed."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.calls import resolve
from workbench.autodiff.telling import plain
from workbench.rules.stand_ins import stands_in


@stands_in(np.arange)
def _arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """x_k = start + k step; how many there are does not vary."""
    if stop is None:
        start, stop = 0, start
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        return None
    return start + step * np.arange(len(np.arange(plain(start), plain(stop), plain(step))))


@stands_in(np.kaiser)
def _kaiser(M: int, beta: Any) -> Any:
    """The window I₀(β √(1 - t²)) / I₀(β), t from -1 to 1."""
    middle, i0 = (M - 1) / 2.0, resolve(np.i0)
    t = (np.arange(0, plain(M)) - middle) / middle
    return i0(beta * np.sqrt(1.0 - t * t)) / i0(beta)


@stands_in(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """a x = b, where both stand for matrices whose axes are tensors themselves."""
    ndim = np.ndim(plain(a))
    order = [k for k in range(ndim) if k not in (axes or ())] + list(axes or ())
    moved = np.transpose(a, order)
    shape = np.shape(plain(moved))[np.ndim(plain(b)) - ndim :]
    found = np.linalg.solve(np.reshape(moved, (-1, int(np.prod(shape)))), np.ravel(b))
    return np.reshape(found, shape)
