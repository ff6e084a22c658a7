"""Python's own functions of objects, of functions and of orders, and those of ``operator``.

Conventions at kinks: ``max`` and ``min`` give everything to the element that they return.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, unwrapped
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.compiled import compiled_door
from workbench.autodiff.hashes import told_hash
from workbench.autodiff.indexing import LINES, get_item, iterate
from workbench.autodiff.registry import DOORS, door
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import (
    TRACED,
    TracedFloat,
    strip,
)
from workbench.autodiff.settling import note_going_on
from workbench.autodiff.subarrays import DRESSED, class_of
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.autodiff.text import TracedText


@door(hash)
def hash_(x: Any) -> int:
    """``hash(x)``: all digits of a traced number are in it."""
    return told_hash(x)


@door(isinstance)
def isinstance_(x: Any, kinds: Any) -> bool:
    """``isinstance(x, kinds)``; a traced array is made to have a hash, for the sake of complex numbers."""
    found = isinstance(x, kinds)
    if found and (type(x) is TracedArray or type(x) in DRESSED) and type(kinds) is not type:
        return isinstance(unwrapped(x.array) if type(x) is TracedArray else plain(x), kinds)
    return found


@door(callable)
def callable_(x: Any) -> bool:
    """``callable(x)``."""
    return callable(x) or (type(x) in DRESSED and python_method(class_of(x), "__call__") is not None)


@door(type)
def type_(x: Any, *rest: Any, **kwargs: Any) -> Any:
    """``type(x)`` of a traced value is the type of the value it stands for."""
    if not rest and not kwargs:
        if type(x) in TRACED:
            return type(strip(x)) if type(x) is TracedFloat else x.__class__
        if type(x) is TracedText:
            return str
        return class_of(x)
    return type(x, *rest, **kwargs)


@door(iter)
def iter_(source: Any, *sentinel: Any) -> Any:
    """``iter(source)``, or ``iter(function, sentinel)`` with a rewritten function."""
    if sentinel:
        return iter(resolve(source), *sentinel)
    own = python_method(type(source), "__iter__")
    return iter(iterate(source)) if own is None else resolve(own)(source)


@door(next)
def next_(iterator: Any, *default: Any) -> Any:
    """``next(iterator)``."""
    note_going_on(iterator)
    own = python_method(type(iterator), "__next__")
    if own is None:
        return next(iterate(iterator) if type(iterator) in LINES else iterator, *default)
    try:
        return resolve(own)(iterator)
    except StopIteration:
        if not default:
            raise
        return default[0]


@door(getattr)
def getattr_(obj: Any, name: str, *default: Any) -> Any:
    """``getattr(obj, name)``."""
    try:
        return REWRITTEN_DOORS["get_attribute"](obj, name)
    except AttributeError:
        if not default:
            raise
        return default[0]


@door(hasattr)
def hasattr_(obj: Any, name: str) -> bool:
    """``hasattr(obj, name)``: runs a property's code, rewritten."""
    if type(obj) in (TracedFloat, TracedArray):
        return hasattr(plain(obj), name)
    return getattr_(obj, name, _nothing) is not _nothing


_nothing = object()


@door(setattr)
def setattr_(obj: Any, name: str, value: Any) -> None:
    """``setattr(obj, name, value)``."""
    REWRITTEN_DOORS["set_attribute"](value, obj, name)


# ------------------------------------------------------------------------------------ order


def _choose(function: Callable, better: str) -> Callable:
    compare = REWRITTEN_DOORS[better]

    def call(*args: Any, key: Callable | None = None, **kwargs: Any) -> Any:
        items = list(iterate(args[0])) if len(args) == 1 else list(args)
        if not items:
            return function(items, **kwargs)
        key_of = resolve(key) if key is not None else lambda item: item
        best, best_key = items[0], key_of(items[0])
        for item in items[1:]:
            item_key = key_of(item)
            if compare(item_key, best_key):
                best, best_key = item, item_key
        return best

    call.__name__ = function.__name__
    return call


DOORS[max] = _choose(max, "greater")
DOORS[min] = _choose(min, "less")


class _Ordered:
    """A sort key whose ``<`` is the rewritten one."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __lt__(self, other: _Ordered) -> bool:
        return REWRITTEN_DOORS["less"](self.key, other.key)


@door(sorted)
def sorted_(items: Iterable, *, key: Callable | None = None, reverse: bool = False) -> list:
    """``sorted``: the same objects in another order."""
    key_of = resolve(key) if key is not None else lambda item: item
    return sorted(iterate(items), key=lambda item: _Ordered(key_of(item)), reverse=reverse)


# ------------------------------------------------------------------------------------ functions of functions


@door(map)
def map_(function: Callable, *sources: Iterable) -> Any:
    """``map`` with a rewritten function."""
    return map(resolve(function), *[iterate(s) for s in sources])


@door(filter)
def filter_(function: Callable | None, source: Iterable) -> Any:
    """``filter`` with a rewritten function."""
    return filter(resolve(function) if function is not None else None, iterate(source))


@door(functools.reduce)
def reduce_(function: Callable, source: Iterable, *initial: Any) -> Any:
    """``functools.reduce`` with a rewritten function."""
    return functools.reduce(resolve(function), iterate(source), *initial)


@door(itertools.accumulate)
def accumulate(iterable: Iterable, func: Callable | None = None, *, initial: Any = None) -> Any:
    """``itertools.accumulate`` with a rewritten function, or sums in which arrays take part as they are filled now."""
    function = REWRITTEN_DOORS["add"] if func is None else resolve(func)
    return itertools.accumulate(iterate(iterable), function, initial=initial)


@door(functools.partial)
def partial_(function: Callable, /, *args: Any, **kwargs: Any) -> Any:
    """``functools.partial``: its function is rewritten when it is called."""
    return functools.partial(function, *args, **kwargs)


for _kind in (zip, enumerate, reversed, list, tuple, set, frozenset):

    def _over_rows(kind: Any, *sources: Any, **kwargs: Any) -> Any:
        return kind(*[iterate(s) for s in sources], **kwargs)

    DOORS[_kind] = functools.partial(_over_rows, _kind)


@door(reversed)
def reversed_(source: Any) -> Any:
    """``reversed(source)``."""
    own = python_method(type(source), "__reversed__")
    if own is not None:
        return resolve(own)(source)
    array = isinstance(source, np.ndarray) and OPEN
    if array or python_method(type(source), "__getitem__") is not None:
        return (get_item(source, k) for k in range(len(source) - 1, -1, -1))
    return reversed(source)


def _as_filled(call: Callable, *sources: Any, **kwargs: Any) -> Any:
    """An iterator of ``itertools`` over arrays as they are filled when it gets there."""
    return call(*[iterate(s) if isinstance(s, np.ndarray) else s for s in sources], **kwargs)


for _kind in (
    *(itertools.chain, itertools.cycle, itertools.tee, itertools.islice, itertools.pairwise),
    *(itertools.zip_longest, itertools.compress, itertools.takewhile, itertools.dropwhile),
    *(itertools.filterfalse, itertools.starmap, itertools.groupby),
):
    DOORS[_kind] = functools.partial(_as_filled, compiled_door(_kind))


@door(itertools.chain.from_iterable)
def chain_from_iterable(sources: Iterable) -> Any:
    """``itertools.chain.from_iterable``."""
    return itertools.chain.from_iterable(map(iterate, iterate(sources)))


for _name, _operation in {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "modulo",
    "pow": "power",
    "matmul": "matrix_multiply",
    "neg": "negative",
    "pos": "positive",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
    "getitem": "get_item",
    "iadd": "in_place_add",
    "and_": "bit_and",
    "or_": "bit_or",
    "xor": "bit_xor",
    "lshift": "left_shift",
    "rshift": "right_shift",
    "invert": "invert",
    "delitem": "delete_item",
    "isub": "in_place_subtract",
    "imul": "in_place_multiply",
    "itruediv": "in_place_divide",
    "ifloordiv": "in_place_floor_divide",
    "imod": "in_place_modulo",
    "ipow": "in_place_power",
    "imatmul": "in_place_matrix_multiply",
}.items():
    DOORS[getattr(operator, _name)] = REWRITTEN_DOORS[_operation]
_numbers = itertools.count(1)


@door(id)
def id_(x: Any) -> int:
    """``id(x)``; of a traced value one that no later run has, for what is kept under it is plain by then."""
    if type(x) not in TRACED or not x.tape.open:
        return id(x)
    known = x.tape.caches.setdefault(id_, {})
    return known.setdefault(id(x), (-next(_numbers), x))[0]


DOORS[operator.setitem] = lambda container, index, value: REWRITTEN_DOORS["set_item"](value, container, index)
if hasattr(operator, "call"):  # Python 3.11
    DOORS[operator.call] = lambda function, *args, **kwargs: resolve(function)(*args, **kwargs)
