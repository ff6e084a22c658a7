"""Masked arrays that hold traced values: an array, and the truth values that say which of its elements do not count.

What is here follows ``numpy.ma``: making, arithmetic, functions with their domains, reductions, filling. Everything
else of ``numpy.ma`` is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.ma import core

from workbench.autodiff.application import as_array
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.indexing import get_item
from workbench.autodiff.location import name_of, user_line
from workbench.autodiff.refusing import NO_MASKS, refusing
from workbench.autodiff.registry import DOORS, HOLDING, INSTANCE_DOORS, OPERANDS
from workbench.autodiff.scalars import lost
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.writing import set_item
from workbench.errors import MissingRuleError


class TracedMasked:
    """What a ``numpy.ma.MaskedArray`` with traced elements is in a differentiated program.

    Attributes:
        data: the elements, masked ones included.
        mask: which elements are masked; of the shape of ``data``, or ``numpy.ma.nomask``.
        fill_value: what ``filled`` puts in their place.
    """

    def __init__(self, data: Any, mask: Any = core.nomask, fill_value: Any = None) -> None:
        self.data = resolve(np.asarray)(current(data))
        self.mask = mask if mask is core.nomask else np.array(np.broadcast_to(plain(mask), self.shape), bool)
        self.fill_value = core.default_fill_value(plain(self.data)) if fill_value is None else fill_value

    shape = property(lambda self: np.shape(plain(self.data)))
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: int(np.prod(self.shape)))
    dtype = property(lambda self: plain(self.data).dtype)
    T = property(lambda self: self._arranged(np.transpose))

    def __getattr__(self, name: str) -> Any:
        if hasattr(core.MaskedArray, name) and not name.startswith("__"):
            refuse(getattr(core.MaskedArray, name))
        raise AttributeError(f"'MaskedArray' object has no attribute {name!r}")

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise lost(
            "a masked array of traced values was about to become an array", fix="use its method filled(value)"
        )

    @property
    def masked(self) -> np.ndarray:
        """Which elements are masked."""
        return np.zeros(self.shape, bool) if self.mask is core.nomask else self.mask

    def filled(self, fill_value: Any = None) -> Any:
        value = self.fill_value if fill_value is None else fill_value
        return self.data if self.mask is core.nomask else resolve(np.where)(self.mask, value, self.data)

    def compressed(self) -> Any:
        return get_item(resolve(np.ravel)(self.data), ~self.masked.ravel())

    def count(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.sum(~self.masked, axis=axis, keepdims=keepdims)

    def _arranged(self, function: Callable, *args: Any, **kwargs: Any) -> TracedMasked:
        mask = self.mask if self.mask is core.nomask else function(self.mask, *args, **kwargs)
        return TracedMasked(resolve(function)(self.data, *args, **kwargs), mask, self.fill_value)

    def copy(self) -> TracedMasked:
        return self._arranged(np.copy)

    def ravel(self) -> TracedMasked:
        return self._arranged(np.ravel)

    def reshape(self, *shape: Any) -> TracedMasked:
        return self._arranged(np.reshape, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> TracedMasked:
        return self._arranged(np.transpose, *axes)

    def __getitem__(self, index: Any) -> Any:
        found = get_item(self.data, index)
        mask = self.masked[plain(index)]
        if np.ndim(plain(found)) == 0:
            return core.masked if mask else found
        made = TracedMasked(found, fill_value=self.fill_value)
        made.mask = self.mask if self.mask is core.nomask else mask  # of a slice, a view like the elements
        return made

    def __setitem__(self, index: Any, value: Any) -> None:
        index, self.mask = plain(index), self.masked
        if value is core.masked:
            self.mask[index] = True
            return
        part = _masked(value)
        set_item(part.data if part.ndim else get_item(part.data, ()), self.data, index)
        self.mask[index] = part.masked

    def __iter__(self) -> Any:
        return (self[k] for k in range(len(self)))

    # -- reductions

    def _reduced(self, values: Any, axis: Any, keepdims: bool) -> Any:
        """A reduction's result: masked where nothing was left to reduce."""
        empty = self.masked.all(axis=axis, keepdims=keepdims)
        if np.ndim(empty) == 0:
            return core.masked if empty else values
        return TracedMasked(values, empty if self.mask is not core.nomask else core.nomask)

    def _by(self, function: Callable, neutral: Any, axis: Any, keepdims: bool) -> Any:
        values = resolve(function)(self.filled(neutral), axis=axis, keepdims=keepdims)
        return self._reduced(values, axis, keepdims)

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return self._by(np.sum, 0, axis, keepdims)

    def prod(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return self._by(np.prod, 1, axis, keepdims)

    def max(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return self._by(np.max, -np.inf, axis, keepdims)

    def min(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return self._by(np.min, np.inf, axis, keepdims)

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        if self.mask is core.nomask:
            return self._by(np.mean, 0, axis, keepdims)
        total, count = (
            resolve(np.sum)(self.filled(0), axis=axis, keepdims=keepdims),
            self.count(axis, keepdims),
        )
        return self._reduced(total * 1.0 / np.maximum(count, 1), axis, keepdims)

    def anom(self, axis: Any = None) -> Any:
        mean = self.mean(axis, keepdims=True)
        return self - (mean if axis is not None else get_item(mean.data, (0,) * self.ndim))

    def var(self, axis: Any = None, *, ddof: int = 0) -> Any:
        if self.mask is core.nomask:
            return self._reduced(resolve(np.var)(self.data, axis=axis, ddof=ddof), axis, False)
        squares = (self.anom(axis) ** 2).filled(0)
        left = self.count(axis) - ddof
        values = resolve(np.sum)(squares, axis=axis) / np.maximum(left, 1)
        if np.ndim(left) == 0:
            return values if left > 0 else core.masked
        return TracedMasked(values, left <= 0)

    def std(self, axis: Any = None, *, ddof: int = 0) -> Any:
        found = self.var(axis, ddof=ddof)
        if found is core.masked:
            return found
        return _apply(np.sqrt, found) if type(found) is TracedMasked else resolve(np.sqrt)(found)

    # -- NumPy's functions

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options or ufunc.nout != 1:
            refuse(ufunc)
        return _apply(ufunc, *inputs)

    def __array_function__(self, function: Any, types: Any, args: tuple, options: dict) -> Any:
        if function in _METHODS and args and type(args[0]) is TracedMasked:
            return getattr(args[0], function.__name__)(*args[1:], **options)
        refuse(function)


_METHODS = frozenset(
    {np.sum, np.prod, np.max, np.min, np.mean, np.var, np.std, np.ravel, np.reshape, np.transpose}
)


def refuse(function: Any) -> NoReturn:
    """The error for what is not followed of masked arrays."""
    raise MissingRuleError(
        f"{name_of(function)} has no rule for masked arrays",
        found="it got one with traced elements",
        where=user_line(),
        fix=NO_MASKS,
    )


def _masked(x: Any) -> TracedMasked:
    """Anything as a masked array."""
    if type(x) is TracedMasked:
        return x
    if isinstance(x, core.MaskedArray):
        return TracedMasked(x.view(np.ndarray), x.mask, x.fill_value)
    return TracedMasked(as_array(x) if isinstance(x, list | tuple) else x)


def _apply(ufunc: np.ufunc, *inputs: Any) -> Any:
    """A universal function, masked where an operand is, or is outside of the function's domain."""
    if any(x is core.masked for x in inputs):
        return core.masked
    operands = [_masked(x) for x in inputs]
    mask, domain = core.nomask, core.ufunc_domain.get(ufunc)
    with np.errstate(all="ignore"):
        if domain is not None:
            outside = np.asarray(domain(*[plain(x.data) for x in operands]))
            mask = outside if outside.any() or ufunc is np.true_divide else mask
        for x in operands:
            mask = x.mask if mask is core.nomask else mask if x.mask is core.nomask else mask | x.mask
        inside = [x.data for x in operands]
        if mask is not core.nomask and np.any(mask):  # what is masked must not leave a NaN in the derivative
            inside = [resolve(np.where)(mask, 1.0, data) for data in inside]
        found = resolve(ufunc)(*inside)
        if plain(found).dtype.kind == "b":
            return core.MaskedArray(plain(found), mask)
        first = operands[0].data
        if mask is not core.nomask and np.any(mask):
            found = resolve(np.where)(mask, first, found)
    if np.ndim(plain(found)) == 0:
        return core.masked if np.any(mask) else found
    return TracedMasked(found, mask, next((x.fill_value for x in inputs if type(x) is TracedMasked), None))


def _power(a: Any, b: Any) -> Any:
    """``numpy.ma.power``: masked where the result is no number."""
    found = _apply(np.power, a, b)
    if type(found) is not TracedMasked:
        return found
    invalid = ~np.isfinite(plain(found.data))
    return TracedMasked(found.data, found.masked | invalid, found.fill_value) if invalid.any() else found


def _in_place(function: Callable) -> Callable:
    def method(self: TracedMasked, other: Any) -> TracedMasked:
        found = function(self, other)
        set_item(found.data, self.data, ...)
        self.mask = found.mask
        return self

    return method


def _install_operators() -> None:
    for name, ufunc in {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "truediv": np.true_divide,
        "floordiv": np.floor_divide,
        "mod": np.remainder,
        "pow": np.power,
    }.items():
        function = _power if name == "pow" else functools.partial(_apply, ufunc)
        setattr(TracedMasked, f"__{name}__", lambda self, other, f=function: f(self, other))
        setattr(TracedMasked, f"__r{name}__", lambda self, other, f=function: f(other, self))
        setattr(TracedMasked, f"__i{name}__", _in_place(function))
    compared = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal}
    for name, ufunc in {**compared, "ne": np.not_equal}.items():
        setattr(TracedMasked, f"__{name}__", lambda self, other, f=ufunc: _apply(f, self, other))
    for name, ufunc in {"neg": np.negative, "pos": np.positive, "abs": np.absolute}.items():
        setattr(TracedMasked, f"__{name}__", lambda self, f=ufunc: _apply(f, self))
    TracedMasked.__hash__ = None


_install_operators()
HOLDING[TracedMasked] = lambda _: True
OPERANDS[core.MaskedArray] = _masked

# ------------------------------------------------------------------------------------ the functions of numpy.ma


def _followed(*functions: Any) -> Callable:
    """Decorator: what stands in for functions of ``numpy.ma`` that get something traced."""

    def register(form: Callable) -> Callable:
        for function in functions:
            plainly = refusing(function, NO_MASKS)

            @functools.wraps(form)
            def call(*args: Any, plainly: Callable = plainly, **kwargs: Any) -> Any:
                traced = any(map(contains_traced, (*args, *kwargs.values())))
                return form(*args, **kwargs) if traced else plainly(*args, **kwargs)

            DOORS[function] = call
        return form

    return register


@_followed(np.ma.array, core.MaskedArray)
def array(
    data: Any,
    dtype: Any = None,
    copy: bool = False,
    *,
    mask: Any = core.nomask,
    fill_value: Any = None,
    keep_mask: bool = True,
) -> TracedMasked:
    """``numpy.ma.array``."""
    base = _masked(data)
    values = base.data if dtype is None else resolve(np.asarray)(base.data, dtype)
    if keep_mask and base.mask is not core.nomask:
        mask = base.mask if mask is core.nomask else base.mask | np.asarray(plain(mask), bool)
    return TracedMasked(resolve(np.copy)(values) if copy else values, mask, fill_value)


@_followed(np.ma.masked_array)
def masked_array(
    data: Any, mask: Any = core.nomask, dtype: Any = None, copy: bool = False, **options: Any
) -> Any:
    """``numpy.ma.masked_array``, whose second argument is the mask."""
    return array(data, dtype, copy, mask=mask, **options)


@_followed(np.ma.masked_where)
def masked_where(condition: Any, a: Any, copy: bool = True) -> TracedMasked:
    """``numpy.ma.masked_where``."""
    base = _masked(a)
    condition = condition.filled(True) if isinstance(condition, core.MaskedArray) else plain(condition)
    return array(base, copy=copy, mask=np.array(condition, bool), fill_value=base.fill_value)


def _masks(function: Callable, where: Callable, *, fills: bool = False) -> None:
    """A function that masks where ``where(values, bound …)`` holds."""

    @_followed(function)
    def call(x: Any, *bounds: Any, copy: bool = True) -> TracedMasked:
        base, bounds = _masked(x), tuple(map(plain, bounds))
        made = masked_where(where(plain(base.data), *bounds), base, copy)
        made.fill_value = bounds[0] if fills else made.fill_value
        return made


_masks(np.ma.masked_less, np.less)
_masks(np.ma.masked_less_equal, np.less_equal)
_masks(np.ma.masked_greater, np.greater)
_masks(np.ma.masked_greater_equal, np.greater_equal)
_masks(np.ma.masked_not_equal, np.not_equal)
_masks(np.ma.masked_equal, np.equal, fills=True)
_masks(np.ma.masked_inside, lambda x, a, b: (x >= min(a, b)) & (x <= max(a, b)))
_masks(np.ma.masked_outside, lambda x, a, b: (x < min(a, b)) | (x > max(a, b)))
_masks(np.ma.masked_invalid, lambda x: ~np.isfinite(x))

for _name in "sum prod mean var std max min anom count compressed ravel reshape transpose copy".split():

    @_followed(getattr(np.ma, _name))
    def method(a: Any, *args: Any, name: str = _name, **kwargs: Any) -> Any:
        """A function of the name of a method."""
        return getattr(_masked(a), name)(*args, **kwargs)


@_followed(np.ma.filled)
def filled(a: Any, fill_value: Any = None) -> Any:
    """``numpy.ma.filled``."""
    return a.filled(fill_value) if type(a) is TracedMasked else a


@_followed(np.ma.average)
def average(a: Any, axis: Any = None, weights: Any = None) -> Any:
    """``numpy.ma.average``."""
    base = _masked(a)
    if weights is None:
        return base.mean(axis)
    weights = _masked(weights)
    counted = TracedMasked(weights.data, base.masked | weights.masked)
    return (base * counted).sum(axis) / counted.sum(axis)


_followed(np.ma.power)(_power)
DOORS[np.ma.getdata] = lambda a, subok=True: a.data if type(a) is TracedMasked else np.ma.getdata(a, subok)
DOORS[np.ma.getmask] = lambda a: a.mask if type(a) is TracedMasked else np.ma.getmask(a)
DOORS[np.ma.getmaskarray] = lambda arr: (
    arr.masked if type(arr) is TracedMasked else np.ma.getmaskarray(plain(arr))
)
DOORS[np.ma.isMaskedArray] = lambda x: type(x) is TracedMasked or np.ma.isMaskedArray(x)


def _operation(f: Any) -> Callable:
    """``numpy.ma.log`` and its kin."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if not any(map(contains_traced, args)):
            return f(*args, **kwargs)
        if kwargs:
            refuse(f)
        return _apply(f.f, *args)

    return call


for _kind in (core._MaskedUnaryOperation, core._MaskedBinaryOperation, core._DomainedBinaryOperation):
    INSTANCE_DOORS[_kind] = _operation
