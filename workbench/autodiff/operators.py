"""Made from the pullback: Jacobians, Hessians, the pushforward; and ways to steer a derivative from inside."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current, record
from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import gradient, pullback, traced_pullback
from workbench.autodiff.registry import INSTANCE_DOORS
from workbench.autodiff.scalars import TRACED, innermost
from workbench.autodiff.structure import leaves, map_leaves
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.autodiff.tiers import native_pushforward
from workbench.errors import NotDifferentiableError


def pushforward(f: Callable, *args: Any) -> tuple[Any, Callable]:
    """The value of ``f(*args)`` and its pushforward, which can be called again and again.

    x_dot ↦ J x_dot, also called the Jacobian–vector product. It is the pullback of the pullback: x_bar = Jᵀ y_bar is
    linear in y_bar, so its own pullback is J.

    Args:
        f: any Python callable, as for ``pullback``.
        args: what to differentiate at.
    Returns:
        ``(y, push)``. ``push(*x_dots)`` takes a tangent for each argument, of its structure, and returns the tangent of
        ``y``.
    """
    value, push = native_pushforward(f, args, _traced_pushforward) or _traced_pushforward(f, *args)

    def checked(*x_dots: Any) -> Any:
        if len(x_dots) != len(args):
            raise NotDifferentiableError(
                "the pushforward needs one tangent for each argument",
                found=f"got {len(x_dots)} tangents, expected {len(args)}",
                where="x_dots",
                fix="pass a tangent of zeros for an argument that stays",
            )
        return push(*x_dots)

    return value, checked


def _traced_pushforward(f: Callable, *args: Any) -> tuple[Any, Callable]:
    value, back = traced_pullback(f, *args)
    # any point will do, since back is linear; ones keep clear of what rules do about cotangents that are zero
    anywhere = map_leaves(_one_like, value)

    def push(*x_dots: Any) -> Any:
        _, transposed = traced_pullback(back, anywhere)
        return transposed(tuple(x_dots))[0]

    return value, push


def _one_like(y: Any) -> Any:
    y = plain(y)
    return np.ones_like(y) if isinstance(y, np.ndarray) else type(y)(1.0)


def jacobian(f: Callable, wrt: int = 0) -> Callable:
    """The program that returns the Jacobian of ``f`` by one argument.

    ∂y_i/∂x_j, with the axes of y first. Row by row with the pullback, or column by column with the pushforward where
    y has more entries than x.

    Args:
        f: a program from numbers or arrays to a real number or array.
        wrt: the position of the argument.
    Returns:
        A function returning an array of shape ``y.shape + x.shape`` (a number for numbers).
    Raises:
        NotDifferentiableError: the argument or the result is not one real number or array.
    """

    @functools.wraps(f, updated=())
    def program(*args: Any) -> Any:
        k = wrt % len(args)

        def of_one(x: Any) -> Any:
            return resolve(f)(*args[:k], x, *args[k + 1 :])

        x = args[k]
        y, back = pullback(of_one, x)
        for what, thing in (("argument", x), ("result", y)):
            if not isinstance(thing, float | np.ndarray) or np.iscomplexobj(plain(thing)):
                raise NotDifferentiableError(
                    f"jacobian needs one real number or array as {what}",
                    found=f"got {type(thing).__name__}",
                    fix="use pullback for structures and for complex numbers",
                )
        shape_x, shape_y = np.shape(plain(x)), np.shape(plain(y))
        if np.size(plain(y)) <= np.size(plain(x)):
            rows = [back(direction)[0] for direction in _basis(shape_y)]
            return _stacked(rows, shape_y + shape_x)
        _, push = pushforward(of_one, x)
        columns = [push(direction) for direction in _basis(shape_x)]
        return np.moveaxis(_stacked(columns, shape_x + shape_y), range(len(shape_x)), range(-len(shape_x), 0))

    return program


def _basis(shape: tuple[int, ...]) -> Any:
    """The unit vectors of a space of arrays; the number 1 for numbers."""
    if not shape:
        yield 1.0
        return
    for place in np.ndindex(*shape):
        direction = np.zeros(shape)
        direction[place] = 1.0
        yield direction


def _stacked(parts: list[Any], shape: tuple[int, ...]) -> Any:
    return np.reshape(np.stack(parts), shape) if shape else parts[0]


def hessian(f: Callable, wrt: int = 0) -> Callable:
    """The program that returns the matrix of second derivatives of ``f``, of shape ``x.shape + x.shape``."""
    return jacobian(gradient(f, wrt), wrt)


def hessian_vector_product(f: Callable) -> Callable:
    """The program ``(x, direction) ↦ H direction``, at the cost of a few gradients; ``x`` may be any structure."""

    @functools.wraps(f, updated=())
    def program(x: Any, direction: Any) -> Any:
        return pullback(gradient(f), x)[1](direction)[0]

    return program


def diagonal_hessian(f: Callable) -> Callable:
    """The program that returns the diagonal of the Hessian by a number or an array, of its shape."""

    @functools.wraps(f, updated=())
    def program(x: Any) -> Any:
        _, back = pullback(gradient(f), x)
        shape = np.shape(plain(x))
        diagonal = [np.sum(back(direction)[0] * direction) for direction in _basis(shape)]
        return _stacked(diagonal, shape)

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
            value = part.value
            value = value.copy() if isinstance(value, np.ndarray) else value
            return record(part.tape, [part], value, lambda bar: [f(bar)])

        return map_leaves(leaf, x)

    return call


INSTANCE_DOORS[_Hook] = _hook_door
_hook = _Hook()


def hook(f: Callable, x: Any) -> Any:
    """``x`` itself; on the way back ``f`` is called with its cotangent, and what ``f`` returns goes on.

    Use it to look at a cotangent (``hook(seen.append …)``), to clip or to replace it.
    """
    return _hook_door(_hook)(f, x) if OPEN else x


class Checkpointed:
    """A program whose insides are computed again on the way back; see ``checkpoint``."""

    def __init__(self, f: Callable) -> None:
        self.function = f
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


def checkpoint(f: Callable) -> Checkpointed:
    """``f``, with nothing recorded inside: on the way back it is run again, which costs time and saves memory.

    Args:
        f: a program that changes nothing outside itself and none of its arguments, and that reads no traced value but
            through its arguments.
    Returns:
        The same program. Checkpoints nest.
    """
    return Checkpointed(f)


def _checkpoint_door(checkpointed: Checkpointed) -> Callable:
    f = checkpointed.function

    def call(*args: Any) -> Any:
        args = map_leaves(current, args)
        traced = [leaf for leaf in leaves(args) if type(leaf) in TRACED]
        tape = innermost(*traced)
        if tape is None:
            return checkpointed(*args)
        operands = [leaf for leaf in traced if leaf.tape is tape]

        def value_of(leaf: Any) -> Any:
            return leaf.value if type(leaf) in TRACED and leaf.tape is tape else leaf

        values = map_leaves(lambda leaf: _kept(value_of(leaf)), args)
        result, _ = pullback(f, *map_leaves(_kept, values), wrt=())
        flat = tuple(leaves(result))
        chosen = [type(leaf) in TRACED and leaf.tape is tape for leaf in leaves(args)]

        def checkpoint_pullback(bars: Any) -> list[Any]:
            again, back = pullback(f, *values)
            entries = iter(bars)
            found = leaves(back(map_leaves(lambda _: next(entries), again)))
            return [bar for bar, needed in zip(found, chosen, strict=True) if needed]

        outputs = iter(record(tape, operands, flat, checkpoint_pullback))
        return map_leaves(lambda _: next(outputs), result)

    return call


def _kept(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


INSTANCE_DOORS[Checkpointed] = _checkpoint_door
