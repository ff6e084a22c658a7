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
from workbench.autodiff.registry import DOORS, Rule, by_position
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import no_rule, refuses, settled, with_value

_BASE = ss._base._spbase


def is_sparse(x: Any) -> bool:
    return isinstance(x, _BASE)


def has_traces(x: Any) -> bool:
    return is_sparse(x) and hasattr(x, "data") and contains_traced(settled(x.data))


def with_data(matrix: Any, data: np.ndarray) -> Any:
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
    return with_data(matrix, np.array(plain(settled(matrix.data)))) if has_traces(matrix) else matrix


def elements_of(matrix: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """Stored elements, traced or not, with their rows and columns."""
    data = settled(matrix.data)
    size = int(np.size(plain(data)))
    numbers = with_data(matrix, np.arange(1.0, size + 1.0).reshape(np.shape(plain(data)))).tocoo()
    places = numbers.data.astype(int) - 1
    flat = np.reshape(data, (-1,)) if type(data) in TRACED else np.reshape(np.asarray(data), (-1,))
    return flat[places], numbers.row, numbers.col


# ------------------------------------------------------------------------------------ products and solutions


def conjugate(x: Any) -> Any:
    return np.conj(x) if np.iscomplexobj(plain(x)) else x


class Pattern:
    """Where the elements of a matrix are: the operations that are differentiated by data and dense operand."""

    def __init__(self, matrix: Any) -> None:
        if matrix.ndim != 2:
            raise no_rule(type(matrix), "a sparse vector")
        self.data, self.rows, self.columns = elements_of(matrix)
        self.shape = matrix.shape

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
    """What a matrix is multiplied with: as an array, unless it is sparse or a matrix."""
    if isinstance(x, np.matrix) or is_sparse(x):
        return x
    x = settled(x)
    return np.asarray(x) if isinstance(x, list | tuple) else x


def _matmul(self: Any, other: Any) -> Any:
    """``A @ x``, ``A.dot(x)``, and ``A * x`` of sparse matrices."""
    if not (contains_traced(dense(other)) or has_traces(self) or has_traces(other)):
        return _original_matmul(self, other)
    if is_sparse(other):
        return _product(self, other)
    if np.ndim(plain(dense(other))) == 0:
        return resolve(type(self)._mul_scalar)(self, other)
    value = _original_matmul(plain_sparse(self), plain(dense(other)))
    pattern = Pattern(self)
    return with_value(pattern.times(pattern.data, dense(other)), value)


def _rmatmul(self: Any, other: Any) -> Any:
    """``x @ A``."""
    if not (contains_traced(dense(other)) or has_traces(self)):
        return _original_rmatmul(self, other)
    other = dense(other)
    if np.ndim(plain(other)) == 0:
        return resolve(type(self)._mul_scalar)(self, other)
    value = _original_rmatmul(plain_sparse(self), plain(other))
    pattern = Pattern(self).turned()
    turned = pattern.times(pattern.data, np.swapaxes(other, 0, -1) if np.ndim(plain(other)) > 1 else other)
    return with_value(np.swapaxes(turned, 0, -1) if np.ndim(plain(turned)) > 1 else turned, value)


_original_matmul, _original_rmatmul = _BASE._matmul_dispatch, _BASE._rmatmul_dispatch
DOORS[_original_matmul] = _matmul
DOORS[_original_rmatmul] = _rmatmul


def _product(self: Any, other: Any) -> Any:
    """A B of two sparse matrices: every pair of elements that meet, added up at its place."""
    made = _original_matmul(plain_sparse(self), plain_sparse(other))
    if made.ndim != 2:
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


def placed(made: Any, data: Any, places: np.ndarray) -> Any:
    """A matrix like ``made``, with its values, and with ``data`` at places that are numbered row by row.

    SciPy may have left out elements that are zero now; they are kept here, since they vary.
    """
    own = made.tocoo()
    keys = own.row.astype(int) * made.shape[1] + own.col
    if (
        len(keys) == len(places)
        and made.format in ("csr", "csc", "coo")
        and np.array_equal(np.sort(keys), places)
    ):
        new = made.copy()
        numbers = with_data(made, np.arange(1.0, len(keys) + 1.0)).tocoo()
        order = np.empty(len(keys), int)
        order[numbers.data.astype(int) - 1] = np.searchsorted(places, keys)
        new.data = with_value(data[order], made.data)
        return new
    values = np.zeros(len(places), own.dtype)
    np.add.at(values, np.searchsorted(places, keys[own.data != 0]), own.data[own.data != 0])
    numbers = ss.coo_array(
        (np.arange(1.0, len(places) + 1.0), np.divmod(places, made.shape[1])), shape=made.shape
    )
    new = type(made)(numbers)
    order = new.data.astype(int) - 1
    new.data = np.reshape(with_value(data, values), (-1,))[order]
    return new


def summed(count: int, where: np.ndarray, data: Any) -> Any:
    """The sum of the data that belong to each of so many places."""
    return current(add_at(np.zeros(count, np.result_type(plain(data), float)), where, data))


def _combined(self: Any, other: Any, op: str) -> Any:
    """Sum, difference and elementwise product of two sparse matrices, over the places of both."""
    if not (has_traces(self) or has_traces(other)):
        return _original_combined(self, other, op)
    if op not in ("_plus_", "_minus_", "_elmul_"):
        raise no_rule(type(self), f"the elementwise operation {op.strip('_')!r} of sparse matrices")
    made = _original_combined(plain_sparse(self), plain_sparse(other), op)
    parts = [elements_of(self), elements_of(other)]
    keys = [np.asarray(rows, int) * made.shape[1] + columns for _, rows, columns in parts]
    if op == "_elmul_":
        places, first, second = np.intersect1d(*keys, return_indices=True)
        if any(len(np.unique(key)) < len(key) for key in keys):
            raise no_rule(type(self), "an elementwise product of matrices that name an element twice")
        return placed(made, parts[0][0][first] * parts[1][0][second], places)
    places = np.unique(np.concatenate(keys))
    data = 0.0
    for (elements, _, _), key, sign in zip(parts, keys, (1.0, 1.0 if op == "_plus_" else -1.0), strict=True):
        data = data + summed(len(places), np.searchsorted(places, key), sign * elements)
    return placed(made, data, places)


_original_combined = ss._compressed._cs_matrix._binopt
DOORS[_original_combined] = _combined


def _row_sums(self: Any, ufunc: Any, data: Any = None) -> Any:
    """The rows, or columns, that have elements, and the sums of these."""
    data = settled(self.data) if data is None else settled(data)
    if not contains_traced(data):
        return _original_row_sums(self, ufunc, data)
    if ufunc is not np.add:
        raise no_rule(type(self), f"a reduction by {ufunc.__name__}")
    counts = np.diff(self.indptr)
    present = np.flatnonzero(counts)
    where = np.repeat(np.arange(len(present)), counts[present])
    return present, summed(len(present), where, data)


_original_row_sums = ss._compressed._cs_matrix._minor_reduce
DOORS[_original_row_sums] = _row_sums


def _sum_duplicates(self: Any, coords: Any, data: Any) -> Any:
    """Elements of the same place added up, in the order of the rows."""
    data = settled(data)
    if not contains_traced(data):
        return _original_sum_duplicates(self, coords, data)
    places, where = np.unique(np.stack(coords), axis=1, return_inverse=True)
    own = _original_sum_duplicates(self, coords, plain(data))[1]
    return tuple(places), with_value(summed(places.shape[1], np.reshape(where, (-1,)), data), own)


def _summed_up(matrix: Any) -> Any:
    """A copy in the coo format that names every element once."""
    coords, data = _sum_duplicates(matrix, matrix.coords, matrix.data)
    new = type(matrix)((plain(data), coords), shape=matrix.shape)
    new.data, new.has_canonical_format = data, True
    return new


_original_sum_duplicates = ss._coo._coo_base._sum_duplicates
DOORS[_original_sum_duplicates] = _sum_duplicates


# ------------------------------------------------------------------------------------ making and arranging


def _arranging(cls: type, name: str) -> None:
    method = cls.__dict__[name]

    def call(self: Any, *args: Any, **options: Any) -> Any:
        if not has_traces(self):
            return method(self, *args, **options)
        if self.format == "coo" and name in ("tocsr", "tocsc") and not self.has_canonical_format:
            self = _summed_up(self)
        data = settled(self.data)
        size = int(np.size(plain(data)))
        numbers = np.arange(1.0, size + 1.0).reshape(np.shape(plain(data)))
        made = method(with_data(self, numbers), *args, **options)
        whole = made.data if is_sparse(made) else np.asarray(made)
        places = np.round(whole).astype(int)
        if np.any(places != whole) or np.any(np.bincount(places.ravel())[1:] > 1):
            raise no_rule(method, "a matrix that names an element twice")
        flat = resolve(np.concatenate)([np.zeros(1), np.reshape(data, (-1,))])
        if not is_sparse(made):
            return flat[places]
        made.data = flat[places]
        return made

    DOORS[method] = call


for _cls, _names in {
    ss._coo._coo_base: ("tocsr", "tocsc", "toarray", "transpose", "tocoo", "todia"),
    ss._csr._csr_base: ("tocsc", "tocsr", "transpose"),
    ss._csc._csc_base: ("tocsr", "tocsc", "transpose"),
    ss._dia._dia_base: ("tocoo", "tocsc", "tocsr", "transpose", "diagonal"),
    ss._compressed._cs_matrix: ("toarray", "tocoo", "diagonal"),
    ss._bsr._bsr_base: ("tocoo", "tocsr", "toarray", "transpose"),
    ss._index.IndexMixin: ("__getitem__",),
    _BASE: ("todense",),
}.items():
    for _name in _names:
        if _name in _cls.__dict__:
            _arranging(_cls, _name)


def _same_numbers(cls: type, arg: Any, dtype: Any) -> None:
    """Refuse a type that would round. A copy is made in any case."""
    given = arg.data if is_sparse(arg) else arg[0] if isinstance(arg, tuple) else arg
    if dtype is not None and np.result_type(plain(settled(given)), dtype) != np.dtype(dtype):
        raise no_rule(cls, f"dtype={np.dtype(dtype)}")


def _make(cls: type) -> Callable:
    """A sparse matrix made of traced elements and plain positions; of a dense traced matrix, its nonzero elements."""

    def call(arg: Any, shape: Any = None, *rest: Any, **options: Any) -> Any:
        traced = contains_traced(arg, 4)
        if not traced and not has_traces(arg):
            return cls(arg, shape, *rest, **options)
        _same_numbers(cls, arg, options.get("dtype", rest[0] if rest else None))
        if is_sparse(arg):
            turned = resolve(getattr(arg, f"to{cls.__name__[:3]}"))()
            made = cls(plain_sparse(turned), copy=True)
            made.data = turned.data
            return made
        if isinstance(arg, tuple):
            if contains_traced(arg[1:], 4):
                raise no_rule(cls, "positions that vary")
            if len(arg) == 2 and cls.__name__[:3] in ("csr", "csc", "bsr"):
                return call(resolve(ss.coo_array)(arg, shape))
            data = settled(arg[0])
            order = np.arange(1.0, np.size(plain(data)) + 1.0).reshape(np.shape(plain(data)))
            numbers = cls((order, *arg[1:]), shape=shape)
            data = np.reshape(data, (-1,))
        else:
            full = settled(arg)
            places = np.nonzero(plain(full))
            data = full[places]
            order = np.arange(1.0, len(places[0]) + 1.0)
            numbers = cls(ss.coo_array((order, places), shape=np.shape(plain(full))))
        order = np.round(numbers.data).astype(int)  # 0 where there is none
        if not np.array_equal(np.sort(order[order > 0]), np.arange(1, np.size(plain(data)) + 1)):
            raise no_rule(cls, "an element that is given twice, or lies outside of the matrix")
        numbers.data = resolve(np.concatenate)([np.zeros(1), data])[order]
        return numbers

    return by_position(cls, call)


for _cls in (ss.csr_matrix, ss.csc_matrix, ss.coo_matrix, ss.bsr_matrix, ss.dia_matrix):
    DOORS[_cls] = _make(_cls)
for _cls in (ss.csr_array, ss.csc_array, ss.coo_array, ss.bsr_array, ss.dia_array):
    DOORS[_cls] = _make(_cls)


refuses(
    sl.spilu, sl.onenormest, sl.lobpcg, sl.LinearOperator.__new__, ss.lil_matrix,
    ss.dok_matrix, ss.lil_array, ss.dok_array,
    why="use @, spsolve, splu, eigsh, expm_multiply and matrices in the csr, csc or coo format, which have rules",
)  # fmt: skip

for _cls in (
    _BASE,
    ss._coo._coo_base,
    ss._csr._csr_base,
    ss._csc._csc_base,
    ss._dia._dia_base,
    ss._bsr._bsr_base,
):
    for _name in ("tolil", "todok"):
        if _name in _cls.__dict__:
            refuses(_cls.__dict__[_name], why="stay in the csr, csc or coo format")

from workbench.rules import scipy_sparse_arranging, scipy_sparse_linalg  # noqa: E402, F401  the rest of the package
