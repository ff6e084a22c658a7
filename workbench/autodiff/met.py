"""Classes of the program that compiled code calls into: their methods are rewritten there too, while a tape is open.

``list(obj)``, ``itertools.chain(obj)`` or ``numpy.stack([obj])`` call ``obj.__iter__``, ``__next__``, ``__array__`` by
themselves, past every door. Left as they stand these methods would read plain numbers out of arrays that hold traced
ones. So, as long as any thread records, the classes that programs have met have such methods replaced.
"""

from __future__ import annotations

import functools
import itertools
import threading
import weakref
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from workbench.autodiff.location import is_library_file
from workbench.autodiff.rewritten import MADE, is_opaque

_OPERATORS = "add sub mul truediv floordiv mod pow matmul divmod and or xor lshift rshift".split()
# NumPy's functions call the method of their own name of an object: ``numpy.exp(obj)`` is ``obj.exp()``.
_NAMED_BY_NUMPY = (
    *"arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt conjugate cos cosh deg2rad degrees exp exp2".split(),
    *"expm1 fabs fmod hypot log log10 log1p log2 rad2deg radians rint sin sinh sqrt tan tanh".split(),
)
# Comparing is how compiled code sorts and finds. Not ``__hash__``, which dictionaries ask for all the time.
_CALLED = _NAMED_BY_NUMPY + tuple(
    f"__{name}__"
    for name in (
        *"iter next getitem setitem delitem reversed missing call await aiter anext".split(),
        *"float complex abs neg pos invert round trunc floor ceil int index bool len contains".split(),
        *"array array_ufunc array_function array_wrap lt le gt ge eq ne str repr format".split(),
        *"copy deepcopy getstate setstate reduce reduce_ex".split(),
        *(side + name for name in _OPERATORS for side in ("", "r", "i")),
    )
)

BUILT_IN = 1 << 8
"""The flag of types that nobody can change."""

# tables by class that are emptied now and then, so that classes nobody uses any more can go
CACHES: list[dict] = []


def by_class(function: Callable[[type], Any]) -> Callable[[type], Any]:
    """``function`` with its results kept as long as the class may be in use."""
    found: dict[type, Any] = {}
    CACHES.append(found)

    @functools.wraps(function)
    def call(kind: type) -> Any:
        try:
            return found[kind]
        except KeyError:
            return found.setdefault(kind, function(kind))

    return call


_AT_MOST = 64  # classes that are met between two emptyings

# id of a class -> the class, and the methods of its own that are replaced while any thread records
_met: dict[int, tuple[weakref.ref[type], list[str]]] = {}
_count = itertools.count(1)
_lock = threading.RLock()
_recording = False


def meet(kind: type) -> None:
    """Note the classes of an object that a program has met."""
    if id(kind) in _met:
        return
    with _lock:
        for cls in kind.__mro__:
            if id(cls) not in _met:
                names = [name for name in _CALLED if _takes_replacement(cls, name, vars(cls).get(name))]
                _met[id(cls)] = weakref.ref(cls, functools.partial(_forget, id(cls))), names
                if _recording:
                    _replace(cls, names)
                if next(_count) % _AT_MOST == 0:
                    for cache in CACHES:
                        cache.clear()


def _forget(place: int, _: Any) -> None:
    _met.pop(place, None)


def _takes_replacement(cls: type, name: str, own: Any) -> bool:
    own = _function_in(own)
    if type(own) is not FunctionType or not _is_followed(own):
        return False
    if id(own.__code__) not in MADE:
        return True
    if name in _CONVERSIONS:  # of a class that a rewritten program has made, and that ends with it
        type.__setattr__(cls, name, _rewritten_when_recording(own))
    return False


def _function_in(member: Any) -> Any:
    """The function in a member of a class; that of a property gives the method."""
    if type(member) is property:
        return member.fget
    return member.__func__ if type(member) is staticmethod else member


def _put(cls: type, name: str, member: Any, function: FunctionType) -> None:
    """``function`` in the place of that in ``member``, past what a metaclass of the program's says."""
    compiled = next(kind for kind in type(cls).__mro__ if kind.__flags__ & BUILT_IN)  # ctypes has its own
    if type(member) is property:
        function = member.getter(function)
    compiled.__setattr__(cls, name, staticmethod(function) if type(member) is staticmethod else function)


def _replace(cls: type, names: list[str]) -> None:
    members = vars(cls)
    for name in names:
        member = members.get(name)
        own = _function_in(member)
        if type(own) is FunctionType and own.__code__ is not _REPLACEMENT:
            _put(cls, name, member, _replacement_of(own))


def _restore(cls: type, names: list[str]) -> None:
    members = vars(cls)
    for name in names:
        member = members.get(name)
        new = _function_in(member)
        if type(new) is FunctionType and new.__code__ is _REPLACEMENT:
            _put(cls, name, member, new.__wrapped__)


_KEPT = "<replacement>"


def _replacement_of(own: FunctionType) -> FunctionType:
    """The replacement of a method, which the method itself keeps: nothing else is to keep its class alive."""
    new = own.__dict__.get(_KEPT)
    if new is None or new.__wrapped__ is not own:  # wrappers take over what a function keeps
        new = own.__dict__[_KEPT] = _rewritten_when_recording(own)
    return new


def _is_followed(function: FunctionType) -> bool:
    """Whether a method is the program's own, or of a package that is followed like it."""
    return not (is_opaque(function) or is_library_file(function.__code__.co_filename))


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
    _exchange(_replace, recording=True)


def restore_methods() -> None:
    """The last thread has ended recording."""
    _exchange(_restore, recording=False)


def _exchange(change: Callable[[type, list[str]], None], *, recording: bool) -> None:
    global _recording
    with _lock:
        _recording = recording
        for found, names in list(_met.values()):
            if names and (cls := found()) is not None:
                change(cls, names)
