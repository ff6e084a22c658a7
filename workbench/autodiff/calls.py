"""The door every call of a rewritten program goes through.

``resolve(f)`` gives what is to be called instead of ``f``: the door or rule registered for it; the rewritten version
of a Python function, method, class or callable object; a NumPy function's traced form; or ``f`` itself, for compiled
code as ``compiled`` says.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
from collections.abc import Callable, Iterable
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current, is_followed_subclass
from workbench.autodiff.code_objects import hands_on, names_in, with_code
from workbench.autodiff.compiled import DISPATCHER, compiled_door, method_of_subarray, outgoing
from workbench.autodiff.draws import GENERATORS, note_draw
from workbench.autodiff.met import BUILT_IN, as_written, meet
from workbench.autodiff.native_calls import native_call
from workbench.autodiff.refusing import refusing_masks, without_rule
from workbench.autodiff.registry import DOORS, INSTANCE_DOORS, OWNER_DOORS, learn, module_door
from workbench.autodiff.rewritten import MADE, REWRITTEN_DOORS, is_known, is_opaque, rewritten_code
from workbench.autodiff.scalars import TRACED, lost
from workbench.autodiff.settling import changes_globals, note_elements
from workbench.autodiff.subarrays import DRESSED, TracedSubarray, class_of
from workbench.autodiff.surfacing import plain_arrays_in, surfaced
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import WRITTEN, contains_traced
from workbench.autodiff.unseen import FOLLOWED_METHODS, are_filled, run_unfollowed
from workbench.autodiff.watch import call_watched

# functions without closure, which live long: their code and defaults when they were met, and what is called for them
_functions: dict[FunctionType, tuple[CodeType, tuple | None, dict | None, Callable]] = {}

# of compiled methods that are told the class they belong to: each version of Python has more of them
_METHOD_OF_CLASS = type(re.compile("").sub)


def resolve(f: Any) -> Any:
    """What a rewritten program calls where the user wrote ``f(...)``."""
    kind = type(f)
    if kind is FunctionType:
        code = f.__code__
        if id(code) in MADE:
            return f
        known = _functions.get(f)
        if (
            known is None
            or known[0] is not code
            or known[1] is not f.__defaults__
            or known[2] is not f.__kwdefaults__
        ):
            return _resolve_function(f)
        return known[3]
    if kind is BuiltinFunctionType or kind is _METHOD_OF_CLASS:
        found = DOORS.get(f)
        if found is not None:
            return found
        owner = f.__self__
        if type(owner) is np.ndarray:
            return _array_method(f, owner)
        if type(owner) is list and f.__name__ == "append":
            note_elements(owner)
            return f
        if not OPEN:
            return f
        if type(owner) in GENERATORS:
            note_draw(owner)
        if type(owner) in OWNER_DOORS or learn(type(owner) if f.__module__ is None else f):
            return _door_of_owner(f, owner)
        return compiled_door(f)
    if kind is MethodType:
        function = f.__func__
        owner = type(f.__self__)
        if f.__name__ == "__array__" and (owner in TRACED or function is TracedSubarray.__array__):
            return functools.partial(resolve(np.asarray), f.__self__)
        if owner in TRACED:
            if function in FOLLOWED_METHODS:
                return MethodType(FOLLOWED_METHODS[function], f.__self__)
            return (
                functools.partial(resolve(_NUMBERS[f.__name__]), f.__self__) if f.__name__ in _NUMBERS else f
            )
        if type(f.__self__) in GENERATORS:
            note_draw(f.__self__)
        new = resolve(function)
        return f if new is function else MethodType(new, f.__self__)
    return _resolve_other(f)


_NUMBERS = {"__float__": float, "__complex__": complex}
"""Methods of traced values by which the program, unlike compiled code, gets what they give."""

REWRITTEN_DOORS.update(resolve=resolve, changes_globals=changes_globals)


def _door_of_owner(f: Any, owner: Any) -> Any:
    if f in DOORS:
        return DOORS[f]
    return OWNER_DOORS[type(owner)](f, owner) if type(owner) in OWNER_DOORS else compiled_door(f)


def is_one_of(table: Iterable, f: Any) -> bool:
    """Whether ``f`` is in ``table``. A hash of the program's own may do anything, and is not asked for."""
    if python_method(type(f), "__hash__") is not None:
        return any(key is f for key in table)
    try:
        return f in table
    except TypeError:  # an unhashable callable object
        return False


def _door_of(f: Any) -> Any:
    if python_method(type(f), "__hash__") is None:
        return DOORS[f] if is_one_of(DOORS, f) else None
    known = is_one_of(_keys_with_own_hash(len(DOORS)), f)
    return next(door for key, door in DOORS.items() if key is f) if known else None


@functools.lru_cache(maxsize=1)
def _keys_with_own_hash(count: int) -> list[Any]:
    """Those of the ``count`` doors."""
    return [key for key in DOORS if python_method(type(key), "__hash__") is not None]


def _resolve_other(f: Any) -> Any:
    found = _door_of(f)
    if found is None and learn(f):
        found = _door_of(f)
    kind = type(f)
    if kind in NUMPY_DOORS:
        return NUMPY_DOORS[kind](f, found)
    if found is not None:
        return _taking_bare_values(f, found)
    if isinstance(f, type):
        from workbench.autodiff.making import class_door

        return class_door(f)
    if isinstance(f, functools.partial):
        return functools.partial(resolve(f.func), *f.args, **f.keywords)
    if kind in _OF_CLASSES:
        return _method_of_class(f)
    if kind is MethodWrapperType:
        owner, name = f.__self__, f.__name__
        if type(owner) is np.ndarray:
            return _array_method(f, owner)
        if OPEN and is_followed_subclass(type(owner)):
            return method_of_subarray(f, owner, name)
        if name == "__call__" and issubclass(type(owner), type):
            from workbench.autodiff.making import making

            return making(owner)
        if name == "__call__" and python_method(type(owner), "__call__") is None:  # not super().__call__
            return resolve(owner)
        if (door := SLOT_DOORS.get((f.__objclass__, name))) is not None:
            return functools.partial(door, owner)
        if OPEN and isinstance(owner, float | complex):
            return _method_of_number(f, owner, name)
    if isinstance(f, np.ufunc) or kind is MethodType:
        return f
    learn(kind)
    if kind in INSTANCE_DOORS:
        return INSTANCE_DOORS[kind](f)
    call = python_method(class_of(f), "__call__")
    if call is not None:
        new = resolve(call)
        return f if new is call else MethodType(new, f)
    owner = getattr(f, "__self__", None)
    if isinstance(owner, np.ufunc):
        return OWNER_DOORS[np.ufunc](f, owner)
    return compiled_door(f) if OPEN else f


# type of NumPy's functions -> the door of one of them, of which the rules have this one, or None
NUMPY_DOORS: dict[type, Callable] = {}


def _resolve_function(f: FunctionType) -> Callable:
    found = DOORS.get(f)
    if found is None and not is_known(f.__code__) and learn(f):
        found = DOORS.get(f)
    if found is None and (make := module_door(f.__module__)) is not None:
        found = make(f)
    if found is not None:
        return _taking_bare_values(f, found)
    code = rewritten_code(f)
    found = native_call(f, with_code(f, code)) if code is not None else _without_source(f)
    if f.__closure__ is None:
        _functions[f] = f.__code__, f.__defaults__, f.__kwdefaults__, found
    return found


def _taking_bare_values(f: Any, door: Callable) -> Callable:
    """``door``; to one of SciPy's, values of subclasses come without their classes, where SciPy takes these off."""
    home = str(getattr(f, "__module__", None))
    if not home.startswith("scipy.") or home.startswith(_WITH_CLASSES):
        return door
    return refusing_masks(f, bare_door(door)) if home in _WITH_MASKS else bare_door(door)


_WITH_CLASSES = ("scipy.sparse", "scipy.integrate._quadrature")
_WITH_MASKS = frozenset(
    f"scipy.stats._{name}" for name in ("stats_py", "mstats_basic", "morestats", "hypotests")
)


@functools.cache
def bare_door(door: Callable) -> Callable:
    """``door``, to which values of subclasses come without their classes."""
    from workbench.autodiff.dressing import undressed

    def of_class(x: Any) -> bool:
        return type(x) in DRESSED or (type(x) in (list, tuple) and any(map(of_class, x)))

    @functools.wraps(door, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if any(map(of_class, args)) or any(map(of_class, kwargs.values())):
            return door(*map(undressed, args), **{name: undressed(x) for name, x in kwargs.items()})
        return door(*args, **kwargs)

    return call


def _without_source(f: FunctionType) -> Callable:
    """A function that is not rewritten; one of the program's gets arrays in traced memory as traced arrays."""
    if is_opaque(f):
        return f
    # methods that dataclasses and named tuples make store, compare and write values, and change no array
    made = f.__code__.co_filename.startswith("<") and f.__name__.startswith("__")

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not OPEN:
            return f(*args, **kwargs)
        args, kwargs = [outgoing(a) for a in args], {k: outgoing(v) for k, v in kwargs.items()}
        if made and f.__name__ == "__init__" and args and hasattr(class_of(args[0]), "__dataclass_fields__"):
            from workbench.autodiff.making import dataclass_init

            return dataclass_init(f)(*args, **kwargs)
        if made:
            return call_watched(f, args, kwargs)
        names, stores = names_in(f.__code__)
        named = f.__globals__ if stores else {n: f.__globals__[n] for n in names if n in f.__globals__}
        lasting = bool(f.__code__.co_flags & _RUNS_LATER)
        cells = f.__closure__ or ()
        with (
            contextlib.ExitStack() as until,
            surfaced(args, kwargs, named, *cells, lasting=lasting) as (args, kwargs, *_),
        ):
            known = None if hands_on(f.__code__) else (named, cells)
            surfacing = _surfacing(until, known, lasting=lasting)
            return run_unfollowed(f if stores else _with_followed_names(f, named, surfacing), args, kwargs)

    return call


_RUNS_LATER = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _surfacing(until: contextlib.ExitStack, known: Any, *, lasting: bool) -> Callable:
    """Makes of a function one for a function without source: its results hold traced arrays where their memory is
    traced, until the stack ends. If the caller may read more than that, it has ``known``, and no plain array of its own
    is filled with traced values.
    """

    def made(g: Callable) -> Callable:
        @functools.wraps(g)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = [] if known is None else list(plain_arrays_in((args, kwargs, known)))
            result = until.enter_context(surfaced(g(*args, **kwargs), lasting=lasting))[0]
            if are_filled(given):
                raise lost(
                    "traced values were written into a plain array, which a function without source reads as numbers",
                    fix="return the values as a new array, or put the function into a file",
                )
            return result

        return call

    return made


_ASKING_THEIR_ARGUMENTS = frozenset({np.ufunc, DISPATCHER})
"""Kinds of functions that hand a traced argument what they are asked."""


def _is_to_follow(g: Any) -> bool:
    return callable(g) and not isinstance(g, type) and type(g) not in _ASKING_THEIR_ARGUMENTS


def _with_followed_names(f: FunctionType, named: dict[str, Any], surfacing: Callable) -> FunctionType:
    """A function without source that calls the functions it names as they are followed.

    So do wrappers that are made at run time: they check arguments, and call what they wrap.
    """
    followed = {name: surfacing(resolve(g)) if _is_to_follow(g) else g for name, g in named.items()}
    new = FunctionType(f.__code__, {**f.__globals__, **followed}, f.__name__, f.__defaults__, f.__closure__)
    new.__kwdefaults__ = f.__kwdefaults__
    return new


def forget(f: Any) -> None:
    """Look for a rule of ``f`` again: one has been registered."""
    if type(f) is FunctionType:
        _functions.pop(f, None)
        if id(f.__code__) in MADE:  # it was made inside of a program; code like this is called as it is
            f.__code__ = f.__code__.replace()


# ------------------------------------------------------------------------------------ classes and methods

_methods: dict[tuple[type, str], FunctionType | None] = {}  # of classes that nobody can change


def python_method(kind: type, name: str) -> FunctionType | None:
    """A method found on the class and written in Python, None otherwise."""
    if kind.__flags__ & BUILT_IN:
        key = (kind, name)
        if key not in _methods:
            _methods[key] = _found_method(kind, name)
        return _methods[key]
    meet(kind)
    return _found_method(kind, name)


def _found_method(kind: type, name: str) -> FunctionType | None:
    for cls in kind.__mro__:
        if name in cls.__dict__:
            found = cls.__dict__[name]
            if type(found) is FunctionType:
                return as_written(found)
            if type(found).__flags__ & BUILT_IN and not (type(found) is property and name[:2] == "__"):
                return None
            return _bound_by(found, name)
    return None


def _bound_by(found: Any, name: str) -> FunctionType | None:
    from workbench.autodiff.binding import method_of

    return method_of(found, name)


_OF_CLASSES = frozenset({MethodDescriptorType, WrapperDescriptorType})


def _method_of_number(method: Callable, owner: Any, name: str) -> Callable:
    """``owner.__mul__(x)`` of a number, as a class derived from its own calls it by ``super``."""

    def call(*args: Any) -> Any:
        if not any(map(contains_traced, (owner, *args))):
            return method(*args)
        from workbench.autodiff.subnumbers import of_number

        return of_number(owner, name)(*args)

    return call


# method of a compiled class -> what is called in its stead, as ``object.__getattribute__`` or by ``super``
SLOT_DOORS: dict[tuple[type, str], Callable] = {}


def _method_of_class(method: Any) -> Callable:
    """``numpy.ndarray.sum(x)``, ``float.__add__(x, y)``: the method of the traced value."""
    if (door := SLOT_DOORS.get((method.__objclass__, method.__name__))) is not None:
        return door

    def call(*args: Any, **kwargs: Any) -> Any:
        receiver = current(args[0]) if args else None
        if type(receiver) in TRACED:
            return resolve(getattr(receiver, method.__name__))(*args[1:], **kwargs)
        if type(receiver) is TracedSubarray or is_followed_subclass(type(receiver)):
            bound = functools.partial(method, args[0])
            return method_of_subarray(bound, receiver, method.__name__)(*args[1:], **kwargs)
        if type(receiver) is str or type(receiver) in WRITTEN:
            return resolve(getattr(receiver, method.__name__))(*args[1:], **kwargs)
        if isinstance(receiver, float | complex):
            bound = functools.partial(method, receiver)
            return _method_of_number(bound, receiver, method.__name__)(*args[1:])
        return call_watched(method, args, kwargs)

    return call


# ------------------------------------------------------------------------------------ NumPy


def seen(result: Any) -> Any:
    """What a function has filled with traced values, as code that is not rewritten has to see it."""
    if type(result) is tuple or type(result) is list:
        return type(result)([current(part) for part in result])
    return current(result)


_numpy_doors: dict[Any, Callable] = {}


def numpy_function(f: Any) -> Callable:
    """A NumPy function without a rule: traced through its Python source when it gets a traced value."""
    found = _numpy_doors.get(f)
    if found is None:
        inner = getattr(f, "__wrapped__", None)

        @functools.wraps(f, updated=())
        def found(*args: Any, **kwargs: Any) -> Any:
            given = (*args, *kwargs.values())
            if not any(map(contains_traced, given)) and not (OPEN and any(map(_is_followed, given))):
                return call_watched(f, args, kwargs)
            if type(inner) is not FunctionType or rewritten_code(inner) is None:
                raise without_rule(f)
            result = resolve(inner)(*args, **kwargs)
            return result if any(result is x for x in given) else seen(result)

        _numpy_doors[f] = found
    return found


def _is_followed(x: Any) -> bool:
    """Whether an argument may use traced values: a function of the program, an object that turns itself into an array,
    or a list of such."""
    kind = type(x)
    if kind is list or kind is tuple:
        return any(map(_is_followed, x))
    return kind is FunctionType or kind is MethodType or python_method(kind, "__array__") is not None


def _array_method(method: Any, owner: np.ndarray) -> Callable:
    """A bound method of a plain array: the traced array's method if its memory is traced or must be undone."""
    if OPEN and method.__name__ == "__setitem__":
        return lambda index, value: REWRITTEN_DOORS["set_item"](value, owner, index)
    seen = current(owner)
    if type(seen) is TracedArray:
        return resolve(getattr(seen, method.__name__))
    if OPEN and method.__name__ in _MUTATING:
        from workbench.autodiff.writing import mutate

        return functools.partial(mutate, owner, method)
    return _method_of_plain_array(method, owner) if OPEN else method


def _method_of_plain_array(method: Any, owner: np.ndarray) -> Callable:
    """``array.dot(x)`` where it is ``x`` that is traced: the function of that name."""
    from workbench.autodiff.application import converted
    from workbench.autodiff.methods import METHODS

    if method.__name__ == "astype" and owner.dtype.hasobject:
        return functools.partial(resolve(np.astype), owner)
    form, compiled = METHODS.get(method.__name__), compiled_door(method)
    if form is None:
        return compiled

    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple(map(converted, args))
        traced = any(map(contains_traced, (*args, *kwargs.values())))
        return form(owner, *args, **kwargs) if traced else compiled(*args, **kwargs)

    return call


_MUTATING = frozenset({"sort", "fill", "put", "partition", "itemset", "resize", "byteswap", "setfield"})
