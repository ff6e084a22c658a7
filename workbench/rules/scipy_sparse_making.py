"""``scipy.sparse``: making matrices of elements that vary, changing formats, reading and setting elements."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as ss

from workbench.autodiff.application import written
from workbench.autodiff.arrays import TracedArray, current, part_over
from workbench.autodiff.calls import resolve
from workbench.autodiff.dressing import undressed
from workbench.autodiff.registry import DOORS, by_position
from workbench.autodiff.settling import note, note_elements
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.writing import set_item
from workbench.rules.scipy_sparse import dense, summed_up
from workbench.rules.scipy_sparse_elements import (
    BASE,
    Numbers,
    has_traces,
    is_sparse,
    plain_sparse,
    stored,
    with_stored,
)
from workbench.rules.stand_ins import no_rule, settled, with_value

_CLASSES = (
    *(BASE, ss._base.sparray, ss._index.IndexMixin, ss._compressed._cs_matrix, ss._coo._coo_base),
    *(ss._csr._csr_base, ss._csc._csc_base, ss._bsr._bsr_base, ss._dia._dia_base, ss._lil._lil_base),
    *(ss._dok._dok_base, ss._matrix.spmatrix),
)


def _methods(names: str, follow: Callable) -> None:
    for cls in _CLASSES:
        for name in names.split():
            if name in cls.__dict__:
                DOORS[cls.__dict__[name]] = follow(cls.__dict__[name])


# ------------------------------------------------------------------------------------ elements elsewhere


_ADDING = frozenset("tocsr tocsc todia tobsr tolil todok toarray todense diagonal".split())
"""Methods that add up elements which a matrix of coordinates names more than once."""


def _arranging(method: Callable) -> Callable:
    """A method that only puts elements elsewhere, or reads them."""

    def call(self: Any, *args: Any, **options: Any) -> Any:
        out = options.pop("out", args[1] if method.__name__ == "toarray" and len(args) > 1 else None)
        if out is not None:
            return written(call(self, *args[:1], **options), out)
        if not has_traces(self):
            return method(self, *map(_plain_key, args), **options)
        if self.format == "coo" and method.__name__ in _ADDING and not self.has_canonical_format:
            if method.__name__ in ("tolil", "tobsr"):  # SciPy makes them of rows, too
                return resolve(getattr(resolve(self.tocsr)(), method.__name__))(*args, **options)
            own = method(plain_sparse(self), *map(_plain_key, args), **options)
            return _with_sums(call(summed_up(self), *args, **options), own)
        numbers = Numbers(method, self)
        given = numbers.of[0]
        made = method(given, *map(_plain_key, args), **options)
        if made is given:
            return self
        if self.format not in _IN_ARRAYS:
            return numbers.found(made)
        if not is_sparse(made):
            view = _part(made, given.data, self.data)
            return numbers.found(made) if view is None else view
        found = numbers.found(made)
        if made.format in _IN_ARRAYS:
            names = [n for n in _HELD if _are_one(getattr(made, n, None), getattr(given, n, None))]
            _share(found, self, names if "data" in names else [])
        return found

    return call


def _with_sums(made: Any, own: Any) -> Any:
    """What a method that adds elements up has made, with the values that SciPy's ``own`` order of adding gives."""
    if isinstance(own, np.matrix):
        return resolve(np.asmatrix)(with_value(undressed(made), np.asarray(own)))
    if not is_sparse(own):
        return with_value(made, own)
    if own.format in ("csr", "csc"):
        made.data = with_value(made.data, own.data)
    return made


_IN_ARRAYS = frozenset("csr csc coo bsr dia".split())
_HELD = ("data", "indices", "indptr")


def _are_one(x: Any, y: Any) -> bool:
    """Whether SciPy holds the same numbers in both, so that what is written into the one is in the other."""
    return (
        isinstance(x, np.ndarray)
        and isinstance(y, np.ndarray)
        and x.size == y.size
        and x.flags.c_contiguous
        and np.shares_memory(x, y)
    )


def _part(now: Any, was: np.ndarray, own: Any) -> Any:
    """The part of ``own``, laid out as ``was`` is, of which ``now`` is a view in ``was``; None if it is none."""
    bare = own.array if type(own) is TracedArray else own
    if not (isinstance(now, np.ndarray) and np.shares_memory(now, was)) or bare.strides != was.strides:
        return None
    return current(part_over(now, was, bare))


def _share(new: Any, old: Any, names: Any = _HELD) -> None:
    """Let a matrix hold the elements of another one, and the places: SciPy sorts both together."""
    for name in names:
        if hasattr(old, name):
            held, shape = getattr(old, name), np.shape(plain(getattr(new, name)))
            setattr(new, name, held if np.shape(plain(held)) == shape else np.reshape(held, shape))


def _plain_key(key: Any) -> Any:
    """An index without traces: masks, and places that were computed."""
    if isinstance(key, tuple):
        return tuple(map(_plain_key, key))
    return plain_sparse(key) if is_sparse(key) else plain(settled(key))


_methods(
    "tocsr tocsc tocoo todia tobsr tolil todok toarray todense transpose diagonal reshape copy "
    "_getrow _getcol getrow getcol __getitem__ sorted_indices",
    _arranging,
)


def _changing(method: Callable) -> Callable:
    """A method that changes the matrix itself: its last argument by position may be values that it puts there."""
    puts = method.__name__ in ("__setitem__", "setdiag")

    def call(self: Any, *args: Any, **options: Any) -> Any:
        place = 1 if method.__name__ == "__setitem__" else 0
        given = (
            dense(options.pop("values", None) if puts and len(args) <= place else args[place])
            if puts
            else None
        )
        traced = contains_traced(given) or has_traces(given)
        if puts:
            args = (*map(_plain_key, args[:place]), given, *args[place + 1 :])
        if not traced and not has_traces(self):
            return method(self, *args, **options)
        if method.__name__ == "__setitem__" and self.format == "lil" and _set_one(self, args[0], given):
            return None
        zeros = method.__name__ == "eliminate_zeros" or self.format in ("lil", "dok")  # which leave them out
        if puts:
            numbers = Numbers(method, self, _as_type(method, given, self.dtype, traced), zeros=zeros)
            args = (*args[:place], numbers.of[1], *args[place + 1 :])
        else:
            numbers = Numbers(method, self, zeros=zeros)
        made = numbers.of[0]
        held = {
            name: getattr(made, name) for name in _HELD if self.format in _IN_ARRAYS and hasattr(made, name)
        }
        start = {name: array.copy() for name, array in held.items()}
        method(made, *args, **options)
        new = numbers.found(made)
        for name, was in held.items():
            own = getattr(self, name)
            changed = was != start[name]
            if changed.any():  # in place, where matrices that hold the same array see it too
                set_item(numbers.elements(was[changed]) if name == "data" else was[changed], own, changed)
            part = own if getattr(made, name) is was else _part(getattr(made, name), was, own)
            if part is not None:
                setattr(new, name, part)
        _become(self, new)

    return call


def _as_type(method: Callable, x: Any, dtype: Any, traced: bool) -> Any:
    """Values as the matrix holds them."""
    if is_sparse(x):
        return x if traced else x.astype(dtype)
    if not traced:
        return np.asarray(x, dtype)
    if np.result_type(np.asarray(plain(x)).dtype, dtype) != dtype:
        raise no_rule(method, f"values of another type than {dtype}")
    return x if np.ndim(plain(x)) else np.reshape(settled([x]), ())


def _place(self: Any, key: Any) -> tuple[int, int] | None:
    """The row and the column, where ``key`` names one element of a matrix by whole numbers."""
    integers = ss._index.INT_TYPES
    if not (isinstance(key, tuple) and len(key) == 2 and all(isinstance(k, integers) for k in key)):
        return None
    row, column = (int(k) + (n if k < 0 else 0) for k, n in zip(key, self.shape, strict=True))
    return (row, column) if 0 <= row < self.shape[0] and 0 <= column < self.shape[1] else None


def _set_one(self: Any, key: Any, x: Any) -> bool:
    """Set one element of the lil format, where ``key`` names one; whether it does."""
    place = _place(self, key)
    if place is None or is_sparse(x) or np.size(plain(x)) != 1:
        return False
    traced = contains_traced(x)
    x = np.reshape(_as_type(type(self).__setitem__, x, self.dtype, traced), (1,))[0]
    columns, elements = self.rows[place[0]], self.data[place[0]]
    at = bisect_left(columns, place[1])
    there = at < len(columns) and columns[at] == place[1]
    note_elements(elements)
    if not traced and x == 0:
        if there:
            del columns[at], elements[at]
    elif there:
        elements[at] = x
    else:
        columns.insert(at, place[1])
        elements.insert(at, x)
    return True


def _become(self: Any, new: Any) -> None:
    """Give a matrix the elements of another one."""
    if self.format == "dok":
        self._shape = new._shape
        self._dict.clear()
        self._dict.update(new._dict)
        note_elements(self._dict)
        return
    dtype = self.dtype
    vars(self).update(vars(new))
    if self.format == "lil":
        self.dtype = dtype
        for row in self.data:
            note_elements(row)
    else:
        note(self, self.data, "data")


_methods("__setitem__ setdiag eliminate_zeros prune resize", _changing)
for _method in (ss._bsr._bsr_base.sort_indices, ss._bsr._bsr_base.sum_duplicates):
    DOORS[_method] = _changing(_method)


def _get_one(method: Callable) -> Callable:
    """``A[i, j]`` of the lil format, which looks at no other element."""
    of_several = _arranging(method)

    def call(self: Any, key: Any) -> Any:
        if (place := _place(self, key)) is None:
            return of_several(self, key)
        columns = self.rows[place[0]]
        at = bisect_left(columns, place[1])
        found = self.data[place[0]][at] if at < len(columns) and columns[at] == place[1] else 0
        return found if contains_traced(found) else self.dtype.type(found)

    return call


DOORS[ss._lil._lil_base.__getitem__] = _get_one(ss._lil._lil_base.__getitem__)

# ------------------------------------------------------------------------------------ making


def _same_numbers(cls: type, arg: Any, dtype: Any) -> None:
    """Refuse a type that would round."""
    given = stored(arg) if is_sparse(arg) else arg[0] if isinstance(arg, tuple) else arg
    if dtype is not None and np.result_type(plain(settled(given)), dtype) != np.dtype(dtype):
        raise no_rule(cls, f"dtype={np.dtype(dtype)}")


def _make(cls: type) -> Callable:
    """A sparse matrix made of traced elements and plain positions; of a dense traced matrix, its nonzero elements."""
    kind = cls.__name__[:3]

    def call(arg: Any, shape: Any = None, *rest: Any, **options: Any) -> Any:
        traced = contains_traced(arg, 4)
        if not traced and not has_traces(arg):
            return cls(arg, shape, *rest, **options)
        _same_numbers(cls, arg, options.get("dtype", rest[0] if rest else None))
        copied = bool(options.get("copy", rest[1] if len(rest) > 1 else False))
        if is_sparse(arg):
            turned = resolve(getattr(arg, f"to{kind}"))()
            new = with_stored(cls(plain_sparse(turned), copy=True), np.copy(stored(turned)))
            if turned is arg and not copied and kind == "dok":
                new._dict = arg._dict
            elif turned is arg and not copied and kind in _IN_ARRAYS:
                _share(new, arg)
            return new
        if kind in ("lil", "dok") and not isinstance(arg, tuple):
            other = ss.coo_array if issubclass(cls, ss.sparray) else ss.coo_matrix
            return resolve(getattr(resolve(other)(arg, shape), f"to{kind}"))()
        if isinstance(arg, tuple):
            arg = arg[0], *map(_plain_key, arg[1:])  # positions are whole numbers
            if len(arg) == 2 and kind in ("csr", "csc", "bsr"):
                return call(resolve(ss.coo_array)(arg, shape))
            data = settled(arg[0])
            order = np.arange(1.0, np.size(plain(data)) + 1.0).reshape(np.shape(plain(data)))
            numbers = cls(
                (order, *arg[1:]), shape=shape, **({} if kind in ("lil", "dok") else {"copy": copied})
            )
            if _are_one(numbers.data, order):
                numbers.data = data
                return numbers
            data = np.reshape(data, (-1,))
        else:
            full = settled(arg)
            full = np.reshape(full, cls(plain(full), shape).shape)
            places = np.nonzero(plain(full))
            data = full[places]
            order = np.arange(1.0, len(places[0]) + 1.0)
            numbers = cls(ss.coo_array((order, places), shape=np.shape(plain(full))))
        order = np.round(numbers.data).astype(int)  # 0 where there is none
        if not np.array_equal(np.sort(order[order > 0]), np.arange(1, np.size(plain(data)) + 1)):
            raise no_rule(cls, "an element that is given twice, or lies outside of the matrix")
        numbers.data = resolve(np.concatenate)([np.zeros(1, plain(data).dtype), data])[order]
        return numbers

    return by_position(cls, call)


for _kind in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
    for _cls in (getattr(ss, f"{_kind}_matrix"), getattr(ss, f"{_kind}_array")):
        DOORS[_cls] = _make(_cls)
