"""``scipy.sparse``: blocks, triangles, Kronecker products and norms of matrices whose elements vary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.writing import set_item
from workbench.rules.scipy_sparse_elements import (
    Numbers,
    elements_of,
    has_traces,
    is_sparse,
    placed,
    plain_sparse,
    stored,
    summed,
    with_stored,
)
from workbench.rules.stand_ins import no_rule, settled, with_value


def _arranges(function: Callable, name: str, depth: int) -> None:
    """A function that only puts elements elsewhere is done on their numbers, all from 1 to 2 so that sums are seen.

    Its first argument, called ``name``, holds matrices in lists so deep; dense ones get numbers too.
    """

    def call(*args: Any, **options: Any) -> Any:
        found: list[Any] = []
        blocks = args[0] if args else options[name]
        made_of = _made_sparse(blocks, depth, every=function is ss.block_diag)
        _collect(made_of, found)
        if not any(map(has_traces, found)):
            return function(*args, **options)
        numbers = Numbers(function, *found, zeros=function is ss.find)
        numbered = {id(matrix): instead for matrix, instead in zip(found, numbers.of, strict=True)}
        options.pop(name, None)
        made = function(_exchanged(made_of, numbered), *args[1:], **options)
        return numbers.found(made) if is_sparse(made) else (*made[:2], numbers.elements(made[2]))

    DOORS[function] = call


def _made_sparse(x: Any, depth: int, *, every: bool) -> Any:
    """Dense arrays, lists and numbers as sparse matrices, which SciPy makes of them; of ``every`` element or of those
    that are not zero."""
    if type(x) is np.ndarray and x.dtype.hasobject:
        x = x.tolist()
    if depth and isinstance(x, list | tuple):
        return [_made_sparse(e, depth - 1, every=every) for e in x]
    if depth or x is None or is_sparse(x):
        return x
    dense = settled(x)
    if np.ndim(dense) != 2:
        dense = resolve(np.atleast_2d)(dense)
    if not every:
        return resolve(ss.coo_matrix)(dense)
    shape = np.shape(plain(dense))
    places = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    return resolve(ss.coo_matrix)((np.reshape(dense, (-1,)), places), shape=shape)


def _collect(x: Any, found: list[Any]) -> None:
    if is_sparse(x):
        if all(x is not other for other in found):
            found.append(x)
    elif isinstance(x, list):
        for element in x:
            _collect(element, found)


def _exchanged(x: Any, numbered: dict) -> Any:
    if is_sparse(x):
        return numbered[id(x)]
    return [_exchanged(e, numbered) for e in x] if isinstance(x, list) else x


for _function in (ss.hstack, ss.vstack, ss.bmat, ss.block_array):
    _arranges(_function, "blocks", 1 if _function in (ss.hstack, ss.vstack) else 2)
_arranges(ss.block_diag, "mats", 1)
for _function in (ss.tril, ss.triu, ss.find):
    _arranges(_function, "A", 0)


def _sort_indices(self: Any) -> None:
    """The elements of each row, or column, in the order of their positions, in place."""
    if not has_traces(self):
        _original_sort(self)
    elif not self.has_sorted_indices:
        data = stored(self)
        numbers = with_stored(self, np.arange(1.0, np.size(plain(data)) + 1.0))
        numbers.has_sorted_indices = False
        _original_sort(numbers)
        self.indices[...], self.has_sorted_indices = numbers.indices, True
        set_item(data[numbers.data.astype(int) - 1], self.data, ...)


def _add_up_in_place(self: Any) -> None:
    """``sum_duplicates``: the sums stand in the first places of the same arrays, as SciPy leaves them."""
    if not has_traces(self):
        _original_add_up(self)
        return
    if self.ndim != 2:
        raise no_rule(_original_add_up, "a sparse vector")
    _sort_indices(self)
    _, rows, columns = elements_of(self)
    places = rows.astype(int) * self.shape[1] + columns
    first = np.diff(places, prepend=-1) != 0
    count = np.sum(first)
    if count < len(places):
        sums = summed(count, np.cumsum(first) - 1, stored(self)[: len(places)])
        set_item(sums, self.data, slice(0, count))
        self.indices[:count] = self.indices[: len(places)][first]
        self.indptr[...] = np.concatenate([[0], np.cumsum(first)])[self.indptr]
        self.data, self.indices = self.data[:count], self.indices[:count]
    self.has_canonical_format = True


_original_sort = ss._compressed._cs_matrix.sort_indices
_original_add_up = ss._compressed._cs_matrix.sum_duplicates
DOORS[_original_sort], DOORS[_original_add_up] = _sort_indices, _add_up_in_place


def _kron(A: Any, B: Any, format: Any = None) -> Any:
    """Every element of the one times every element of the other."""
    if not (has_traces(A) or has_traces(B) or contains_traced([A, B], 4)):
        return ss.kron(A, B, format)
    made = ss.kron(*[plain_sparse(x) if is_sparse(x) else plain(settled(x)) for x in (A, B)], format)
    a, b = (x if is_sparse(x) else resolve(ss.coo_array)(x) for x in (A, B))
    (one, i, j), (other, k, m) = elements_of(a), elements_of(b)
    rows = (i[:, None].astype(int) * b.shape[0] + k).ravel()
    columns = (j[:, None].astype(int) * b.shape[1] + m).ravel()
    data = np.reshape(np.reshape(one, (-1, 1)) * other, (-1,))
    places = rows * made.shape[1] + columns
    order = np.argsort(places)
    if len(np.unique(places)) < len(places):
        raise no_rule(ss.kron, "matrices that name an element twice")
    return placed(made, data[order], places[order])


DOORS[ss.kron] = _kron


def _norm(x: Any, ord: Any = None, axis: Any = None) -> Any:
    """Norms of the elements, of the rows or of the columns."""
    if not has_traces(x):
        return sl.norm(x, ord, axis)
    value = sl.norm(plain_sparse(x), ord, axis)
    data, rows, columns = elements_of(x)
    if len(np.unique(rows.astype(int) * x.shape[1] + columns)) < len(rows):
        raise no_rule(sl.norm, "a matrix that names an element twice")
    whole = axis is None or (isinstance(axis, tuple) and len(axis) == 2)
    if whole and ord in (None, "fro", "f"):
        return with_value(np.sqrt(np.sum(np.abs(data) ** 2)), value)
    axes = {1: 0, np.inf: 1} if whole else {None: axis, 2: axis, 1: axis}
    if ord not in axes or (whole and axis not in (None, (0, 1))):
        raise no_rule(sl.norm, f"ord={ord!r} with axis={axis!r}")
    along = axes[ord] if isinstance(axes[ord], int) else axes[ord][0]
    where, n = (columns, x.shape[1]) if along % 2 == 0 else (rows, x.shape[0])
    power = 1 if ord == 1 or whole else 2
    sums = summed(n, where, np.abs(data) ** power)
    if whole:
        return with_value(resolve(np.max)(sums), value)
    zero = plain(sums) == 0
    root = sums if power == 1 else np.where(zero, 0.0, np.sqrt(np.where(zero, 1.0, sums)))
    return with_value(root, value)


DOORS[sl.norm] = _norm


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
