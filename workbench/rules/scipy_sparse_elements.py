"""Sparse matrices whose stored elements vary: what they hold, and where SciPy puts it.

Such a matrix is an ordinary SciPy object that holds traced values where SciPy holds numbers: a traced array in
``data``, lists of traced numbers in the lil format, and a dict of them in the dok format. What SciPy does with the
places of elements is done to numbers that tell the elements apart (``Numbers``), which shows where each has gone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as ss

from workbench.autodiff.application import as_array
from workbench.autodiff.arrays import current, is_followed_subclass
from workbench.autodiff.calls import resolve
from workbench.autodiff.dressing import dressed
from workbench.autodiff.elementwise import add_at
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.structure import WHOLE
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import no_rule, settled, with_value

BASE = ss._base._spbase
WHOLE.append(BASE)  # a cotangent has its elements where the matrix has


def is_sparse(x: Any) -> bool:
    return isinstance(x, BASE)


def has_traces(x: Any) -> bool:
    if not is_sparse(x):
        return False
    if x.format == "dok":
        return contains_traced(list(x._dict.values()))
    if x.format == "lil":
        return any(map(contains_traced, x.data))
    return contains_traced(settled(x.data))


def stored(matrix: Any) -> Any:
    """The stored elements, traced or not, in the order in which the format holds them. Shape (n,)."""
    if matrix.format == "dok":
        return _elements(matrix, list(matrix._dict.values()))
    if matrix.format == "lil":
        return _elements(matrix, [element for row in matrix.data for element in row])
    data = settled(matrix.data)
    return np.reshape(data if type(data) in TRACED else np.asarray(data), (-1,))


def _elements(matrix: Any, elements: list) -> Any:
    return as_array(elements) if contains_traced(elements) else np.array(elements, matrix.dtype)


def with_stored(matrix: Any, elements: Any) -> Any:
    """A sparse matrix of the same pattern with other elements, in the order of ``stored``."""
    bare, one = plain(elements), iter(range(len(plain(elements))))
    if matrix.format in ("dok", "lil"):
        new = type(matrix)(matrix.shape, dtype=bare.dtype)
        if matrix.format == "dok":
            new._dict.update((key, elements[next(one)]) for key in matrix._dict)
            return new
        for k, row in enumerate(matrix.rows):
            new.rows[k] = list(row)
            new.data[k] = [elements[next(one)] for _ in row]
        return new
    shape = np.shape(plain(settled(matrix.data)))
    given = {"coo": ("coords",), "dia": ("offsets",)}.get(matrix.format, ("indices", "indptr"))
    places = [copy.deepcopy(getattr(matrix, name)) for name in given]  # SciPy sorts them in place
    new = type(matrix)((bare.reshape(shape), *places), shape=matrix.shape)
    if matrix.format == "coo":
        new.has_canonical_format = matrix.has_canonical_format
    if type(elements) in TRACED:
        new.data = np.reshape(elements, shape)
    return new


def plain_sparse(matrix: Any) -> Any:
    """The matrix without its traces."""
    return with_stored(matrix, np.array(plain(stored(matrix)))) if has_traces(matrix) else matrix


def elements_of(matrix: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """Stored elements, traced or not, with their rows and columns."""
    data = stored(matrix)
    numbers = with_stored(matrix, np.arange(1.0, np.size(plain(data)) + 1.0)).tocoo()
    return data[numbers.data.astype(int) - 1], numbers.row, numbers.col


def numbered(matrix: Any) -> np.ndarray:
    """For each stored element of a matrix in the coo, csr or csc format, its place row by row."""
    places = with_stored(matrix, np.arange(1.0, matrix.nnz + 1.0)).tocoo()
    keys = np.empty(matrix.nnz, int)
    keys[places.data.astype(int) - 1] = places.row.astype(int) * matrix.shape[-1] + places.col
    return keys


def placed(made: Any, data: Any, places: np.ndarray) -> Any:
    """A matrix like ``made``, with its values, and with ``data`` at ``places``: in order, numbered row by row.

    SciPy may have left out elements that are zero now; they are kept here, since they vary.
    """
    if made.format in ("csr", "csc", "coo") and made.nnz == len(places):
        keys = numbered(made)
        if np.array_equal(np.sort(keys), places):
            return with_stored(made, with_value(data[np.searchsorted(places, keys)], made.data))
    own = made.tocoo()
    keys = own.row.astype(int) * made.shape[-1] + own.col
    values = np.zeros(len(places), own.dtype)
    np.add.at(values, np.searchsorted(places, keys[own.data != 0]), own.data[own.data != 0])
    coords = np.divmod(places, made.shape[-1])[2 - made.ndim :]
    numbers = type(made)(ss.coo_array((np.arange(1.0, len(places) + 1.0), coords), shape=made.shape))
    order = plain(stored(numbers)).astype(int)  # 0 where a format holds more than was asked for
    flat = resolve(np.concatenate)([np.zeros(1, own.dtype), with_value(data, values)])
    return with_stored(numbers, flat[order])


def summed(count: int, where: np.ndarray, data: Any) -> Any:
    """The sum of the data that belong to each of so many places."""
    return current(add_at(np.zeros(count, np.result_type(plain(data), float)), where, data))


def like(traced: Any, value: Any) -> Any:
    """``traced`` with the value, the shape and the class of ``value``, an array or a number."""
    bare = np.asarray(value)
    found = with_value(np.reshape(traced, bare.shape), bare if isinstance(value, np.ndarray) else value)
    return dressed(found, type(value), None) if is_followed_subclass(type(value)) else found


class Numbers:
    """The elements of matrices and dense arrays, as numbers between 1 and 2 that a function of SciPy's may arrange.

    Two of them that are added up are seen, and refused. Where the function looks for ``zeros``, elements that are zero
    are numbered so.
    """

    def __init__(self, function: Callable, *things: Any, zeros: bool = False) -> None:
        self.function = function
        parts = [stored(x) if is_sparse(x) else np.reshape(x, (-1,)) for x in things]
        sizes = [int(np.size(plain(part))) for part in parts]
        self._total = 1 << (sum(sizes) + 1).bit_length()
        dtype = np.result_type(*[plain(part).dtype for part in parts])
        self._flat = resolve(np.concatenate)([np.zeros(1, dtype), *parts])
        ends = np.cumsum(sizes)
        self.of = [
            self._instead(
                x,
                np.where(
                    zeros & (plain(part) == 0),
                    0.0,
                    1.0 + np.arange(end - size + 1.0, end + 1.0) / self._total,
                ),
            )
            for x, part, size, end in zip(things, parts, sizes, ends, strict=True)
        ]

    def _instead(self, x: Any, numbers: np.ndarray) -> Any:
        if is_sparse(x):
            return with_stored(x, numbers)
        return numbers.reshape(np.shape(plain(x)))

    def found(self, made: Any) -> Any:
        """What has become of the elements: a result of the function, with numbers for elements."""
        if is_sparse(made):
            return with_stored(made, self.elements(stored(made)))
        found = self.elements(np.asarray(made))
        return dressed(found, type(made), None) if is_followed_subclass(type(made)) else found

    def elements(self, numbers: np.ndarray) -> Any:
        if numbers.dtype.hasobject or np.any(numbers >= 2.0):
            raise no_rule(self.function, "matrices that name an element twice")
        places = np.where(numbers == 0, 0, np.round((numbers - 1.0) * self._total)).astype(int)
        return self._flat[places if places.ndim else int(places)]
