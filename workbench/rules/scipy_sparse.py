"""``scipy.sparse``: products and solutions, by the dense operand and by the stored elements.

A sparse matrix whose stored elements are traced is an ordinary SciPy object that holds a traced array in ``data``.
Changes of format and arrangement are done twice: on the elements, and on their numbers, which tells where each went.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from workbench.autodiff.application import apply_rule
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.elementwise import add_at
from workbench.autodiff.registry import DOORS, Rule
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import no_rule, refuses, settled, with_value

_BASE = ss._base._spbase


def _is_sparse(x: Any) -> bool:
    return isinstance(x, _BASE)


def _has_traces(x: Any) -> bool:
    return _is_sparse(x) and hasattr(x, "data") and contains_traced(settled(x.data))


def _with_data(matrix: Any, data: np.ndarray) -> Any:
    """A sparse matrix of the same pattern with other elements."""
    if matrix.format in ("csr", "csc", "bsr"):
        return type(matrix)((data, matrix.indices, matrix.indptr), shape=matrix.shape)
    if matrix.format == "coo":
        return type(matrix)((data, matrix.coords), shape=matrix.shape)
    if matrix.format == "dia":
        return type(matrix)((data, matrix.offsets), shape=matrix.shape)
    raise no_rule(type(matrix), f"the format {matrix.format!r} with traced elements")


def plain_sparse(matrix: Any) -> Any:
    """The matrix without its traces."""
    return _with_data(matrix, np.array(plain(settled(matrix.data)))) if _has_traces(matrix) else matrix


def _elements(matrix: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """Stored elements, traced or not, with their rows and columns."""
    data = settled(matrix.data)
    size = int(np.size(plain(data)))
    numbers = _with_data(matrix, np.arange(1.0, size + 1.0).reshape(np.shape(plain(data)))).tocoo()
    places = numbers.data.astype(int) - 1
    flat = np.reshape(data, (-1,)) if type(data) in TRACED else np.reshape(np.asarray(data), (-1,))
    return flat[places], numbers.row, numbers.col


# ------------------------------------------------------------------------------------ products and solutions


def _conjugate(x: Any) -> Any:
    return np.conj(x) if np.iscomplexobj(plain(x)) else x


class _Pattern:
    """Where the elements of a matrix are: the operations that are differentiated by data and dense operand."""

    def __init__(self, matrix: Any) -> None:
        self.data, self.rows, self.columns = _elements(matrix)
        self.shape = matrix.shape

    def turned(self) -> _Pattern:
        """The pattern of the transpose."""
        new = object.__new__(_Pattern)
        new.data, new.rows, new.columns, new.shape = self.data, self.columns, self.rows, self.shape[::-1]
        return new

    def matrix(self, data: Any) -> Any:
        """The matrix with plain elements."""
        return ss.csc_matrix((plain(data), (self.rows, self.columns)), shape=self.shape)

    def times(self, data: Any, x: Any) -> Any:
        """A x."""
        return self._apply(lambda a, x: a @ x, self._times_rule, data, x)

    def _times_rule(self, needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        data, x = args

        def times_pullback(bar: Any) -> list[Any]:
            found = []
            for k in needs:
                if k == 0:
                    found.append(_paired(bar, x, self.rows, self.columns))
                else:
                    found.append(self.turned().times(_conjugate(data), bar))
            return found

        return self.times(data, x), times_pullback

    def solve(self, data: Any, b: Any) -> Any:
        """A⁻¹ b."""
        return self._apply(lambda a, b: sl.spsolve(a, b), self._solve_rule, data, b)

    def _solve_rule(self, needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        """b̄ = A⁻ᴴ x̄, and the element (i, j) of Ā is −b̄_i conj(x_j)."""
        data, b = args
        x = self.solve(data, b)

        def solve_pullback(bar: Any) -> list[Any]:
            b_bar = np.reshape(self.turned().solve(_conjugate(data), bar), np.shape(plain(b)))
            by_data = lambda: -_paired(b_bar, np.reshape(x, np.shape(plain(b))), self.rows, self.columns)  # noqa: E731
            return [by_data() if k == 0 else b_bar for k in needs]

        return x, solve_pullback

    def _apply(self, function: Callable, rule: Callable, data: Any, dense: Any) -> Any:
        if type(data) not in TRACED and type(dense) not in TRACED:
            return function(self.matrix(data), dense)
        primitive = lambda data, dense: function(self.matrix(data), dense)  # noqa: E731
        return apply_rule(Rule(primitive, rule), (data, dense), {})


def _paired(bar: Any, x: Any, rows: np.ndarray, columns: np.ndarray) -> Any:
    products = bar[rows] * _conjugate(x)[columns]
    return np.sum(products, axis=-1) if np.ndim(plain(products)) > 1 else products


def _dense(x: Any) -> Any:
    if isinstance(x, np.matrix):
        return x
    return settled(x)


def _matmul(self: Any, other: Any) -> Any:
    """``A @ x``, ``A.dot(x)``, and ``A * x`` of sparse matrices."""
    if not (contains_traced(_dense(other)) or _has_traces(self) or _has_traces(other)):
        return _original_matmul(self, other)
    if _is_sparse(other) or np.ndim(plain(_dense(other))) == 0:
        raise no_rule(type(self).__matmul__, "a product of two sparse matrices, or with a number")
    value = _original_matmul(plain_sparse(self), plain(_dense(other)))
    pattern = _Pattern(self)
    return with_value(pattern.times(pattern.data, _dense(other)), value)


def _rmatmul(self: Any, other: Any) -> Any:
    """``x @ A``."""
    if not (contains_traced(_dense(other)) or _has_traces(self)):
        return _original_rmatmul(self, other)
    other = _dense(other)
    value = _original_rmatmul(plain_sparse(self), plain(other))
    pattern = _Pattern(self).turned()
    turned = pattern.times(pattern.data, np.swapaxes(other, 0, -1) if np.ndim(plain(other)) > 1 else other)
    return with_value(np.swapaxes(turned, 0, -1) if np.ndim(plain(turned)) > 1 else turned, value)


_original_matmul, _original_rmatmul = _BASE._matmul_dispatch, _BASE._rmatmul_dispatch
DOORS[_original_matmul] = _matmul
DOORS[_original_rmatmul] = _rmatmul


def _combined(self: Any, other: Any, op: str) -> Any:
    """Sum and difference of two sparse matrices, over the places of both."""
    if not (_has_traces(self) or _has_traces(other)):
        return _original_combined(self, other, op)
    if op not in ("_plus_", "_minus_"):
        raise no_rule(type(self), f"the elementwise operation {op.strip('_')!r} of sparse matrices")
    made = _original_combined(plain_sparse(self), plain_sparse(other), op)
    parts = [_elements(self), _elements(other)]
    keys = [np.asarray(rows, int) * made.shape[1] + columns for _, rows, columns in parts]
    places = np.unique(np.concatenate(keys))
    data = 0.0
    for (elements, _, _), key, sign in zip(parts, keys, (1.0, 1.0 if op == "_plus_" else -1.0), strict=True):
        data = data + current(add_at(np.zeros(len(places)), np.searchsorted(places, key), sign * elements))
    new = type(made)((np.arange(1.0, len(places) + 1.0), np.divmod(places, made.shape[1])), shape=made.shape)
    new.data = data[new.data.astype(int) - 1]
    return new


_original_combined = ss._compressed._cs_matrix._binopt
DOORS[_original_combined] = _combined


def _spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """``spsolve`` with a dense right-hand side."""
    if not (contains_traced(_dense(b)) or _has_traces(A) or contains_traced(A)):
        return sl.spsolve(A, b, permc_spec, use_umfpack)
    if not _is_sparse(A) or _is_sparse(b):
        raise no_rule(sl.spsolve, "a dense matrix or a sparse right-hand side")
    b = _dense(b)
    value = sl.spsolve(plain_sparse(A), plain(b), permc_spec, use_umfpack)
    pattern = _Pattern(A)
    return with_value(np.reshape(pattern.solve(pattern.data, b), value.shape), value)


DOORS[sl.spsolve] = _spsolve


def _iterative(function: Callable) -> None:
    """Krylov solvers: the derivative is that of the solution itself."""

    def call(A: Any, b: Any, x0: Any = None, **options: Any) -> Any:
        if not (contains_traced(_dense(b)) or _has_traces(A)):
            return function(A, b, x0, **options)
        if not _is_sparse(A):
            raise no_rule(function, "a linear operator or a dense matrix")
        b = _dense(b)
        value, report = function(plain_sparse(A), plain(b), plain(x0), **plain(options))
        pattern = _Pattern(A)
        return with_value(np.reshape(pattern.solve(pattern.data, b), value.shape), value), report

    DOORS[function] = call


for _function in (sl.cg, sl.bicg, sl.bicgstab, sl.gmres, sl.minres):
    _iterative(_function)

# ------------------------------------------------------------------------------------ making and arranging


def _arranging(cls: type, name: str) -> None:
    method = cls.__dict__[name]

    def call(self: Any, *args: Any, **options: Any) -> Any:
        if not _has_traces(self):
            return method(self, *args, **options)
        data = settled(self.data)
        size = int(np.size(plain(data)))
        numbers = np.arange(1.0, size + 1.0).reshape(np.shape(plain(data)))
        made = method(_with_data(self, numbers), *args, **options)
        whole = made.data if _is_sparse(made) else np.asarray(made)
        places = np.round(whole).astype(int)
        if np.any(places != whole) or np.any(np.bincount(places.ravel())[1:] > 1):
            raise no_rule(method, "a matrix that names an element twice")
        flat = resolve(np.concatenate)([np.zeros(1), np.reshape(data, (-1,))])
        if not _is_sparse(made):
            return flat[places]
        made.data = flat[places]
        return made

    DOORS[method] = call


for _cls, _names in {
    ss._coo._coo_base: ("tocsr", "tocsc", "toarray", "transpose", "tocoo", "todia"),
    ss._csr._csr_base: ("tocsc", "tocsr", "transpose"),
    ss._csc._csc_base: ("tocsr", "tocsc", "transpose"),
    ss._dia._dia_base: ("tocoo", "tocsc", "transpose"),
    ss._compressed._cs_matrix: ("toarray", "tocoo", "diagonal"),
    _BASE: ("todense",),
}.items():
    for _name in _names:
        if _name in _cls.__dict__:
            _arranging(_cls, _name)


def _make(cls: type) -> Callable:
    """A sparse matrix made of traced elements and plain positions; of a dense traced matrix, its nonzero elements."""

    def call(arg: Any, shape: Any = None, *rest: Any, **options: Any) -> Any:
        traced = contains_traced(arg, 4)
        if not traced and not _has_traces(arg):
            return cls(arg, shape, *rest, **options)
        if rest or options.get("dtype") is not None:
            raise no_rule(cls, "dtype and copy")
        if _is_sparse(arg):
            return resolve(getattr(arg, f"to{cls.__name__[:3]}"))()
        if isinstance(arg, tuple):
            if contains_traced(arg[1:], 4):
                raise no_rule(cls, "positions that vary")
            data = settled(arg[0])
            numbers = cls((np.arange(1.0, np.size(plain(data)) + 1.0), *arg[1:]), shape=shape)
        else:
            dense = settled(arg)
            places = np.nonzero(plain(dense))
            data = dense[places]
            numbers = cls((np.arange(1.0, len(places[0]) + 1.0), places), shape=np.shape(plain(dense)))
        order = numbers.data.astype(int) - 1
        if np.size(order) != np.size(plain(data)) or len(np.unique(order)) != np.size(order):
            raise no_rule(cls, "an element that is given twice")
        numbers.data = data[order]
        return numbers

    return call


for _cls in (ss.csr_matrix, ss.csc_matrix, ss.coo_matrix, ss.csr_array, ss.csc_array, ss.coo_array):
    DOORS[_cls] = _make(_cls)


def _diags(diagonals: Any, offsets: Any = 0, shape: Any = None, format: Any = None, dtype: Any = None) -> Any:
    """``diags``: the elements of each diagonal, in a format that holds elements in any order."""
    if not contains_traced(diagonals):
        return ss.diags(diagonals, offsets, shape, format, dtype)
    parts = (
        [diagonals] if np.ndim(offsets) == 0 and np.ndim(plain(settled(diagonals))) == 1 else list(diagonals)
    )
    given = [np.atleast_1d(settled(p)) for p in parts]
    counts, numbers, start = np.atleast_1d(offsets), [], 1.0
    for part in given:
        size = np.size(plain(part))
        numbers.append(np.arange(start, start + size))
        start += size
    made = ss.diags(numbers, counts, shape, format="coo")
    flat = resolve(np.concatenate)(given) if len(given) > 1 else given[0]
    made.data = flat[made.data.astype(int) - 1]
    return made if format in (None, "coo", "dia") else resolve(getattr(made, f"to{format}"))()


DOORS[ss.diags] = _diags

refuses(
    sl.splu, sl.spilu, sl.factorized, sl.spsolve_triangular, sl.eigs, sl.eigsh, sl.svds, sl.expm, sl.expm_multiply,
    sl.lsqr, sl.lsmr, sl.inv, sl.norm, sl.onenormest, sl.lobpcg, sl.matrix_power, sl.LinearOperator.__new__,
    ss.kron, ss.block_diag, ss.hstack, ss.vstack, ss.bmat, ss.tril, ss.triu, ss.find,
    ss.bsr_matrix, ss.lil_matrix, ss.dok_matrix, ss.dia_matrix, ss.lil_array, ss.dok_array, ss.bsr_array,
    why="use @, spsolve, cg, gmres and matrices in the csr, csc or coo format, which have rules",
)  # fmt: skip
