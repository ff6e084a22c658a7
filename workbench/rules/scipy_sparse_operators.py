"""``scipy.sparse.linalg.LinearOperator``: matrices that are known by their products, which may vary.

SciPy's own class is followed as it is. A solver runs on the operator's plain numbers; its solution is differentiated
by solving with the operator, and with its adjoint, which the pullback of its product gives where it has none of its
own. Eigenvalues of an operator are differentiated with the whole matrix, made by one product for each column.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.rules.implicit import NEAR, quiet
from workbench.rules.linear_maps import linear
from workbench.rules.scipy_sparse_elements import is_sparse
from workbench.rules.stand_ins import no_rule, settled, with_value

_HERMITIAN = frozenset({sl.cg, sl.minres})
_PRECISE = 1e-12


def is_operator(x: Any) -> bool:
    return not is_sparse(x) and hasattr(x, "matvec") and hasattr(x, "shape")


def bare_operator(x: Any) -> Any:
    """The operator in plain numbers, for a solver."""
    return sl.LinearOperator(
        x.shape, quiet(x.matvec), quiet(getattr(x, "rmatvec", None)), dtype=getattr(x, "dtype", None)
    )


class Operator:
    """An operator, traced or not, for ``function``: its products and its solutions."""

    def __init__(self, function: Callable, operator: Any) -> None:
        self.function, self.shape = function, operator.shape
        self._operator, self._bare = operator, bare_operator(operator)

    def times(self, x: Any) -> Any:
        """A x."""
        return np.reshape(settled(resolve(self._operator.matvec)(x)), (-1,))

    def times_dagger(self, x: Any) -> Any:
        """Aᴴ x."""
        return np.reshape(settled(resolve(self._operator.rmatvec)(x)), (-1,))

    def plain(self) -> Any:
        """The matrix without traces, in the csc format; of vectors with one axis, as solvers hand them over."""
        columns = [self._bare.matvec(unit) for unit in np.eye(self.shape[1])]
        return ss.csc_array(np.stack(columns, axis=1))

    def solution(self, value: np.ndarray, b: Any, M: Any = None) -> Any:
        """``value``, which solves A x = b with the preconditioner ``M``, with its derivatives."""
        found, flat = np.reshape(value, (-1,)), np.reshape(b, (-1,))
        if self.function in _HERMITIAN:
            once = again = self._iterated(self._bare, sl.cg if self.function is sl.cg else sl.minres, M)
        else:
            back = pullback(self.times, found)[1]
            adjoint = sl.LinearOperator(
                self.shape[::-1], lambda y: plain(back(np.reshape(y, (-1,)))[0]), dtype=self._bare.dtype
            )
            once, again = (self._iterated(a, sl.gmres, None) for a in (self._bare, adjoint))
        for _ in OPEN:
            rest = self.times(found) - flat
            if type(rest) not in TRACED:
                break
            step = linear(once, again, rest)
            sizes = [np.linalg.norm(x) for x in (plain(step), plain(found) - plain(step), plain(found))]
            if not sizes[0] <= NEAR * min(sizes[1:]):
                raise no_rule(self.function, "a solution that is far from converged")
            found = with_value(found - step, np.reshape(value, (-1,)))
        return with_value(np.reshape(found, np.shape(value)), value)

    def _iterated(self, a: Any, solver: Callable, M: Any) -> Callable:
        """x ↦ A⁻¹ x by iterations."""
        n = a.shape[0]
        options = {
            sl.gmres: {"restart": min(n, 200), "maxiter": 50, "atol": 0.0},
            sl.cg: {"maxiter": 10 * n + 100, "atol": 0.0},
            sl.minres: {"maxiter": 10 * n + 100},
        }[solver]

        def solve(rest: np.ndarray) -> np.ndarray:
            found = solver(a, rest, M=M, rtol=_PRECISE, **options)[0]
            return self._checked(found, a.matvec(found) - rest, rest)

        return solve

    def _checked(self, found: np.ndarray, left: np.ndarray, rest: np.ndarray) -> np.ndarray:
        if not np.linalg.norm(left) <= 1e-9 * np.linalg.norm(rest):
            raise no_rule(self.function, "an operator that is singular, or badly conditioned")
        return found

    def normal(self, damp: float, wide: bool) -> Callable:
        """x ↦ (AᴴA + d²)⁻¹ x, or (AAᴴ)⁻¹ x."""
        a, n = self._bare, self.shape[0 if wide else 1]
        product = (
            (lambda x: a.matvec(a.rmatvec(x))) if wide else (lambda x: a.rmatvec(a.matvec(x)) + damp**2 * x)
        )
        square = sl.LinearOperator((n, n), product, dtype=a.dtype)
        return self._iterated(square, sl.cg, None)
