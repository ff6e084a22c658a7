"""Compiled code that has no rule, as a traced program calls it.

It may be called freely: a traced value is no float and no array to it, so it can hold, compare and return it, and the
moment it asks for the bare number an error is raised. Functions of the program that it is handed are rewritten, and
what it changes in containers is noted.
"""

from __future__ import annotations

import contextlib
import functools
import numbers
import sys
import weakref
from collections import deque
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import VIEWS, TracedArray, current, is_followed_subclass, refuse_traced_memory
from workbench.autodiff.kept import found_equal
from workbench.autodiff.refusing import without_rule
from workbench.autodiff.registry import DOORS, INSTANCE_DOORS
from workbench.autodiff.scalars import TRACED, lost, unswallowed
from workbench.autodiff.settling import note_elements
from workbench.autodiff.stored import BARE, checked_key
from workbench.autodiff.structure import is_leaf
from workbench.autodiff.surfacing import surfaced
from workbench.autodiff.telling import WRITTEN, contains_traced
from workbench.autodiff.watch import call_watched

DISPATCHER = type(np.sum)  # NumPy's functions written in Python or C behind __array_function__

_SHALLOW = frozenset({*BARE, *TRACED})  # what holds no arrays but itself
_HARMLESS = frozenset(
    {
        *(
            len,
            isinstance,
            issubclass,
            range,
            id,
            hash,
            repr,
            callable,
            ord,
            chr,
            str,
            bool,
            bytes,
            slice,
            object,
        ),
        *(print, format, open, input, any, all, delattr, Exception),
        *(weakref.ref, weakref.proxy),  # they live as long as the object that the program itself holds
    }
)
_CONTAINERS = frozenset({list, dict, set, str, frozenset, tuple, bytes, bytearray})

# methods of containers that call a function or take the elements out of what they are given
_CHANGING = frozenset(
    "append insert add setdefault __setitem__ pop popitem remove discard clear reverse".split()
)
_FINDING = frozenset({"get", "pop", "setdefault", "__getitem__"})
_ITERATING = frozenset({"sort", "extend", "update", "union", "__iadd__"})


def compiled_door(f: Any) -> Any:
    """Compiled code as seen from a traced program.

    Python functions handed to it are rewritten, and plain arrays whose memory is traced arrive as traced arrays, so
    that it cannot take their numbers unnoticed.
    """
    owner = getattr(f, "__self__", None)
    if isinstance(owner, VIEWS):
        if is_followed_subclass(type(owner)):
            return method_of_subarray(f, owner, f.__name__)
        if type(seen := current(owner)) is TracedArray:
            return getattr(seen, f.__name__)
    if isinstance(owner, dict) and f.__name__ in _FINDING:
        note_elements(owner)
        return lambda key, *rest, **named: f(checked_key(owner, key), *rest, **named)
    if isinstance(owner, list | tuple | deque) and f.__name__ in ("index", "count"):
        return lambda x, *rest: _noted(owner, x, f(x, *rest), f.__name__)
    if type(owner) in _CONTAINERS and f.__name__ not in _ITERATING:
        if f.__name__ in _CHANGING:
            note_elements(owner)
        return f
    if isinstance(owner, list | dict | set | deque):
        note_elements(owner)
    if is_harmless(f):
        return f

    home = (getattr(f, "__module__", None) or "").partition(".")[0]
    foreign = bool(home) and home not in sys.stdlib_module_names

    def call(*args: Any, **kwargs: Any) -> Any:
        args = [outgoing(a, foreign) for a in args]
        kwargs = {name: outgoing(value, foreign) for name, value in kwargs.items()}
        nested = foreign and not all(type(a) in _SHALLOW for a in (*args, *kwargs.values()))
        try:
            with (
                unswallowed(f),
                surfaced(args, kwargs, lasting=False) if nested else contextlib.nullcontext(),
            ):
                result = call_watched(f, args, kwargs)
        except (TypeError, AttributeError, ValueError) as error:
            if any(word in str(error) for word in _ASKED) and any(
                map(contains_traced, (*args, *kwargs.values()))
            ):
                raise without_rule(f) from error
            raise
        return result if (tape := _tape_of_text((*args, *kwargs.values()))) is None else _read(result, tape)

    return call


def _tape_of_text(given: tuple) -> Any:
    """The tape of text of a traced number, among what compiled code was given or in lists of texts."""
    for x in given:
        kind = type(x)
        parts = x if (kind is list or kind is tuple) and x and isinstance(x[0], str) else (x,)
        for part in parts:
            if type(part) in WRITTEN and part.tape is not None:
                return part.tape
    return None


def _read(result: Any, tape: Any) -> Any:
    """What compiled code made of text of a number of ``tape``: text is marked as it, numbers and bytes are refused."""
    from workbench.autodiff.text import lost_in_text, marked

    for part in result if type(result) is tuple else (result,):
        number = isinstance(part, numbers.Number) and not isinstance(part, int)
        if number or isinstance(part, bytes | bytearray) or is_leaf(part):
            raise lost_in_text("bytes" if isinstance(part, bytes | bytearray) else "a number")
    return marked(result, tape)


def method_of_subarray(method: Any, owner: Any, name: str) -> Callable:
    """A method of ``numpy.ndarray`` for an array of a subclass, by ``super`` or because the class has no own one."""

    def call(*args: Any, **kwargs: Any) -> Any:
        from workbench.autodiff.subclassing import of_ndarray

        if not any(map(contains_traced, (owner, *args, *kwargs.values()))):
            return call_watched(method, args, kwargs)
        return of_ndarray(owner, name)(*args, **kwargs)

    return call


def _noted(owner: Any, x: Any, found: int, asked: str) -> int:
    """Where ``x`` stands in a sequence, or how often."""
    if asked == "index":
        found_equal(x, owner[found])
    elif found:
        found_equal(x, next(e for e in owner if e is x or e == x))
    return found


# what compiled code says that asked for the memory of a traced array
_ASKED = (
    *("bytes-like object", "the buffer API", "No matching signature", "not TracedArray", "got TracedArray"),
    "got workbench.autodiff.",
    *("Cannot convert TracedArray", "pythranized", "C contiguous array", "component: TracedFloat"),
    *("must be real number, not Traced", "Number, not Traced", "combination of arguments - got ("),
    "Only numeric, Timestamp",
)


def called_back(f: Callable, *, foreign: bool) -> Callable:
    """A function of the program for compiled code to call: arrays in traced memory are returned as traced ones.

    ``foreign`` says that the compiled code is not Python's own, and may read out of arrays that it made itself.
    """
    from workbench.autodiff.calls import resolve

    new = resolve(f)

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = [a for a in args if foreign and type(a) is np.ndarray and type(current(a)) is not TracedArray]
        result = current(new(*args, **kwargs))
        if type(result) not in _SHALLOW:
            with surfaced(result, lasting=True) as (result,):
                pass  # until what reads it ends, which is not known
        if any(type(current(a)) is TracedArray for a in given):
            raise lost("a traced value was about to be read by compiled code, out of an array that it made")
        return result

    return call


def is_harmless(f: Any) -> bool:
    """Whether compiled code takes no number out of what it is given."""
    if isinstance(f, type) and issubclass(f, BaseException):
        return True
    try:
        return f in _HARMLESS
    except TypeError:  # an unhashable callable object
        return False


def outgoing(x: Any, foreign: bool = False) -> Any:
    """An argument as code that is not rewritten gets it; ``foreign`` as for ``called_back``."""
    kind = type(x)
    if kind is FunctionType or kind is MethodType:
        return called_back(x, foreign=foreign)
    if isinstance(x, VIEWS):
        return current(x)
    if kind is memoryview:
        refuse_traced_memory(x)
    if kind is DISPATCHER or kind is np.ufunc or kind in INSTANCE_DOORS:
        from workbench.autodiff.calls import resolve

        return resolve(x)
    if kind is functools.partial and type(x.func) in (FunctionType, MethodType):
        return functools.partial(called_back(x.func, foreign=foreign), *x.args, **x.keywords)
    if issubclass(kind, BuiltinFunctionType):
        try:
            return DOORS.get(x, x)
        except TypeError:
            return x
    return x
