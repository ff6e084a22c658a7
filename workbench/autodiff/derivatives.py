"""The operators on programs: pullback, gradient, value_and_gradient; ``operators`` has those made of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current, is_writeable
from workbench.autodiff.given import checked_cotangent, checked_positions, checked_program, described, listed
from workbench.autodiff.sharing import checked_sharing
from workbench.autodiff.structure import leaves, map_leaves
from workbench.autodiff.subnumbers import bare_number
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.autodiff.tiers import copied, native_pullback
from workbench.autodiff.tracing import TracedPullback, once, traced_pullback
from workbench.errors import NotDifferentiableError, NotScalarError


def pullback(
    f: Callable, *args: Any, wrt: int | tuple[int, ...] | None = None, aux: bool = False, **kwargs: Any
) -> tuple[Any, ...]:
    """The value of ``f(*args, **kwargs)`` and its pullback, which can be called again and again.

    y_bar ↦ Jᵀ y_bar, also called the vector–Jacobian product.

    Args:
        f: any Python callable. The arguments that it is differentiated by are copied, and so are other arrays: writing
            into them changes nothing outside. Other lists, dicts and objects are the program's to change.
        args: numbers, arrays, and lists, tuples, dicts, dataclasses or plain objects of them.
        wrt: positions of the arguments to differentiate by; all by default.
        aux: ``f`` returns ``(y, anything else)``, and only ``y`` is differentiated.
        kwargs: arguments by name, which are constants. Arguments of ``f`` that are called ``wrt`` or ``aux`` are given
            with ``functools.partial``.
    Returns:
        ``(y, back)``, with ``aux`` ``(y, back, anything else)``. ``back(y_bar)`` takes a cotangent of the structure of
        ``y`` (its default is 1 for a real number) and returns a tuple with one cotangent for each argument of ``wrt``,
        each of the argument's own structure. What cannot vary (whole numbers, strings) has the cotangent None.
    Raises:
        LostGradientError: a traced value met compiled code without a rule; names the line.

    Every place in an argument is a variable of its own, except that arrays which share memory are one: each
    reports the cotangents of all of its elements. Complex numbers follow PyTorch's convention: the cotangent of z
    is ∂L/∂Re z + i ∂L/∂Im z.
    """
    checked_program(f, "pullback")
    value, back = _pullback(named(f, args, kwargs), args, checked_positions(args, wrt))
    if type(back) is TracedPullback and not OPEN:
        back.seal()
    if not aux:
        return value, back
    y, extra = checked_pair(f, value)

    hidden = back.hidden if type(back) is TracedPullback else None

    def back_of_first(y_bar: Any = None) -> tuple[Any, ...]:
        return back((checked_cotangent(y, y_bar, hidden), zeros_like(extra)))

    return y, back_of_first, extra


def _pullback(f: Callable, args: tuple, positions: tuple[int, ...]) -> tuple[Any, Callable]:
    f, own = checked_sharing(f, args), with_own_arrays(args, positions)
    found = native_pullback(f, own, positions, traced_pullback, given=args)
    return found or traced_pullback(f, *own, wrt=positions, copied=copied_arrays(f, args, own))


def with_own_arrays(args: tuple, positions: tuple[int, ...]) -> tuple:
    """``args`` with copies of the arrays that are not differentiated by.

    The program does not change its caller's, and what the caller changes later does not change the way back.
    """
    return tuple(a if k in positions else _own_array(a) for k, a in enumerate(args))


def named(f: Callable, args: tuple, kwargs: dict[str, Any]) -> Callable:
    """``f`` with arguments given by name beside ``args``, the arrays among them copied as those by position are."""
    if not kwargs:
        return f
    f = checked_sharing(f, (*args, *kwargs.values()))
    made = functools.partial(f, **{name: _own_array(a) for name, a in kwargs.items()})
    made.given = kwargs
    return made


def copied_arrays(f: Callable, args: tuple, own: tuple) -> list[tuple[np.ndarray, np.ndarray]]:
    """The arrays of the caller's that ``own`` and ``named`` have copies of, and the copies."""
    pairs = list(zip(args, own, strict=True))
    if type(f) is functools.partial and hasattr(f, "given"):
        pairs += [(a, f.keywords[name]) for name, a in f.given.items()]
    return [(a, copy) for a, copy in pairs if type(copy) is np.ndarray and copy is not a]


def _own_array(a: Any) -> Any:
    if type(a) is not np.ndarray or type(current(a)) is not np.ndarray:
        return a
    own = a.copy()
    own.flags.writeable = is_writeable(a)
    return own


def checked_pair(f: Callable, value: Any) -> tuple[Any, Any]:
    """The two parts of the result of a program called with ``aux=True``."""
    if type(value) is tuple and len(value) == 2:
        return value
    raise NotScalarError(
        f"aux=True needs a program that returns a pair, its result and anything else; {_name(f)} does not",
        found=f"the result is {described(value)}",
        fix="return (result, anything else), or leave aux out",
    )


def zeros_like(x: Any) -> Any:
    """``x`` with a zero in place of everything in it that can vary, and None in that of all else."""
    return map_leaves(_zero_like, x, other=lambda _: None)


def value_and_gradient(f: Callable, wrt: int | tuple[int, ...] = 0, *, aux: bool = False) -> Callable:
    """The program that returns ``f``'s value and its gradient.

    Args:
        f: a program whose result is one real number, or an array of one.
        wrt: the position, or positions, of the arguments to differentiate by.
        aux: ``f`` returns ``(number, anything else)``, and so the value returned is that pair.
    Returns:
        A function of ``f``'s arguments returning ``(value, gradient)``. The gradient has the structure of the
        argument; a tuple of them if ``wrt`` is a tuple.
    Raises:
        NotScalarError: the result is not one real number.
        NotDifferentiableError: the argument is a whole number, a string, or holds nothing that can vary.
    """
    checked_program(f, "gradient")
    listed(wrt)

    @functools.wraps(f, updated=())
    def program(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        positions = checked_positions(args, wrt)
        for k in positions:
            _check_argument(args[k], k)
        value, back = _pullback(named(f, args, kwargs), args, positions)
        scalar = checked_pair(f, value)[0] if aux else value
        if not isinstance(scalar, float | np.floating) and not (
            isinstance(scalar, np.ndarray) and scalar.size == 1 and scalar.dtype.kind == "f"
        ):
            # a whole number is constant wherever its derivative exists
            if isinstance(scalar, int | np.integer | np.bool_):
                return value, _only(tuple(zeros_like(args[k]) for k in positions), wrt)
            raise NotScalarError(
                f"gradient needs a program whose result is one real number; {_name(f)} returns something else",
                found=f"the result is {described(scalar)}",
                fix="return a number such as a sum, or use pullback (or jacobian) for results with several entries",
            )
        one = np.ones_like(scalar, subok=False) if isinstance(scalar, np.ndarray) else 1.0
        if aux:
            one = one, zeros_like(value[1])
        return value, _only(once(back, one), wrt)

    return program


def _zero_like(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return np.zeros_like(x, subok=False)
    return type(bare_number(plain(x)))(0.0)


def _only(gradients: tuple[Any, ...], wrt: int | tuple[int, ...]) -> Any:
    return gradients if isinstance(wrt, tuple | list) else gradients[0]


def gradient(f: Callable, wrt: int | tuple[int, ...] = 0, *, aux: bool = False) -> Callable:
    """The program that returns the gradient of ``f``; see ``value_and_gradient``.

    With ``aux``, where ``f`` returns ``(number, anything else)``, it returns ``(gradient, anything else)``.
    """
    both = value_and_gradient(f, wrt, aux=aux)

    @functools.wraps(f, updated=())
    def program(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if aux else found

    return program


def _check_argument(argument: Any, position: int) -> None:
    if leaves(argument):
        return
    dtype = getattr(argument, "dtype", None)
    fix = "choose another argument with wrt=…"
    if type(argument).__module__.startswith("torch"):
        fix = "pass x.numpy(force=True), or wrap the program with workbench.torch_function"
    elif type(argument).__module__.startswith("pandas"):
        fix = "pass x.to_numpy(), and make the Series or DataFrame inside of the program"
    elif isinstance(argument, list | tuple | dict):
        fix = "put floats in it, for instance 3.0 instead of 3, or choose another argument with wrt=…"
    elif isinstance(argument, int | np.integer | np.bool_):
        fix = "pass a float, for instance 3.0 instead of 3"
    elif isinstance(argument, np.ndarray) and dtype.kind in "biuO":
        fix = "pass an array of floats, for instance x.astype(float)"
    raise NotDifferentiableError(
        f"argument {position} cannot vary, so there is no gradient by it",
        found=f"got {argument!r:.60} of type {type(argument).__name__}, expected floats or something that holds floats",
        where=f"argument {position}",
        fix=fix,
    )


def _name(f: Any) -> str:
    return getattr(f, "__name__", repr(f))


def stop_gradient(x: Any) -> Any:
    """``x`` itself, but a constant to every derivative around it."""
    return map_leaves(lambda leaf: copied(plain(current(leaf))), x)
