"""``scipy.sparse.linalg``: factorised and iterative solutions, least squares, exponentials; more in
``scipy_sparse_eigenvalues``.

Every one of them is differentiated as the solution that it approximates, by sparse solutions, whatever its own
tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as dense_linalg
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from workbench.autodiff.application import apply_rule
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, OWNER_DOORS, Rule
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.implicit import NEAR, unknown
from workbench.rules.keeping import Around
from workbench.rules.linear_maps import linear
from workbench.rules.scipy_sparse import Pattern, conjugate, dense
from workbench.rules.scipy_sparse_elements import elements_of, has_traces, is_sparse, plain_sparse
from workbench.rules.scipy_sparse_operators import Operator, bare_operator, is_operator
from workbench.rules.stand_ins import as_number, must_agree, no_rule, settled, with_value


class _Matrix:
    """A sparse or dense matrix, traced or not: its products and its solutions."""

    def __init__(self, function: Callable, matrix: Any) -> None:
        matrix = matrix if is_sparse(matrix) else settled(matrix)
        self.function = function
        self.sparse = is_sparse(matrix)
        self.of = Pattern(matrix) if self.sparse else matrix
        self.shape = matrix.shape if self.sparse else np.shape(plain(matrix))

    def times(self, x: Any) -> Any:
        """A x."""
        return self.of.times(self.of.data, x) if self.sparse else np.matmul(self.of, x)

    def times_dagger(self, x: Any) -> Any:
        """Aᴴ x."""
        if self.sparse:
            return self.of.turned().times(conjugate(self.of.data), x)
        return np.matmul(np.transpose(conjugate(self.of)), x)

    def solve(self, b: Any) -> Any:
        """A⁻¹ b."""
        return self.of.solve(self.of.data, b) if self.sparse else np.linalg.solve(self.of, b)

    def plain(self) -> Any:
        """The matrix without traces, in the csc format."""
        return self.of.matrix(self.of.data) if self.sparse else ss.csc_array(plain(self.of))

    def normal(self, damp: float, wide: bool) -> Callable:
        """x ↦ (AᴴA + d²)⁻¹ x, or (AAᴴ)⁻¹ x."""
        a = self.plain()
        square = a @ a.conj().T if wide else a.conj().T @ a + damp**2 * ss.eye_array(a.shape[1])
        return _solver(_factored(square, self.function, "a matrix without full rank"))


def _matrix(function: Callable, matrix: Any) -> Any:
    return Operator(function, matrix) if is_operator(matrix) else _Matrix(function, matrix)


def _traced(*values: Any) -> bool:
    """Whether any of the values varies; of an operator that is not known before it is used."""
    return bool(OPEN) and any(
        is_operator(v) or (has_traces(v) if is_sparse(v) else contains_traced(v, 4)) for v in values
    )


def _bare(x: Any) -> Any:
    if is_operator(x):
        return bare_operator(x)
    return plain_sparse(x) if is_sparse(x) else plain(settled(x))


# ------------------------------------------------------------------------------------ solutions


def _spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """``spsolve`` with a dense right-hand side."""
    if not (contains_traced(dense(b)) or has_traces(A) or contains_traced(A)):
        return sl.spsolve(A, b, permc_spec, use_umfpack)
    if not is_sparse(A) or is_sparse(b):
        raise no_rule(sl.spsolve, "a dense matrix or a sparse right-hand side")
    b = dense(b)
    value = sl.spsolve(plain_sparse(A), plain(b), permc_spec, use_umfpack)
    pattern = Pattern(A)
    return with_value(np.reshape(pattern.solve(pattern.data, b), value.shape), value)


DOORS[sl.spsolve] = _spsolve


def _products(operator: Any) -> list[Callable]:
    """The functions of an operator."""
    return [getattr(operator, name) for name in ("matvec", "rmatvec") if hasattr(operator, name)]


def _iterative(function: Callable) -> None:
    """Krylov solvers: the derivative is that of the solution itself."""

    def call(A: Any, b: Any, x0: Any = None, **options: Any) -> Any:
        if not _traced(A, b, *options.values()):
            return function(A, b, **({} if x0 is None else {"x0": _bare(x0)}), **options)
        if contains_traced(options.get("shift")) or options.get("shift"):
            raise no_rule(function, "shift: subtract it from the diagonal of the matrix")
        b = dense(b)
        start = {} if x0 is None else {"x0": _bare(x0)}
        options = {k: _bare(v) for k, v in options.items()}
        around = Around(*(_products(A) if is_operator(A) else ()))
        with around.during():
            value, report = function(_bare(A), plain(b), **start, **options)
        if is_operator(A):
            with around.aside():
                return Operator(function, A).solution(value, b, options.get("M")), report
        found = np.reshape(_Matrix(function, A).solve(np.reshape(b, (-1,))), value.shape)
        sizes = [np.linalg.norm(x) for x in (plain(found) - value, plain(found), value)]
        if not sizes[0] <= NEAR * min(sizes[1:]):
            raise no_rule(function, "a singular matrix, or a solution that is far from converged")
        return with_value(found, value), report

    DOORS[function] = call


for _function in (
    sl.cg,
    sl.bicg,
    sl.bicgstab,
    sl.gmres,
    sl.minres,
    sl.lgmres,
    sl.gcrotmk,
    sl.qmr,
    sl.tfqmr,
    sl.cgs,
):
    _iterative(_function)


class _Factored:
    """What ``splu`` returns for a matrix that varies."""

    def __init__(self, matrix: Any, **options: Any) -> None:
        self._factor = sl.splu(plain_sparse(matrix), **options)
        self._pattern = Pattern(matrix)
        self.shape = matrix.shape

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        """A⁻¹ rhs, A⁻ᵀ rhs or A⁻ᴴ rhs."""
        rhs = settled(rhs)
        value = self._factor.solve(plain(rhs), trans)
        pattern = self._pattern if trans == "N" else self._pattern.turned()
        data = conjugate(pattern.data) if trans == "H" else pattern.data
        return with_value(np.reshape(pattern.solve(data, rhs), value.shape), value)

    def __getattr__(self, name: str) -> Any:
        if name in ("L", "U", "perm_r", "perm_c", "nnz"):
            return unknown(getattr(self._factor, name), f"the factor's {name!r}")
        raise AttributeError(name)


def _splu(A: Any, **options: Any) -> Any:
    options = {
        name: plain(option) for name, option in options.items()
    }  # thresholds: what is chosen does not vary
    return _Factored(A, **options) if has_traces(A) else sl.splu(A, **options)


def _method_of_factor(method: Callable, factor: Any) -> Callable:
    """``solve`` of a constant matrix: linear in the right-hand side."""

    def call(rhs: Any, trans: str = "N") -> Any:
        rhs = settled(rhs)
        if trans == "T" and np.iscomplexobj(plain(rhs)):
            return np.conj(call(np.conj(rhs), "H"))
        turned = {"N": "H", "H": "N", "T": "N"}[trans]
        return linear(lambda b: factor.solve(b, trans), lambda b: factor.solve(b, turned), rhs)

    return call if method.__name__ == "solve" else method


DOORS[sl.splu] = _splu
DOORS[sl.factorized] = lambda A: _Factored(A).solve if has_traces(A) else sl.factorized(A)
OWNER_DOORS[sl.SuperLU] = _method_of_factor


def _spsolve_triangular(A: Any, b: Any, lower: bool = True, overwrite_A: bool = False, overwrite_b: bool = False,
                        unit_diagonal: bool = False) -> Any:  # fmt: skip
    if not _traced(A, b):
        return sl.spsolve_triangular(A, b, lower, overwrite_A, overwrite_b, unit_diagonal)
    if unit_diagonal or not is_sparse(A):
        raise no_rule(sl.spsolve_triangular, "unit_diagonal and a dense matrix")
    data, rows, columns = elements_of(A)
    if np.any(plain(data)[rows < columns if lower else rows > columns]):
        raise no_rule(sl.spsolve_triangular, "a matrix that is not triangular: take tril or triu of it")
    value = sl.spsolve_triangular(plain_sparse(A), plain(dense(b)), lower)
    return with_value(np.reshape(_Matrix(sl.spsolve_triangular, A).solve(dense(b)), value.shape), value)


DOORS[sl.spsolve_triangular] = _spsolve_triangular


def _inv(A: Any) -> Any:
    if not has_traces(A):
        return sl.inv(A)
    whole = _Matrix(sl.inv, A).solve(np.eye(A.shape[0]))
    return resolve(type(sl.inv(plain_sparse(A))))(whole)


DOORS[sl.inv] = _inv


def _factored(matrix: Any, function: Callable, singular: str) -> Any:
    """The factors of a plain matrix.

    Raises:
        MissingRuleError: it is singular, up to rounding.
    """
    try:
        factor = sl.splu(ss.csc_array(matrix))
    except RuntimeError as error:
        raise no_rule(function, singular) from error
    pivots = np.abs(factor.U.diagonal())
    if np.min(pivots) < 1e-13 * np.max(pivots):
        raise no_rule(function, singular)
    return factor


def _solver(factor: Any) -> Callable:
    """``factor.solve``, of complex right-hand sides too where the matrix is real, for which SciPy has none."""
    is_real = factor.L.dtype.kind == "f"

    def solve(b: np.ndarray) -> np.ndarray:
        if is_real and np.iscomplexobj(b):
            return factor.solve(b.real.copy()) + 1j * factor.solve(b.imag.copy())
        return factor.solve(b)

    return solve


def _least_squares(function: Callable, names: str) -> None:
    """x minimises |A x − b|² + d² |x|²; with more columns than rows, and d = 0, the shortest of the solutions.

    AᴴA + d² is solved for a correction that is zero, once for each order of derivatives.
    """
    parts = names.split()

    def call(A: Any, b: Any, damp: Any = 0.0, *rest: Any, x0: Any = None, **options: Any) -> Any:
        if not _traced(A, b, damp):
            return function(A, b, damp, *rest, x0=x0, **options)
        if x0 is not None:
            raise no_rule(function, "x0")
        damp = as_number(damp)
        value = function(_bare(A), _bare(b), plain(damp), *rest, **options)
        matrix, b = _matrix(function, A), np.reshape(dense(b), (-1,))
        wide = matrix.shape[0] < matrix.shape[1] and plain(damp) == 0
        if wide and contains_traced(damp):
            raise no_rule(function, "damp=0 that varies")
        solve, x = matrix.normal(plain(damp), wide), value[0]
        sought = solve(plain(matrix.times(x) if wide else matrix.times_dagger(plain(b))))
        for _ in OPEN:
            if wide:
                rest_now = matrix.times(matrix.times_dagger(sought)) - b
            else:
                rest_now = matrix.times_dagger(matrix.times(sought) - b) + damp**2 * sought
            sought = with_value(sought - linear(solve, solve, rest_now), plain(sought))
        found = with_value(matrix.times_dagger(sought) if wide else sought, value[0])
        return (found, *[unknown(v, f"the solver's {n!r}") for n, v in zip(parts, value[1:], strict=True)])

    DOORS[function] = call


_least_squares(sl.lsqr, "istop itn r1norm r2norm anorm acond arnorm xnorm var")
_least_squares(sl.lsmr, "istop itn normr normar norma conda normx")

# ------------------------------------------------------------------------------------ exponentials


def _whole(A: Any) -> Any:
    return resolve(A.toarray)() if is_sparse(A) else settled(A)


def _expm(A: Any) -> Any:
    """e^A, differentiated as a dense exponential."""
    if not _traced(A):
        return sl.expm(A)
    value = sl.expm(_bare(A))
    found = resolve(dense_linalg.expm)(_whole(A))
    if not ss.issparse(value):
        return with_value(found, value)
    return resolve(type(value))(with_value(found, value.toarray()))


DOORS[sl.expm] = _expm


def _expm_multiply(A: Any, B: Any, start: Any = None, stop: Any = None, num: Any = None, endpoint: Any = None,
                   traceA: Any = None) -> Any:  # fmt: skip
    """e^A B is linear in B; by a matrix that varies it is differentiated as a dense exponential."""
    if not _traced(A, B, start, stop, traceA):
        return sl.expm_multiply(A, B, start, stop, num, endpoint, traceA)
    if _traced(start, stop, traceA):
        raise no_rule(sl.expm_multiply, "start, stop and traceA that vary")
    a, b = _bare(A), dense(B)
    value = sl.expm_multiply(a, plain(b), start, stop, num, endpoint, traceA)
    times = [1.0] if start is None else np.linspace(
        start, stop, 50 if num is None else num, True if endpoint is None else endpoint
    )  # fmt: skip
    if _traced(A):
        whole = _whole(A)
        parts = [np.matmul(resolve(dense_linalg.expm)(t * whole), b) for t in times]
    else:
        turned = a.conj().T
        parts = [
            linear(
                lambda x, t=t: sl.expm_multiply(t * a, x), lambda x, t=t: sl.expm_multiply(t * turned, x), b
            )
            for t in times
        ]
    found = parts[0] if start is None else resolve(np.stack)(parts)
    return with_value(found, value)


DOORS[sl.expm_multiply] = _expm_multiply


# ------------------------------------------------------------------------------------ estimates


def _spilu(A: Any, *rest: Any, **options: Any) -> Any:
    """An incomplete factor is there to be a preconditioner: what it gives has no known derivative."""
    if not has_traces(A):
        return sl.spilu(A, *rest, **options)
    return _Incomplete(sl.spilu(plain_sparse(A), *rest, **options), elements_of(A)[0])


class _Incomplete:
    """What ``spilu`` returns for a matrix that varies."""

    def __init__(self, factor: Any, data: Any) -> None:
        self._factor, self._data = factor, data
        self.shape = factor.shape

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        rule = Rule(lambda data, b: self._factor.solve(plain(b), trans), self._solve_rule(trans))
        return apply_rule(rule, (self._data, settled(rhs)), {})

    def _solve_rule(self, trans: str) -> Callable:
        def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
            def solve_pullback(bar: Any) -> Any:
                raise no_rule(sl.spilu, "a solution that is used otherwise than as a preconditioner")

            return self._factor.solve(plain(args[1]), trans), solve_pullback

        return forward


DOORS[sl.spilu] = _spilu


def _onenormest(A: Any, t: int = 2, itmax: int = 5, compute_v: bool = False, compute_w: bool = False) -> Any:
    """The largest sum of sizes in a column, where the estimate is exact."""
    if not _traced(A):
        return sl.onenormest(A, t, itmax, compute_v, compute_w)
    if is_operator(A) or compute_v or compute_w:
        raise no_rule(sl.onenormest, "an operator, compute_v and compute_w")
    value = sl.onenormest(_bare(A), t, itmax)
    found = resolve(sl.norm)(A, 1) if is_sparse(A) else np.linalg.norm(settled(A), 1)
    must_agree(sl.onenormest, found, value)
    return with_value(found, value)


DOORS[sl.onenormest] = _onenormest


from workbench.rules import scipy_sparse_eigenvalues  # noqa: E402, F401  the rest
