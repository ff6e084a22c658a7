"""Methods and attributes of traced arrays: each is the NumPy function of the same name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from workbench.autodiff import indexing, writing
from workbench.autodiff.arrays import TracedArray, current, is_complex_number, is_followed_subclass
from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.saved import note_saved
from workbench.autodiff.scalars import COMPLEX, TracedFloat, lost
from workbench.autodiff.telling import PLAIN, contains_traced, plain
from workbench.autodiff.unseen import FOLLOWED_METHODS, check_none_filled, plain_arrays
from workbench.errors import MissingRuleError

PLAIN_ATTRIBUTES = frozenset("shape ndim size dtype itemsize nbytes strides flags base device".split())
_FUNCTIONS = (
    "all any argmax argmin argpartition argsort choose cumprod cumsum diagonal dot max mean min nonzero prod "
    "ptp ravel repeat round searchsorted squeeze std sum swapaxes take trace var"
).split()


def _conjugate(self: Any, *out: Any) -> Any:
    found = resolve(np.conj)(self, *out)
    return resolve(complex)(found) if self.__class__ is complex else found


def _as_method(function: Callable) -> Callable:
    return lambda self, *args, **kwargs: resolve(function)(self, *args, **kwargs)


def _reshape(self: Any, *shape: Any, **kwargs: Any) -> Any:
    return resolve(np.reshape)(self, shape[0] if len(shape) == 1 else shape, **kwargs)


def _transpose(self: Any, *axes: Any) -> Any:
    order = axes[0] if len(axes) == 1 else axes or None
    return resolve(np.transpose)(self, order)


def _astype(self: Any, dtype: Any, *args: Any, copy: bool = True, **kwargs: Any) -> Any:
    kind = np.dtype(dtype)
    if kind.kind in "SUTV":
        raise lost(f"a traced array was about to become an array of {kind}")
    if kind.kind not in "fcO":
        return plain(self).astype(dtype, *args, **kwargs)
    if kind.kind == "O":
        return resolve(np.array)(self, object)
    if not copy and kind == plain(self).dtype:
        return self
    made = resolve(np.astype)(self, kind)
    of_a_number = type(self) is not TracedArray or is_complex_number(self.array)
    return indexing.get_item(made, ()) if of_a_number and type(made) is TracedArray else made


def _copy(self: Any, order: str = "C") -> Any:
    is_number = type(self) is TracedArray and is_complex_number(self.array)
    return self if is_number else resolve(np.copy)(self, order)


def _numbers(kind: np.dtype) -> set[np.dtype | None]:
    """The real types that an element is made of; None stands for what is no number, and for bytes between numbers."""
    if kind.names is None:
        return {np.finfo(kind).dtype} if kind.kind in "fc" else {None}
    fields = [kind.fields[name][:2] for name in kind.names]
    ends = [0, *(offset + part.itemsize for part, offset in fields)]
    if ends != [*(offset for _, offset in fields), kind.itemsize]:
        return {None}
    return set().union(*(_numbers(part.base) for part, _ in fields))


def _view(self: TracedArray, *args: Any, **kwargs: Any) -> Any:
    kinds = [
        kind for kind in (*args, *kwargs.values()) if isinstance(kind, type) and issubclass(kind, np.ndarray)
    ]
    if kinds and kinds[0] not in (np.ndarray, np.recarray):
        if not is_followed_subclass(kinds[0]):
            raise lost(
                f"a traced array was about to become an array of the subclass {kinds[0].__name__}",
                fix=f"use the array itself: what {kinds[0].__name__} adds to arrays is not followed",
            )
        from workbench.autodiff.dressing import dressed

        others = [kind for kind in (*args, *kwargs.values()) if kind not in kinds]
        return dressed(_view(self, *others), kinds[0], self)
    args = [kind for kind in (*args, *kwargs.values()) if kind not in kinds]
    if not args:
        return self
    self = current(self)
    found = self.array.view(*args)
    numbers = _numbers(found.dtype) | _numbers(self.array.dtype)
    if len(numbers) != 1 or None in numbers:
        raise lost(
            f"the bytes of a traced array of {self.array.dtype} were about to be read as {found.dtype}"
        )
    return TracedArray(found, self.memory)


def _item(self: Any, *index: Any) -> Any:
    if not hasattr(self, "array"):
        return resolve(float)(self)
    if self.array.dtype.names is not None and not self.array.ndim and not index:
        return tuple(map(_python_number, indexing.iterate(self)))
    self.array.item(*index)  # NumPy's own errors
    if len(index) == 1 and isinstance(index[0], tuple):
        index = index[0]
    elif len(index) < 2:
        place = index[0] if index else 0
        index = tuple(np.unravel_index(place % self.array.size, self.array.shape))
    return _python_number(indexing.get_item(self, index))


def _python_number(x: Any) -> Any:
    """A number out of an array as ``item`` and ``tolist`` give it: Python's own, not NumPy's."""
    if type(x) is TracedFloat:
        return resolve(float)(x)
    return resolve(complex)(x) if isinstance(x, COMPLEX) else x


def _tolist(self: Any) -> Any:
    if not hasattr(self, "array"):
        return resolve(float)(self)
    nested = self.array.ndim > 1
    if self.array.dtype.names is not None:
        if not self.array.ndim:
            return _item(self)
        nested = True
    if self.array.ndim == 0:
        return _python_number(indexing.get_item(self, ()))
    return [_tolist(row) if nested else _python_number(row) for row in indexing.iterate(self)]


METHODS: dict[str, Any] = {name: _as_method(getattr(np, name)) for name in _FUNCTIONS}
METHODS.update(
    clip=lambda self, min=None, max=None, *out, **kwargs: resolve(np.clip)(self, min, max, *out, **kwargs),
    compress=lambda self, condition, *rest, **kwargs: np.compress(condition, self, *rest, **kwargs),
    conj=lambda self, *out: _conjugate(self, *out),
    conjugate=_conjugate,
    copy=_copy,
    flatten=lambda self, *order, **kwargs: np.copy(np.ravel(self, *order, **kwargs)),
    reshape=_reshape,
    transpose=_transpose,
    astype=_astype,
    view=_view,
    item=_item,
    tolist=_tolist,
)


def _in_place(function: Callable) -> Callable:
    """A method that changes the array: worked out aside, then written back."""

    def method(self: TracedArray, *args: Any, **kwargs: Any) -> None:
        writing.set_item(function(self, *args, **kwargs), self.array, ...)

    return method


def _put(self: TracedArray, places: Any, values: Any, mode: str = "raise") -> None:
    flat = np.arange(self.array.size).reshape(self.array.shape)
    chosen = np.take(flat.ravel(), places, mode=mode)
    where = np.unravel_index(chosen, self.array.shape)
    values = resolve(np.resize)(values, np.shape(chosen)) if np.ndim(plain(values)) else values
    writing.set_item(values, self.array, where)


METHODS.update(
    sort=_in_place(lambda self, axis=-1, **kwargs: resolve(np.sort)(self, axis=axis, **kwargs)),
    partition=_in_place(lambda self, kth, axis=-1, **kwargs: resolve(np.partition)(self, kth, axis=axis)),
    fill=lambda self, value: writing.set_item(value, self.array, ...),
    put=_put,
)


def _resize(self: TracedArray, *shape: Any, refcheck: bool = True) -> None:
    if tuple(np.ravel(shape)) == self.array.shape:
        return
    raise MissingRuleError(
        "a traced array cannot be resized in place",
        found=f"got shape {self.array.shape}, asked for {shape[0] if len(shape) == 1 else shape}",
        where=user_line(),
        fix="make a new array: numpy.pad(y.ravel(), (0, more)) has zeros behind, y.ravel()[:n] less; then reshape it",
    )


def _same_for_all(name: str) -> Callable:
    """What does not depend on an array's elements."""
    return lambda self, *args, **kwargs: getattr(plain(self), name)(*args, **kwargs)


METHODS.update((name, _same_for_all(name)) for name in ("__array_namespace__", "__dlpack_device__"))
METHODS.update(
    resize=_resize,
    setflags=lambda self, *args, **kwargs: self.array.setflags(*args, **kwargs),
    to_device=lambda self, device, **kwargs: current(self.array.to_device(device, **kwargs)),
)


def _memory(self: TracedArray, name: str) -> Any:
    """An attribute that hands out the bare memory of an array."""
    if self.tape.open:
        raise lost(f"the bytes of a traced array were about to be read, by {name!r}")
    return getattr(plain(self), name)


def _bytes(name: str) -> Callable:
    return lambda self, *args, **kwargs: _memory(self, name)(*args, **kwargs)


METHODS.update(
    (name, _bytes(name))
    for name in ("tobytes", "dump", "dumps", "getfield", "setfield", "byteswap", "__dlpack__")
)


def _tofile(self: Any, fid: Any, *args: Any, **kwargs: Any) -> None:
    note_saved(fid, self)
    plain(self).tofile(fid, *args, **kwargs)


METHODS["tofile"] = _tofile


def _bare(kind: type) -> Callable:
    """Compiled code asks for the one number in an array."""

    def convert(self: TracedArray) -> Any:
        if self.tape.open:
            raise lost(f"a traced array was about to become a plain {kind.__name__} in compiled code")
        return kind(self.array)

    return convert


class Flat:
    """``array.flat`` of an array that is traced or may become so: one index for all elements, in C order."""

    def __init__(self, array: Any) -> None:
        self.base = array
        self.axes = np.shape(plain(array))
        self.shape = self.axes or (1,)
        self.array = array if self.axes else resolve(np.reshape)(array, self.shape)
        self.index = 0

    def _place(self, index: Any) -> Any:
        return np.unravel_index(np.arange(len(self)).reshape(-1)[index], self.shape)

    def __getitem__(self, index: Any) -> Any:
        return indexing.get_item(self.array, self._place(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        if contains_traced(value):
            writing.refuse_overlap(self.array, value)
        places = self._place(index)
        if np.ndim(plain(value)) and np.ndim(places[0]):  # NumPy begins anew where there are too few
            value = resolve(np.resize)(value, np.shape(places[0]))
        writing.set_item(value, self.array, places)

    @property
    def coords(self) -> tuple[int, ...]:
        return tuple(map(int, np.unravel_index(self.index, self.shape)))[: len(self.axes)]

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.index >= len(self):
            raise StopIteration
        self.index += 1
        return self[self.index - 1]

    def copy(self) -> Any:
        return indexing.get_item(self.array, ...).flatten()

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return self.copy()

    def __len__(self) -> int:
        return int(np.prod(self.shape))


PLAIN[Flat] = lambda flat: plain(flat.array).flat


def _part(name: str) -> property:
    def read(self: TracedArray) -> Any:
        if self.array.dtype.kind == "c":
            part = current(getattr(self.array, name))
            if not is_complex_number(self.array):
                return part
            number = indexing.get_item(part, ())
            return resolve(float)(number) if self.__class__ is complex else number
        return self if name == "real" else np.zeros_like(self.array)

    return property(read, lambda self, value: writing.set_item(value, getattr(self.array, name), ...))


def _copied(self: TracedArray) -> TracedArray:
    return self if is_complex_number(self.array) else resolve(np.copy)(self)


_WITH_OUT = frozenset(
    "choose clip compress cumprod cumsum dot max mean min prod round std sum take trace var".split()
)


def _of_plain_code(method: Callable) -> Callable:
    """A method as code gets it that is not rewritten, which reads what it has filled by ``out`` as plain numbers."""

    @functools.wraps(method)
    def call(self: TracedArray, *args: Any, **kwargs: Any) -> Any:
        given = plain_arrays(args, kwargs)
        result = method(self, *args, **kwargs)
        check_none_filled(given)
        return result

    FOLLOWED_METHODS[call] = method
    return call


def _set(name: str, self: TracedArray, value: Any) -> None:
    REWRITTEN_DOORS["set_attribute"](value, self, name)


def _install() -> None:
    for name, method in METHODS.items():
        method.__name__ = name  # packages ask for it
        if hasattr(np.ndarray, name):  # NumPy 2 has no ptp method
            setattr(TracedArray, name, _of_plain_code(method) if name in _WITH_OUT else method)
    for name in PLAIN_ATTRIBUTES:
        own = property(lambda self, n=name: getattr(self.array, n), functools.partial(_set, name))
        setattr(TracedArray, name, own)
    for name in ("data", "ctypes"):
        setattr(TracedArray, name, property(lambda self, n=name: _memory(self, n)))
    TracedArray.T = property(_transpose)
    TracedArray.mT = property(lambda self: resolve(np.matrix_transpose)(self))
    TracedArray.flat = property(Flat, lambda self, value: Flat(self).__setitem__(..., value))
    TracedArray.real, TracedArray.imag = _part("real"), _part("imag")
    TracedArray.__len__ = lambda self: len(self.array[()] if self.array.dtype.names else self.array)
    TracedArray.__iter__ = lambda self: iter(indexing.iterate(self))
    TracedArray.__getitem__ = indexing.get_item
    TracedArray.__setitem__ = lambda self, index, value: writing.set_item(value, self, index)
    TracedArray.__contains__ = lambda self, value: plain(value) in self.array
    TracedArray.__bool__ = lambda self: bool(self.array)
    TracedArray.__int__ = lambda self: int(self.array)
    TracedArray.__float__ = _bare(float)
    TracedArray.__complex__ = _bare(complex)
    TracedArray.__array_wrap__ = lambda self, array, context=None, return_scalar=False: array
    TracedArray.__abs__ = lambda self: resolve(abs)(self)
    TracedArray.__divmod__ = lambda self, other: (self // other, self % other)
    TracedArray.__copy__ = _copied
    TracedArray.__deepcopy__ = lambda self, memo: _copied(self)


_install()
