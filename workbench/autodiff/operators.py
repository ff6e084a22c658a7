"""Made from the pullback: Jacobians, Hessians, the pushforward; and ways to steer a derivative from inside."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import beneath, current, own_copy
from workbench.autodiff.derivatives import (
    checked_pair,
    copied_arrays,
    gradient,
    named,
    pullback,
    with_own_arrays,
)
from workbench.autodiff.given import (
    checked_position,
    checked_positions,
    checked_program,
    described,
    fitted,
    hidden_in,
    one_for_each_place,
)
from workbench.autodiff.location import name_of
from workbench.autodiff.operations import record
from workbench.autodiff.registry import INSTANCE_DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.sharing import checked_sharing
from workbench.autodiff.structure import leaves, map_leaves
from workbench.autodiff.subnumbers import bare_number
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.autodiff.tiers import native_curvature, native_pushforward
from workbench.autodiff.tracing import TracedPullback, once, traced_pullback
from workbench.errors import NotDifferentiableError, NotScalarError, OptionError


def pushforward(
    f: Callable, *args: Any, wrt: int | tuple[int, ...] | None = None, aux: bool = False, **kwargs: Any
) -> tuple[Any, ...]:
    """The value of ``f(*args, **kwargs)`` and its pushforward, which can be called again and again.

    x_dot ↦ J x_dot, also called the Jacobian–vector product.

    Args:
        f: any Python callable, as for ``pullback``.
        args: what to differentiate at.
        wrt: positions of the arguments to differentiate by; all by default.
        aux: ``f`` returns ``(y, anything else)``, and only ``y`` is differentiated.
        kwargs: arguments by name, as for ``pullback``.
    Returns:
        ``(y, push)``, with ``aux`` ``(y, push, anything else)``. ``push(*x_dots)`` takes a tangent for each argument of
        ``wrt``, of its structure, and returns the tangent of ``y``.
    Raises:
        NotDifferentiableError: another number of tangents than of arguments to differentiate by.
        NotScalarError: a tangent has another structure or shape, or two for elements that share memory differ; or the
            result holds numbers that vary where they are not looked for, as in a set or an iterator.
    """
    checked_program(f, "pushforward")
    positions = checked_positions(args, wrt)
    y, push, *extra = pushed(named(f, args, kwargs), args, positions, aux=aux)

    def checked(*x_dots: Any) -> Any:
        if len(x_dots) != len(positions):
            raise NotDifferentiableError(
                "the pushforward needs one tangent for each argument",
                found=f"got {len(x_dots)} tangents, expected {len(positions)}",
                where="x_dots",
                fix="pass a tangent of zeros for an argument that stays, or choose arguments with wrt=…",
            )
        numbered = enumerate(zip(positions, x_dots, strict=True))
        return push(*(_tangent(args[k], x_dot, f"tangent {i}") for i, (k, x_dot) in numbered))

    return y, checked, *extra


def pushed(f: Callable, args: tuple, positions: tuple[int, ...], *, aux: bool = False) -> tuple[Any, ...]:
    """``pushforward`` for tangents that are known to fit, one for each place of an argument."""
    f, own = checked_sharing(f, args), with_own_arrays(args, positions)
    found = (
        native_pushforward(f, own, _traced_pushforward, given=args)
        if positions == (*range(len(own)),)
        else None
    )
    value, push = found or _traced_pushforward(f, *own, wrt=positions, copied=copied_arrays(f, args, own))
    y, *extra = checked_pair(f, value) if aux else (value,)
    if hidden := hidden_in(y, getattr(push, "hidden", {})):
        raise NotScalarError(
            f"no tangent belongs to a {type(hidden[0]).__name__}: numbers in it are not looked for",
            found=f"it stands in the result, {described(y)}, and holds numbers that vary",
            fix="let the program return numbers, arrays, or lists, dicts and objects that hold them, or return it"
            " beside the result, with aux=True",
        )
    return y, (lambda *x_dots: push(*x_dots)[0]) if aux else push, *extra


def _traced_pushforward(f: Callable, *args: Any, **options: Any) -> tuple[Any, Callable]:
    value, back = traced_pullback(f, *args, **options)
    push = transposed(back, value)
    push.hidden = back.hidden
    return value, push


def transposed(back: Callable, value: Any) -> Callable:
    """The pushforward of a run whose pullback is known, ``value`` being its result.

    By the pullback of the pullback: x_bar = Jᵀ y_bar is linear in y_bar, so its own pullback is J.
    """
    # any point will do, since back is linear; at ones, what adds up to zero would not be sent on
    rng = np.random.default_rng(0)
    anywhere = map_leaves(lambda y: _anywhere(rng, plain(y)), value, other=lambda _: None)
    made: list[Any] = []  # the open tapes, and the pullback of the pullback as they see it

    def push(*x_dots: Any) -> Any:
        if not made or made[0] != OPEN[:]:
            made[:] = OPEN[:], traced_pullback(back, anywhere)[1]
        return made[1](tuple(x_dots))[0]

    return push


def _tangent(x: Any, x_dot: Any, where: str) -> Any:
    """A tangent in the structure of ``x``."""
    dots = iter(one_for_each_place(leaves(x), fitted(x, x_dot, "tangent", where), where))
    return map_leaves(lambda _: next(dots), x, other=lambda _: None)


def _anywhere(rng: np.random.Generator, y: Any) -> Any:
    """Numbers between 1 and 2, of the kind of ``y``, that do not cancel in any sum a pullback takes."""
    drawn = rng.uniform(1.0, 2.0, np.shape(y))
    return drawn.astype(y.dtype) if isinstance(y, np.ndarray) else type(bare_number(y))(drawn)


def jacobian(f: Callable, wrt: int = 0, *, mode: str | None = None, aux: bool = False) -> Callable:
    """The program that returns the Jacobian of ``f`` by one argument.

    ∂y_i/∂x_j, with the axes of y first.

    Args:
        f: a program from numbers or arrays to a real number or array.
        wrt: the position of the argument.
        mode: "reverse", row by row with the pullback; "forward", column by column with the pushforward; by default
            forward where y has more entries than x.
        aux: ``f`` returns ``(y, anything else)``.
    Returns:
        A function of ``f``'s arguments returning an array of shape ``y.shape + x.shape`` (a number for numbers); with
        ``aux`` the pair of it and of anything else.
    Raises:
        NotDifferentiableError: the argument or the result is not one real number or array.
        OptionError: another mode.
    """
    checked_program(f, "jacobian")
    if mode not in (None, "forward", "reverse"):
        raise OptionError(
            f"there is no mode {mode!r} of jacobian",
            found=f"got mode={mode!r}",
            where="mode",
            fix="choose 'forward' or 'reverse', or leave it out",
        )

    @functools.wraps(f, updated=())
    def program(*args: Any, **kwargs: Any) -> Any:
        whole = named(f, args, kwargs)
        k = checked_position(args, wrt)
        _check_real("jacobian", "argument", args[k])
        shape_x = np.shape(plain(args[k]))
        extra: list[Any] = []
        if mode == "forward":
            y, push, *extra = pushed(whole, args, (k,), aux=aux)
        else:
            y, back, *extra = pullback(whole, *args, wrt=k, aux=aux)
        _check_real("jacobian", "result", y)
        by_rows = mode == "reverse" or (mode is None and np.size(plain(y)) <= np.size(plain(args[k])))
        if mode is None and not by_rows:
            # generated code may run again, and is quicker so; a traced program may have used up what it was given
            generated = type(back) is not TracedPullback and not aux
            push = pushed(whole, args, (k,))[1] if generated else transposed(back, y)
        shape_y = np.shape(plain(y))
        if not leaves(y):  # whole numbers
            found = np.zeros(shape_y + shape_x)[()]
        elif by_rows:
            found = stacked([back(direction)[0] for direction in unit_vectors(shape_y)], shape_y + shape_x)
        else:
            found = stacked([push(direction) for direction in unit_vectors(shape_x)], shape_x + shape_y)
            found = np.moveaxis(found, range(len(shape_x)), range(-len(shape_x), 0)) if shape_x else found
        return (found, *extra) if aux else found

    return program


def _check_real(operator: str, what: str, thing: Any) -> None:
    seen = plain(thing)
    # tables of pandas and sparse matrices have a dtype too
    kind = np.asarray(seen).dtype.kind if isinstance(seen, int | float | np.generic | np.ndarray) else "O"
    if kind == "f" or (what == "result" and kind in "iub"):
        return
    whole = kind in "iub"
    raise NotDifferentiableError(
        f"{operator} needs one real number or array as {what}",
        found=f"got {type(thing).__name__}" + (f" of {thing.dtype}" if isinstance(thing, np.ndarray) else ""),
        fix="pass floats, for instance x.astype(float) or 3.0 instead of 3"
        if whole
        else ("make one of it with numpy.array, or " if kind == "O" else "")
        + f"use {'pullback' if operator == 'jacobian' else 'hessian_vector_product'} for structures"
        " and for complex numbers",
    )


def unit_vectors(shape: tuple[int, ...], kind: type = float) -> Any:
    """The unit vectors of a space of arrays; the number 1 for numbers."""
    if not shape:
        yield 1.0
        return
    for place in np.ndindex(*shape):
        direction = np.zeros(shape, kind)
        direction[place] = 1.0
        yield direction


def stacked(parts: list[Any], shape: tuple[int, ...]) -> Any:
    if not parts:
        return np.zeros(shape)
    return np.reshape(np.stack(parts), shape) if shape else parts[0]


def hessian(f: Callable, wrt: int = 0) -> Callable:
    """The program that returns the matrix of second derivatives of ``f``, of shape ``x.shape + x.shape``."""
    traced = jacobian(gradient(f, wrt), wrt)

    @functools.wraps(f, updated=())
    def program(*args: Any, **kwargs: Any) -> Any:
        _check_real("hessian", "argument", args[checked_position(args, wrt)])
        rows = _native_rows(named(f, args, kwargs), args, wrt)
        return traced(*args, **kwargs) if rows is None else stacked(rows, 2 * np.shape(args[wrt]))

    return program


def _native_rows(f: Callable, args: tuple, wrt: int) -> list[Any] | None:
    """The rows of the Hessian by an argument that is a float or an array, by generated code where it takes them all."""
    if not 0 <= wrt < len(args) or not isinstance(args[wrt], float | np.ndarray):
        return None
    product = native_curvature(f, args, wrt)
    if product is None:
        return None
    rows = []
    for direction in unit_vectors(np.shape(args[wrt])):
        rows.append(product(direction))
        if rows[-1] is None:
            return None
    return rows


def hessian_vector_product(f: Callable) -> Callable:
    """The program ``(x, direction) ↦ H direction``, at the cost of a few gradients; ``x`` may be any structure."""
    checked_program(f, "hessian_vector_product")

    @functools.wraps(f, updated=())
    def program(x: Any, direction: Any) -> Any:
        direction = _tangent(x, direction, "direction")
        product = native_curvature(f, (x,), 0)
        found = None if product is None else product(direction)
        if found is not None:
            return found
        return once(pullback(gradient(f), x)[1], direction)[0]

    return program


def diagonal_hessian(f: Callable, wrt: int = 0) -> Callable:
    """The program that returns the diagonal of the Hessian of ``f`` by a number or an array, of its shape."""
    checked_program(f, "diagonal_hessian")

    @functools.wraps(f, updated=())
    def program(*args: Any, **kwargs: Any) -> Any:
        k = checked_position(args, wrt)
        _check_real("diagonal_hessian", "argument", args[k])
        whole = named(f, args, kwargs)
        x = plain(args[k])
        shape, kind = np.shape(x), getattr(x, "dtype", np.dtype(float)).type
        rows = _native_rows(whole, args, k)
        units = list(unit_vectors(shape, kind))
        if rows is not None:
            return stacked([np.sum(row * e) for row, e in zip(rows, units, strict=True)], shape)
        _, back = pullback(gradient(whole, k), *args, wrt=k)
        return stacked([np.sum(back(direction)[0] * direction) for direction in units], shape)

    return program


# ------------------------------------------------------------------------------------ from inside a program


def is_differentiating() -> bool:
    """Whether a program is being differentiated at this moment."""
    return bool(OPEN)


class _Hook:
    def __call__(self, f: Callable, x: Any) -> Any:
        return x


def _hook_door(_: _Hook) -> Callable:
    def call(f: Callable, x: Any) -> Any:
        def leaf(part: Any) -> Any:
            part = current(part)
            if type(part) not in TRACED:
                return part
            value = beneath(part.tape, own_copy, part.value)
            return record(part.tape, [part], value, lambda bar: [_replaced(f, bar)])

        return map_leaves(leaf, x)

    return call


def _replaced(f: Callable, bar: Any) -> Any:
    """What a hook makes of a cotangent."""
    found = f(bar)
    return bar if found is None else fitted(bar, found, where=f"what the hook {name_of(f)} returns")[0]


INSTANCE_DOORS[_Hook] = _hook_door
_hook = _Hook()


def hook(f: Callable, x: Any) -> Any:
    """``x`` itself; on the way back ``f`` is called with its cotangent, and what ``f`` returns goes on.

    Use it to look at a cotangent (``hook(seen.append, x)``), to clip or to replace it.

    Args:
        f: gets the cotangent of a number or an array, and returns one of the same shape; with None it stays as it is.
        x: a number, an array, or any structure of them, for each of which ``f`` is called.
    Raises:
        NotScalarError: on the way back, ``f`` returns something of another shape.
    """
    if not callable(f):
        raise NotDifferentiableError(
            "a hook is a function of a cotangent",
            found=f"got {plain(f)!r:.40} of type {type(plain(f)).__name__}",
            where="the first argument of hook",
            fix="pass the function first, as in hook(seen.append, x)",
        )
    return _hook_door(_hook)(f, x) if OPEN else x
