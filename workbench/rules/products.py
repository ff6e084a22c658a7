"""Matrix and tensor products.

For Y = A B: A_bar = Y_bar Bᴴ and B_bar = Aᴴ Y_bar; everything here is that, with other axes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import reduce_to
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, Rule, add_rule
from workbench.autodiff.telling import contains_traced, plain


def _shape(x: Any) -> tuple[int, ...]:
    return np.shape(plain(x))


def _matmul(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """``a @ b`` with NumPy's treatment of vectors, broadcast over leading axes."""
    a, b = args
    rows, columns = len(_shape(a)) > 1, len(_shape(b)) > 1

    def matmul_pullback(bar: Any) -> list[Any]:
        wide_a = a if rows else np.expand_dims(a, 0)
        wide_b = b if columns else np.expand_dims(b, -1)
        bar = bar if columns else np.expand_dims(bar, -1)
        bar = bar if rows else np.expand_dims(bar, -2)
        found = []
        for k in needs:
            if k == 0:
                wide = np.matmul(bar, np.conj(np.swapaxes(wide_b, -1, -2)))
                found.append(np.reshape(reduce_to(wide, _shape(wide_a)), _shape(a)))
            else:
                wide = np.matmul(np.conj(np.swapaxes(wide_a, -1, -2)), bar)
                found.append(np.reshape(reduce_to(wide, _shape(wide_b)), _shape(b)))
        return found

    return np.matmul(a, b, **kwargs), matmul_pullback


def _contracted(needs: tuple, a: Any, b: Any, axes: tuple[list[int], list[int]]) -> Callable:
    """The pullback of ``tensordot(a, b, axes)``."""
    shape_a, shape_b = _shape(a), _shape(b)
    over_a, over_b = [k % len(shape_a) for k in axes[0]], [k % len(shape_b) for k in axes[1]]
    free_a = [k for k in range(len(shape_a)) if k not in over_a]
    free_b = [k for k in range(len(shape_b)) if k not in over_b]

    def tensordot_pullback(bar: Any) -> list[Any]:
        n = len(free_a)
        found = []
        for k in needs:
            if k == 0:
                made = np.tensordot(bar, np.conj(b), (list(range(n, n + len(free_b))), free_b))
                # made's axes: free_a, then b's contracted axes in ascending order
                order = free_a + [over_a[over_b.index(axis)] for axis in sorted(over_b)]
            else:
                made = np.tensordot(bar, np.conj(a), (list(range(n)), free_a))
                order = free_b + [over_b[over_a.index(axis)] for axis in sorted(over_a)]
            found.append(np.transpose(made, np.argsort(order)))
        return found

    return tensordot_pullback


def _tensordot(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    def named(a: Any, b: Any, axes: Any = 2) -> tuple:
        return a, b, axes

    a, b, axes = named(*args, **kwargs)
    if isinstance(axes, int):
        pair = (list(range(len(_shape(a)) - axes, len(_shape(a)))), list(range(axes)))
    else:
        pair = tuple([int(k) for k in np.atleast_1d(part)] for part in axes)
    return np.tensordot(a, b, axes), _contracted(needs, a, b, pair)


def _dot(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """``numpy.dot``: a product of numbers, of matrices, or over a's last and b's last but one axis."""
    a, b = args
    value = np.dot(a, b)
    if not _shape(a) or not _shape(b):
        factors = (b, a)
        return value, lambda bar: [reduce_to(bar * np.conj(factors[k]), _shape(args[k])) for k in needs]
    if len(_shape(a)) <= 2 and len(_shape(b)) <= 2:
        return value, _matmul(needs, args, {})[1]
    return value, _contracted(needs, a, b, ([-1], [-2 if len(_shape(b)) > 1 else -1]))


def _inner(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """``numpy.inner``: over the last axes of both."""
    a, b = args
    if not _shape(a) or not _shape(b):
        return _dot(needs, args, kwargs)
    return np.inner(a, b), _contracted(needs, a, b, ([-1], [-1]))


for _primitive, _forward in (
    (np.matmul, _matmul),
    (np.tensordot, _tensordot),
    (np.dot, _dot),
    (np.inner, _inner),
):
    add_rule(Rule(_primitive, _forward, leaves=(0, 1)))


def _outer(a: Any, b: Any, out: Any = None) -> Any:
    """``numpy.outer``."""
    if out is not None or not (contains_traced(a) or contains_traced(b)):
        return np.outer(a, b) if out is None else np.outer(a, b, out)
    return resolve(np.multiply.outer)(resolve(np.ravel)(a), resolve(np.ravel)(b))


DOORS[np.outer] = _outer
