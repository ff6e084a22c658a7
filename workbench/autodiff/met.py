"""Classes of the program that compiled code calls into: their methods are rewritten there too, while a tape is open.

``list(obj)``, ``itertools.chain(obj)`` or ``numpy.stack([obj])`` call ``obj.__iter__``, ``__next__``, ``__array__`` by
themselves, past every door. Left as they stand these methods would read plain numbers out of arrays that hold traced
ones. So, as long as any thread records, the classes that programs have met have such methods replaced.
"""

from __future__ import annotations

import functools
import sysconfig
import weakref
from types import CodeType, FunctionType
from typing import Any

from workbench.autodiff.location import is_engine_file

_ELSEWHERE = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_OPERATORS = "add sub mul truediv floordiv mod pow matmul divmod and or xor lshift rshift".split()
# Not those that answer with a truth or a whole number, which do not vary. Comparing is how compiled code sorts.
_CALLED = tuple(
    f"__{name}__"
    for name in (
        *"iter next getitem setitem delitem reversed missing call await aiter anext".split(),
        *"float complex abs neg pos invert round trunc floor ceil".split(),
        *"array array_ufunc array_function lt le gt ge str repr format".split(),
        *"copy deepcopy getstate setstate reduce reduce_ex".split(),
        *(side + name for name in _OPERATORS for side in ("", "r", "i")),
    )
)

_seen: weakref.WeakSet[type] = weakref.WeakSet()
_methods: list[tuple[type, str, FunctionType, FunctionType]] = []  # class, name, as it stands, replacement
_recording = False


def meet(kind: type) -> None:
    """Note the classes of an object that a program has met."""
    if kind in _seen:
        return
    for cls in kind.__mro__:
        if cls in _seen:
            continue
        _seen.add(cls)
        for name in _CALLED:
            own = vars(cls).get(name)
            if type(own) is FunctionType and _is_of_program(own):
                _replace(cls, name, own)


def _replace(cls: type, name: str, own: FunctionType) -> None:
    from workbench.autodiff.calls import marked_rewritten

    if not marked_rewritten(own.__code__):
        new = _rewritten_when_recording(own)
        _methods.append((cls, name, own, new))
        if _recording:
            type.__setattr__(cls, name, new)
    elif name in _CONVERSIONS:  # of a class that a rewritten program has made, and that ends with it
        type.__setattr__(cls, name, _rewritten_when_recording(own))


def _is_of_program(function: FunctionType) -> bool:
    file = function.__code__.co_filename
    return not (file.startswith((*_ELSEWHERE, "<frozen")) or is_engine_file(file))


def _rewritten_when_recording(function: FunctionType) -> FunctionType:
    from workbench.autodiff.arrays import current
    from workbench.autodiff.calls import resolve
    from workbench.autodiff.scalars import TRACED, lost
    from workbench.autodiff.tape import OPEN

    @functools.wraps(function)
    def replacement(*args: Any, **kwargs: Any) -> Any:
        if not OPEN:
            return function(*args, **kwargs)
        result = resolve(function)(*args, **kwargs)
        if function.__name__ in _CONVERSIONS and type(current(result)) in TRACED:
            raise lost(
                f"an object was about to turn itself into plain numbers in compiled code, by {function.__name__}",
                fix=f"hand over {_CONVERSIONS[function.__name__]} in its place",
            )
        return result

    return replacement


_REPLACEMENT = next(
    c
    for c in _rewritten_when_recording.__code__.co_consts
    if isinstance(c, CodeType) and c.co_name == "replacement"
)  # the code of all of them
# what compiled code asks for plain numbers by -> what the program may write so that they are not asked for
_CONVERSIONS = {"__array__": "numpy.asarray(x)", "__float__": "float(x)", "__complex__": "complex(x)"}


def as_written(function: Any) -> Any:
    """The method of a class as the program has it."""
    while type(function) is FunctionType and function.__code__ is _REPLACEMENT:
        function = function.__wrapped__
    return function


def replace_methods() -> None:
    """The first thread begins to record."""
    _exchange(recording=True)


def restore_methods() -> None:
    """The last thread has ended recording."""
    _exchange(recording=False)


def _exchange(*, recording: bool) -> None:
    """Put the replacements into the classes, or the program's own methods back, where nobody has put another there."""
    global _recording
    _recording = recording
    for cls, name, own, new in _methods:
        before, after = (own, new) if recording else (new, own)
        if vars(cls).get(name) is before:
            type.__setattr__(cls, name, after)
