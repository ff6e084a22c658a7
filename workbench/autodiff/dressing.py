"""Taking the class off an array of a subclass, and giving it back to what NumPy made of the bare array.

Whether NumPy gives a result the class of an argument is asked of NumPy itself, with arrays of a class that does
nothing (``_StandIn``). All of it holds for plain arrays of subclasses too, where they meet traced values.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import as_array, without_class
from workbench.autodiff.arrays import TracedArray, current, is_followed_subclass, owner_of, stored_by
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import HOLDING
from workbench.autodiff.scalars import TRACED, TracedFloat
from workbench.autodiff.settling import SETTLED, settled
from workbench.autodiff.structure import own_names
from workbench.autodiff.subarrays import (
    DRESSED,
    Dressed,
    TracedSubarray,
    TracedSubnumber,
    bare_part,
    class_of,
    class_part,
    own_part,
    real_part,
)
from workbench.autodiff.telling import PLAIN, plain
from workbench.errors import MissingRuleError


def is_subarray(x: Any) -> bool:
    """Whether ``x`` is an array of a subclass, traced or not."""
    return type(x) is TracedSubarray or is_followed_subclass(type(x))


def undressed(x: Any) -> Any:
    """A value of a subclass as the bare array or traced number, also in lists and tuples; anything else as it is."""
    kind = type(x)
    if kind in DRESSED:
        return without_class(x)
    if kind is list or kind is tuple:
        return kind([undressed(e) for e in x]) if any(map(_may_be_dressed, x)) else x
    return current(np.ndarray.view(x, np.ndarray)) if is_followed_subclass(kind) else x


def _may_be_dressed(x: Any) -> bool:
    return type(x) in (list, tuple) or type(x) in DRESSED or is_subarray(x)


def dressed(result: Any, cls: type, parent: Any) -> Any:
    """``result``, computed with bare arrays, as NumPy makes an array of ``cls`` of it: as one made from ``parent``."""
    result = _as_array(result)
    if type(result) is TracedArray:
        made = TracedSubarray(TracedArray(result.array, result.memory), cls)
    else:
        made = np.asarray(result).view(cls)
    finalize = python_method(cls, "__array_finalize__")
    if finalize is not None:
        resolve(finalize)(made, parent)
    return made


def as_plain(x: Dressed, bare: Any) -> Any:
    """What becomes of ``x`` when its tape is closed, and its numbers are those of ``bare``."""
    cls, real = class_part(x), real_part(x)
    if type(x) is TracedSubnumber:
        base = next(kind for kind in NUMBERS_OF_PYTHON if issubclass(cls, kind))
        made = base.__new__(cls, bare)
    elif real is not None and owner_of(bare) is owner_of(real):
        return real
    else:
        made = bare.view(cls)
    for name, value in own_part(x).items():
        if hasattr(made, "__dict__"):
            made.__dict__[name] = settled(value)
        else:  # it has slots
            object.__setattr__(made, name, settled(value))
    return made


def attributes_of(x: Any) -> dict[str, Any]:
    """The attributes of a value of a subclass, traced or not, by their names."""
    if type(x) in DRESSED:
        return dict(own_part(x))
    return (
        dict(stored_by(x)) if isinstance(x, np.ndarray) else {name: getattr(x, name) for name in own_names(x)}
    )


def dressed_as(x: Any, bare: Any, own: dict[str, Any]) -> Any:
    """``bare`` with the class of ``x``, a value of a subclass, traced or not, and the attributes ``own``."""
    of_arrays = isinstance(bare, np.ndarray)
    made = (TracedSubarray if of_arrays else TracedSubnumber)(bare, class_of(x), own)
    return made if type(bare) in TRACED else as_plain(made, bare)


def apart(x: Dressed) -> Any:
    """``x`` in plain numbers, in memory that no tape knows."""
    bare = plain(bare_part(x))
    return as_plain(x, bare.copy() if isinstance(bare, np.ndarray) else bare)


NUMBERS_OF_PYTHON = (np.float64, float, complex)
"""What classes of numbers are made from that may vary."""

for _kind in DRESSED:
    HOLDING[_kind] = lambda x: bare_part(x).tape.open
    SETTLED[_kind] = current
    PLAIN[_kind] = apart


# ------------------------------------------------------------------------------------ functions of NumPy's


class _StandIn(np.ndarray):
    """An array of a class that does nothing but remember which argument it was made from.

    ``wrapped`` is what NumPy has called its ``__array_wrap__`` with: the context, and whether a number is wanted.
    """

    stands_for: type
    origin: Any = None
    wrapped: tuple | None = None

    def __array_finalize__(self, parent: Any) -> None:
        self.origin = getattr(parent, "origin", None)
        if issubclass(self.stands_for, np.matrix):  # which has two axes, so that NumPy makes no number of it
            np.matrix.__array_finalize__(self, parent)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        found = super().__array_wrap__(array, context, return_scalar)
        if isinstance(found, _StandIn):
            found.wrapped = context, return_scalar
        return found


@functools.lru_cache(maxsize=64)
def _stand_in_class(cls: type) -> type:
    priority = getattr(cls, "__array_priority__", 0.0)
    return type("StandIn", (_StandIn,), {"__array_priority__": priority, "stands_for": cls})


def stand_in(x: Any) -> Any:
    """``x`` in plain numbers, with stand-ins for arrays of subclasses."""
    if type(x) in (list, tuple):
        return type(x)([stand_in(e) for e in x])
    if not is_subarray(x):
        return plain(x)
    made = plain(undressed(x)).copy().view(_stand_in_class(class_of(x)))
    made.origin = x
    return made


def of_subclass(follow: Callable, own: Callable, args: tuple, kwargs: dict) -> Any:
    """``own(*args, **kwargs)``, a function of NumPy's, where arrays of subclasses are among the arguments.

    ``follow`` is what the engine does with the bare arrays.
    """
    bare = {name: undressed(value) for name, value in kwargs.items()}
    given = [undressed(a) for a in args]
    result = follow(*given, **bare)
    out = kwargs.get("out")
    out = out[0] if type(out) is tuple and len(out) == 1 else out
    written = out is not None and out is not ...
    if written:
        if not is_subarray(out) or python_method(class_of(out), "__array_wrap__") is None:
            return out
        result = out
    elif type(result) is TracedArray:
        for before, array in zip((*args, *kwargs.values()), (*given, *bare.values()), strict=True):
            if is_subarray(before) and result.array is plain(array):
                return before  # it is given back as it is
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        stand_ins = [stand_in(a) for a in args]
        shown = own(*stand_ins, **{name: stand_in(v) for name, v in kwargs.items()})
    for before, stands in zip(args, stand_ins, strict=True):
        if shown is stands and is_subarray(before):  # written into, though it was given by its place
            written, result, out = True, before, before
    if written and getattr(shown, "wrapped", None) is None:
        return out
    return as_shown(result, shown, args)


def as_shown(result: Any, shown: Any, args: tuple) -> Any:
    """``result`` with the classes that NumPy has given to the stand-ins for ``args``."""
    if isinstance(shown, list | tuple) and isinstance(result, list | tuple):
        parts = [as_shown(r, s, args) for r, s in zip(result, shown, strict=True)]
        return getattr(type(result), "_make", type(result))(parts)
    if not isinstance(shown, _StandIn):
        return result
    if shown.origin is None:
        return dressed(result, shown.stands_for, None)
    origin, cls = shown.origin, class_of(shown.origin)
    wrap = python_method(cls, "__array_wrap__") if shown.wrapped is not None else None
    if wrap is None:
        return dressed(result, cls, origin)
    context, return_scalar = shown.wrapped
    if context is not None:
        # otherwise it is a ufunc that NumPy's function calls inside
        own = context[0].nin <= len(args) <= context[0].nargs
        context = context[0], args if own else tuple(map(np.asarray, context[1])), context[2]
    given, code = (_as_array(result), context, return_scalar), wrap.__code__
    takes = (
        3 if code.co_flags & inspect.CO_VARARGS else code.co_argcount - 1
    )  # older classes take no more than two
    return resolve(wrap)(origin, *given[:takes])


def _as_array(x: Any) -> Any:
    """A number as the array without axes that NumPy makes of it."""
    if type(x) is TracedFloat:
        return resolve(np.reshape)(as_array([x]), ())
    return resolve(np.array)(x) if isinstance(x, np.generic | complex) else x


def no_rule(function: Any, what: str) -> MissingRuleError:
    return MissingRuleError(
        f"{getattr(function, '__name__', function)!s} has no rule for {what}",
        found="a traced value among its arguments",
        where=user_line(),
        fix="use the array without its class, numpy.asarray(x)",
    )


def holds_subarray(x: Any) -> bool:
    """Whether an argument of a function of NumPy's is an array of a subclass, or a list of such."""
    return any(map(is_subarray, x)) if type(x) in (list, tuple) else is_subarray(x)
