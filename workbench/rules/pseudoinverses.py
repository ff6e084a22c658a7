"""Pseudoinverses, for a rank that does not change, and of what the larger singular values make."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.application import as_array
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS, Rule, add_rule
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import MissingRuleError
from workbench.rules.linalg import dagger
from workbench.rules.stand_ins import with_value


def _pinv(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """The pseudoinverse P, for a rank that does not change.

    Source: G. H. Golub, V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose
    variables separate, 1973, equation 4.12.
    """
    a, p = args[0], np.linalg.pinv(args[0])
    rows, columns = np.shape(plain(a))[-2:]

    def pinv_pullback(bar: Any) -> list[Any]:
        p_dagger, bar_dagger = dagger(p), dagger(bar)
        left, right = np.eye(rows) - a @ p, np.eye(columns) - p @ a
        return [
            left @ bar_dagger @ p @ p_dagger + p_dagger @ p @ bar_dagger @ right - p_dagger @ bar @ p_dagger
        ]

    return p, pinv_pullback


add_rule(Rule(np.linalg.pinv, _pinv, leaves=(0,)))
_of_full_rank = DOORS[np.linalg.pinv]


def pinv_above(a: Any, size: Any) -> Any:
    """The pseudoinverse of what the singular values above ``size`` make: V S⁻¹ Uᴴ of these, if others are not zero."""
    sizes = np.linalg.svd(plain(a), compute_uv=False)
    size = np.broadcast_to(np.asarray(size)[..., None], sizes.shape)
    left_out = np.where(sizes > size, 0.0, sizes)
    rows, columns = np.shape(plain(a))[-2:]
    if np.all(
        left_out <= max(rows, columns) * np.finfo(sizes.dtype).eps * np.max(sizes, axis=-1, keepdims=True)
    ):
        return _of_full_rank(a)
    u, s, vh = resolve(np.linalg.svd)(a, full_matrices=False)
    inverse = np.where(sizes > size, 1.0 / np.where(sizes > size, s, 1.0), 0.0)
    return dagger(vh) @ (inverse[..., :, None] * dagger(u))


def _pinv_with_options(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    """By default what is not above 1e-15 of the largest singular value is left out."""
    plainly = rcond is None and not hermitian and rtol is np._NoValue
    a = as_array(a) if isinstance(a, list | tuple) else current(a)
    if plainly or not contains_traced(a):
        return _of_full_rank(a) if plainly else np.linalg.pinv(a, rcond, hermitian, rtol=rtol)
    if contains_traced([rcond, rtol]):
        raise MissingRuleError(
            "numpy.linalg.pinv has no rule for a tolerance that varies",
            where=user_line(),
            fix="pass a plain number",
        )
    value = np.linalg.pinv(plain(a), rcond, hermitian, rtol=rtol)
    if rcond is None and rtol in (None, np._NoValue):
        rcond = 1e-15 if rtol is np._NoValue else max(np.shape(plain(a))[-2:]) * np.finfo(plain(a).dtype).eps
    whole = _hermitian(a) if hermitian else a
    sizes = np.linalg.svd(plain(whole), compute_uv=False)
    return with_value(pinv_above(whole, (rtol if rcond is None else rcond) * np.max(sizes, axis=-1)), value)


def _hermitian(a: Any) -> Any:
    """The Hermitian matrix of which the lower triangle is read."""
    side = np.tril(a, -1)
    return side + dagger(side) + np.real(a * np.eye(np.shape(plain(a))[-1]))


DOORS[np.linalg.pinv] = _pinv_with_options
