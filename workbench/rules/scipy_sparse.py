"""``scipy.sparse``: products, sums and solutions, by the dense operand and by the stored elements."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from workbench.autodiff.application import apply_rule, written
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, Rule
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.scipy_sparse_elements import (
    BASE,
    elements_of,
    has_traces,
    is_sparse,
    like,
    placed,
    plain_sparse,
    summed,
)
from workbench.rules.stand_ins import no_rule, settled, with_value

# ------------------------------------------------------------------------------------ products and solutions


def conjugate(x: Any) -> Any:
    return np.conj(x) if np.iscomplexobj(plain(x)) else x


class Pattern:
    """Where the elements of a matrix are: the operations that are differentiated by data and dense operand."""

    def __init__(self, matrix: Any) -> None:
        if matrix.ndim > 2:
            raise no_rule(type(matrix), "a sparse array with more than two axes")
        self.data, self.rows, self.columns = elements_of(matrix)
        self.shape = matrix.shape if matrix.ndim == 2 else (1, *matrix.shape)

    def turned(self) -> Pattern:
        """The pattern of the transpose."""
        new = object.__new__(Pattern)
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
                    found.append(self.turned().times(conjugate(data), bar))
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
            b_bar = np.reshape(self.turned().solve(conjugate(data), bar), np.shape(plain(b)))
            by_data = lambda: -_paired(b_bar, np.reshape(x, np.shape(plain(b))), self.rows, self.columns)  # noqa: E731
            return [by_data() if k == 0 else b_bar for k in needs]

        return x, solve_pullback

    def _apply(self, function: Callable, rule: Callable, data: Any, dense: Any) -> Any:
        if type(data) not in TRACED and type(dense) not in TRACED:
            return function(self.matrix(data), dense)
        primitive = lambda data, dense: function(self.matrix(data), dense)  # noqa: E731
        return apply_rule(Rule(primitive, rule), (data, dense), {})


def _paired(bar: Any, x: Any, rows: np.ndarray, columns: np.ndarray) -> Any:
    products = bar[rows] * conjugate(x)[columns]
    return np.sum(products, axis=-1) if np.ndim(plain(products)) > 1 else products


def dense(x: Any) -> Any:
    """What a matrix is multiplied with: as an array without its class, unless it is sparse."""
    if is_sparse(x):
        return x
    x = settled(x)
    return np.asarray(x) if isinstance(x, list | tuple) else x


def _matmul(self: Any, other: Any) -> Any:
    """``A @ x``, ``A.dot(x)``, and ``A * x`` of sparse matrices."""
    given = dense(other)
    if not (contains_traced(given) or has_traces(self) or has_traces(other)):
        return _original_matmul(self, other)
    if is_sparse(other):
        return _product(self, other)
    if np.ndim(plain(given)) == 0:
        return resolve(type(self)._mul_scalar)(self, given)
    value = _original_matmul(plain_sparse(self), plain(other))
    pattern = Pattern(self)
    return like(pattern.times(pattern.data, given), value)


def _rmatmul(self: Any, other: Any) -> Any:
    """``x @ A``."""
    given = dense(other)
    if not (contains_traced(given) or has_traces(self)):
        return _original_rmatmul(self, other)
    if np.ndim(plain(given)) == 0:
        return resolve(type(self)._mul_scalar)(self, given)
    value = _original_rmatmul(plain_sparse(self), plain(other))
    pattern = Pattern(self) if self.ndim == 1 else Pattern(self).turned()
    turned = pattern.times(pattern.data, np.swapaxes(given, 0, -1) if np.ndim(plain(given)) > 1 else given)
    return like(np.swapaxes(turned, 0, -1) if np.ndim(plain(turned)) > 1 else turned, value)


_original_matmul, _original_rmatmul = BASE._matmul_dispatch, BASE._rmatmul_dispatch
DOORS[_original_matmul] = _matmul
DOORS[_original_rmatmul] = _rmatmul


def _product(self: Any, other: Any) -> Any:
    """A B of two sparse matrices: every pair of elements that meet, added up at its place."""
    made = _original_matmul(plain_sparse(self), plain_sparse(other))
    if not is_sparse(made) or made.ndim != 2 or self.ndim != 2 or other.ndim != 2:
        raise no_rule(type(self).__matmul__, "sparse vectors")
    (a, rows, middle), (b, starts, columns) = elements_of(self), elements_of(other)
    order = np.argsort(starts, kind="stable")
    first = np.searchsorted(starts[order], middle, side="left")
    count = np.searchsorted(starts[order], middle, side="right") - first
    left = np.repeat(np.arange(len(middle)), count)
    right = order[np.arange(len(left)) - np.repeat(np.cumsum(count) - count - first, count)]
    places, at = np.unique(rows[left].astype(int) * made.shape[1] + columns[right], return_inverse=True)
    data = summed(len(places), at, a[left] * b[right])
    return placed(made, data, places)


def _combined(own: Callable, self: Any, other: Any, op: str) -> Any:
    """Sum, difference, elementwise product, the larger or the smaller of two matrices, over the places of both."""
    if not (has_traces(self) or has_traces(other)):
        return own(self, other, op)
    if op not in _OPERATIONS:
        raise no_rule(type(self), f"the elementwise operation {op.strip('_')!r} of sparse matrices")
    made = own(plain_sparse(self), plain_sparse(other), op)
    parts = [elements_of(self), elements_of(other)]
    keys = [np.asarray(rows, int) * made.shape[-1] + columns for _, rows, columns in parts]
    places = np.intersect1d(*keys) if op == "_elmul_" else np.unique(np.concatenate(keys))
    sums = []
    for (elements, _, _), key in zip(parts, keys, strict=True):
        here = np.isin(key, places)
        sums.append(summed(len(places), np.searchsorted(places, key[here]), elements[here]))
    return placed(made, _OPERATIONS[op](*sums), places)


_OPERATIONS = {
    "_plus_": lambda a, b: a + b,
    "_minus_": lambda a, b: a - b,
    "_elmul_": lambda a, b: a * b,
    "_maximum_": lambda a, b: np.maximum(a, b),
    "_minimum_": lambda a, b: np.minimum(a, b),
}
for _cls in (ss._compressed._cs_matrix, ss._bsr._bsr_base):
    DOORS[_cls._binopt] = functools.partial(_combined, _cls._binopt)


def _reduced(self: Any, ufunc: Any, data: Any = None) -> Any:
    """The rows, or columns, that have elements, and the sums, the largest or the smallest of these."""
    data = settled(self.data) if data is None else settled(data)
    if not contains_traced(data):
        return _original_reduced(self, ufunc, data)
    counts = np.diff(self.indptr)
    present = np.flatnonzero(counts)
    if ufunc is np.add:
        return present, summed(len(present), np.repeat(np.arange(len(present)), counts[present]), data)
    if ufunc not in (np.maximum, np.minimum):
        raise no_rule(type(self), f"a reduction by {ufunc.__name__}")
    choose, bare = (np.argmax if ufunc is np.maximum else np.argmin), plain(data)
    starts, ends = self.indptr[present], self.indptr[present + 1]
    chosen = [a + int(choose(bare[a:b])) for a, b in zip(starts, ends, strict=True)]
    return present, data[np.array(chosen, int)]


_original_reduced = ss._compressed._cs_matrix._minor_reduce
DOORS[_original_reduced] = _reduced


def _sum_duplicates(self: Any, coords: Any, data: Any) -> Any:
    """Elements of the same place added up, in the order of the rows."""
    data = settled(data)
    if not contains_traced(data):
        return _original_sum_duplicates(self, coords, data)
    places, where = np.unique(np.stack(coords), axis=1, return_inverse=True)
    own = _original_sum_duplicates(self, coords, plain(data))[1]
    return tuple(places), with_value(summed(places.shape[1], np.reshape(where, (-1,)), data), own)


def summed_up(matrix: Any) -> Any:
    """A copy in the coo format that names every element once."""
    coords, data = _sum_duplicates(matrix, matrix.coords, matrix.data)
    new = type(matrix)((plain(data), coords), shape=matrix.shape)
    new.data, new.has_canonical_format = data, True
    return new


_original_sum_duplicates = ss._coo._coo_base._sum_duplicates
DOORS[_original_sum_duplicates] = _sum_duplicates


def _sums(method: Callable) -> None:
    def call(self: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        if not has_traces(self):
            return method(self, axis, dtype, out)
        if self.ndim > 2:
            raise no_rule(method, "a sparse array with more than two axes")
        value = method(plain_sparse(self), axis, dtype)
        if np.asarray(value).dtype.kind not in "fc":
            raise no_rule(method, f"dtype={dtype!r}")
        data, rows, columns = elements_of(self)
        if np.ndim(value) == 0:
            found = np.sum(data)
        else:
            along = (axis[0] if isinstance(axis, tuple) else axis) % self.ndim
            found = summed(self.shape[1 - along], columns if along == 0 else rows, data)
        found = like(found, value)
        return found if out is None else written(found, out)

    DOORS[method] = call


for _cls in (BASE, ss._compressed._cs_matrix, ss._dia._dia_base):
    _sums(_cls.sum)


def _with_dense(method: Callable, combine: Callable) -> None:
    """``A + x``, ``A - x`` and ``x - A`` with an array."""

    def call(self: Any, other: Any) -> Any:
        if not (has_traces(self) or contains_traced(settled(other))):
            return method(self, other)
        value = method(plain_sparse(self), plain(other))
        return like(combine(resolve(self.toarray)(), settled(other)), value)

    DOORS[method] = call


for _cls in (BASE, ss._compressed._cs_matrix, ss._bsr._bsr_base, ss._coo._coo_base, ss._dia._dia_base):
    for _name, _combine in {
        "_add_dense": lambda a, x: a + x,
        "_sub_dense": lambda a, x: a - x,
        "_rsub_dense": lambda a, x: x - a,
    }.items():
        if _name in _cls.__dict__:
            _with_dense(_cls.__dict__[_name], _combine)

from workbench.rules import scipy_csgraph, scipy_sparse_arranging, scipy_sparse_linalg, scipy_sparse_making  # noqa: E402, F401  the rest
