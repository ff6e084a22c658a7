"""Blocks of a program that are recorded in another way than operation by operation: to need less memory.

A block is a function of its arguments. What it got and what it gives is known to the tape, what happens inside is not:
a checkpoint runs it again on the way back, a forward block knows its Jacobian by then.
"""

from __future__ import annotations

import functools
from array import array
from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import beneath, current, own_copy
from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.draws import drawn_again
from workbench.autodiff.dressing import attributes_of, dressed_as, is_subarray, undressed
from workbench.autodiff.given import checked_program
from workbench.autodiff.location import describe, name_of, user_frame
from workbench.autodiff.operations import record
from workbench.autodiff.operators import pushforward, stacked, unit_vectors
from workbench.autodiff.references import FOLLOWED
from workbench.autodiff.registry import INSTANCE_DOORS
from workbench.autodiff.scalars import TRACED, innermost
from workbench.autodiff.structure import is_leaf, leaves, map_leaves
from workbench.autodiff.subarrays import DRESSED, bare_part, class_of
from workbench.autodiff.subnumbers import bare_number
from workbench.autodiff.surroundings import Surroundings, frozen
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.autodiff.tracing import once, traced_pullback
from workbench.autodiff.watch import are_equal
from workbench.errors import NotDifferentiableError


class Block:
    """A function that goes on a tape as one entry."""

    def __init__(self, f: Callable) -> None:
        checked_program(f, "a block")
        self.function = f
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Block:
        """The method of ``instance``, where the block stands in a class."""
        return self if instance is None else type(self)(MethodType(self.function, instance))


class Checkpointed(Block):
    """A program whose insides are computed again on the way back; see ``checkpoint``."""


class ForwardBlock(Block):
    """A program whose Jacobian is computed on the way forward; see ``forward_mode``."""


def checkpoint(f: Callable) -> Checkpointed:
    """``f``, with nothing recorded inside: on the way back it is run again, which costs time and saves memory.

    Args:
        f: a program that changes nothing outside itself and none of its arguments, and that reads no traced value but
            through its arguments. A bound method's object is one of its arguments. Random numbers of NumPy's and
            Python's generators are drawn again as they were.
    Returns:
        The same program. Checkpoints nest. A view of an argument that it returns cannot be written into.
    Raises:
        NotDifferentiableError: when called, if ``f`` changes an array it was given, or works with traced values that
            are not in its arguments; on the way back, if it gives another result than before.
    """
    return Checkpointed(f)


def forward_mode(f: Callable) -> ForwardBlock:
    """``f``, differentiated on the way forward, so that the tape holds its Jacobian instead of its insides.

    For long computations from few numbers to few: the memory does not grow with their length once they are done. The
    Jacobian is found column by column, so the cost grows with the number of entries that vary.

    Args:
        f: as for ``checkpoint``.
    Returns:
        The same program, to be called inside of a program that is differentiated.
    Raises:
        NotDifferentiableError: as for ``checkpoint``.
    """
    return ForwardBlock(f)


# ------------------------------------------------------------------------------------ the doors


class BlockCall:
    """One call of a block: its plain arguments, and which of their leaves the innermost tape knows."""

    def __init__(self, block: Block, args: tuple, kwargs: dict) -> None:
        f = block.function
        if isinstance(f, MethodType):
            f, args = f.__func__, (f.__self__, *args)
        if innermost(*map(current, leaves(kwargs))) is not None:
            f, args, kwargs = (
                functools.partial(_by_name, f, len(args), tuple(kwargs)),
                (*args, *kwargs.values()),
                {},
            )
        self.f = functools.partial(f, **kwargs) if kwargs else f
        self.name = name_of(block)
        self.args = map_leaves(current, args)
        self.tape = innermost(*map(_bare, leaves(self.args)))
        frame = user_frame()
        self.place = None if frame is None else (frame.f_code, frame.f_lasti, frame.f_lineno)

    def _inside(self, leaf: Any) -> bool:
        return type(leaf) in TRACED and leaf.tape is self.tape

    @property
    def operands(self) -> list[Any]:
        return [leaf for leaf in map(_bare, leaves(self.args)) if self._inside(leaf)]

    @property
    def chosen(self) -> list[bool]:
        return [self._inside(leaf) for leaf in map(_bare, leaves(self.args))]

    def values(self) -> tuple:
        """The arguments as the next outer derivative sees them, in memory of their own."""

        def value(leaf: Any) -> Any:
            bare = _bare(leaf)
            seen = beneath(self.tape, own_copy, bare.value if self._inside(bare) else bare)
            return seen if bare is leaf else dressed_as(leaf, seen, _own_attributes(leaf))

        return map_leaves(value, self.args, other=own_copy)

    def run(self, derivative: Callable, values: tuple) -> Any:
        """``derivative(f, *values)``, if ``f`` keeps to what is asked of a block."""
        before = [(tape, len(tape)) for tape in OPEN[self.tape.level :]]
        given = self.given = map_leaves(_copied, values, other=own_copy)
        surroundings = Surroundings(self.f)
        found = surroundings.watched(derivative, self.f, *given)
        self.drawn = surroundings.drawn
        if surroundings.differ():
            raise self.refused("puts a number or an array somewhere outside of itself", "return it as well")
        if any(len(tape) != length for tape, length in before):
            raise self.refused(
                "works with traced values or arrays that are not in its arguments",
                "pass everything that varies as an argument, or as the attribute of the object whose method it is",
            )
        self.check_unchanged(_parts(values), _parts(given))
        if any(isinstance(x, array) and id(x) in surroundings.changed for x in _parts(given)):
            raise self.refused("changes an argument that it was given", "copy it first, and return the copy")
        return found

    def check_unchanged(self, was: list[Any], now: list[Any]) -> None:
        """Check that a block has left the parts of its arguments as they were."""
        if len(was) != len(now) or not all(map(_same, was, now)):
            raise self.refused("changes an argument that it was given", "copy it first, and return the copy")

    def refused(self, what: str, fix: str) -> NotDifferentiableError:
        return NotDifferentiableError(
            f"{self.name} cannot be a block of its own on the tape: it {what}",
            found="the gradient would be silently wrong",
            where=self.place and describe(*self.place),
            fix=fix,
        )

    def check_repeats(self, first: Any, again: Any) -> None:
        """Check that a block gave the same result when it was run again, to half of the digits.

        Raises:
            NotDifferentiableError: it did not.
        """
        pairs = [[plain(leaf) for leaf in leaves(x)] for x in (first, again)]
        if len(pairs[0]) != len(pairs[1]) or not (all(map(_same, *pairs)) or _close(*pairs)):
            raise self.refused(
                "gave another result when it was run again on the way back",
                "let it depend on its arguments alone: an iterator, a counter, or something outside that the program"
                " has changed since is another one by then",
            )

    def record(self, result: Any, block_pullback: Callable) -> Any:
        """Put the call on the tape. ``block_pullback`` goes from cotangents of the result's leaves to the operands'."""
        given = [bare_number(undressed(leaf)) for leaf in leaves(result)]
        for leaf in given:
            if type(seen := current(leaf)) in TRACED and seen.tape.level >= self.tape.level:
                raise self.refused(
                    "returns a traced value that is not in its arguments", "pass it as an argument"
                )
        outputs = record(self.tape, self.operands, tuple(given), block_pullback)
        seen = iter(map(self._seen_outside, leaves(result), given, outputs))
        return map_leaves(lambda _: next(seen), result)

    def _seen_outside(self, leaf: Any, bare: Any, output: Any) -> Any:
        """An output as the program gets it: an argument that comes back is itself, a view of one cannot be changed."""
        array = getattr(bare, "array", bare)
        outside = output if bare is leaf else dressed_as(leaf, output, attributes_of(leaf))
        if not isinstance(array, np.ndarray):
            return outside
        for argument, inside in zip(leaves(self.args), leaves(self.given), strict=True):
            whole = plain(undressed(inside))
            if isinstance(whole, np.ndarray) and np.may_share_memory(array, whole):
                same = class_of(leaf) is class_of(inside)
                if same and array.__array_interface__ == whole.__array_interface__:
                    return argument
                getattr(output, "array", output).flags.writeable = False
        return outside


def _bare(leaf: Any) -> Any:
    """A traced value of a class without its class; anything else as it is."""
    return current(bare_part(leaf)) if type(leaf) in DRESSED else leaf


def _own_attributes(x: Any) -> dict[str, Any]:
    """The attributes of a value of a class, arrays among them, such as a mask, in memory of their own."""
    return {name: own_copy(v) if type(v) is np.ndarray else v for name, v in attributes_of(x).items()}


def _copied(x: Any) -> Any:
    """``own_copy``, which keeps the attributes of an array of a subclass."""
    return dressed_as(x, own_copy(undressed(x)), _own_attributes(x)) if is_subarray(x) else own_copy(x)


def _by_name(f: Callable, n: int, names: tuple[str, ...], *args: Any) -> Any:
    """``f`` with its last arguments given by name."""
    return resolve(f)(*args[:n], **dict(zip(names, args[n:], strict=True)))


def _parts(x: Any) -> list[Any]:
    """Everything in an argument that is no container, in a fixed order: what varies, and what does not."""
    found: list[Any] = []

    def part(one: Any) -> Any:
        if type(one) not in FOLLOWED:
            found.append(one)
        if is_subarray(one):
            found.extend(value for value in attributes_of(one).values() if isinstance(value, np.ndarray))
        return one

    map_leaves(part, x, other=part)
    return found


def _same(a: Any, b: Any) -> bool:
    if a is b or (type(a) is float and a == b):
        return True
    if is_leaf(a) or isinstance(a, np.ndarray):
        return are_equal(plain(a), plain(b))
    return type(a) is type(b) and bool(a == b)


def _close(xs: list[Any], ys: list[Any]) -> bool:
    """Whether two results are the same to half of their digits, counted from the largest number among them."""
    size = max(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)) for x in xs)
    most = [size * np.sqrt(np.finfo(np.result_type(x)).eps) for x in xs]
    return all(
        np.shape(x) == np.shape(y) and np.allclose(x, y, rtol=0.0, atol=tolerance, equal_nan=True)
        for x, y, tolerance in zip(xs, ys, most, strict=True)
    )


def _checkpoint_door(checkpointed: Checkpointed) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        made = BlockCall(checkpointed, args, kwargs)
        if made.tape is None:
            return resolve(checkpointed.function)(*args, **kwargs)
        values, chosen, f = made.values(), made.chosen, frozen(made.f)
        result, unused = made.run(functools.partial(traced_pullback, wrt=()), values)
        unused.forget()

        def checkpoint_pullback(bars: Any) -> list[Any]:
            with drawn_again(made.drawn):
                again, back = pullback(f, *map_leaves(_copied, values, other=own_copy))
            made.check_repeats(result, again)
            entries = iter(bars)
            found = leaves(once(back, map_leaves(lambda _: next(entries), again, other=lambda _: None)))
            return [bar for bar, on in zip(found, chosen, strict=True) if on]

        return made.record(result, checkpoint_pullback)

    return call


def _forward_door(block: ForwardBlock) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        made = BlockCall(block, args, kwargs)
        if made.tape is None:
            return resolve(block.function)(*args, **kwargs)
        if any(np.iscomplexobj(getattr(leaf, "array", leaf)) for leaf in made.operands):
            raise made.refused("gets a complex number, which has two directions", "use checkpoint instead")
        result, columns = made.run(functools.partial(_columns, made), made.values())
        shapes = [np.shape(getattr(leaf, "array", 0.0)) for leaf in made.operands]

        def forward_pullback(bars: Any) -> list[Any]:
            return [
                stacked([_inner(bars, tangent) for tangent in part], shape)
                for part, shape in zip(columns, shapes, strict=True)
            ]

        return made.record(result, forward_pullback)

    return call


def _columns(made: BlockCall, f: Callable, *args: Any) -> tuple[Any, list[list[list[Any]]]]:
    """The value, and for each chosen leaf of the arguments the tangents of the result along its unit vectors."""
    value, push = pushforward(functools.partial(_unchanging, made, f), *args)
    shapes = [
        np.shape(getattr(leaf, "array", leaf)) if type(leaf) is not float else () for leaf in leaves(args)
    ]
    zeros = [np.zeros(shape) if shape else 0.0 for shape in shapes]
    found = []
    for k in [k for k, on in enumerate(made.chosen) if on]:
        part = []
        for direction in unit_vectors(shapes[k]):
            entries = iter([*zeros[:k], direction, *zeros[k + 1 :]])
            part.append(leaves(push(*map_leaves(lambda _, e=entries: next(e), args))))
        found.append(part)
    return value, found


def _unchanging(made: BlockCall, f: Callable, *args: Any) -> Any:
    """``f(*args)``, which must not change its arguments."""
    was = [_copied(plain(part)) for part in _parts(args)]
    found = resolve(f)(*args)
    made.check_unchanged(was, [plain(current(part)) for part in _parts(args)])
    return found


def _inner(bars: Any, tangent: list[Any]) -> Any:
    """⟨y_bar, y_dot⟩ over all leaves of a result; a cotangent that is exactly zero goes no further."""
    total: Any = 0.0
    for bar, dot in zip(bars, tangent, strict=True):
        if type(bar) not in TRACED and not np.all(bar):
            dot = resolve(np.where)(np.not_equal(bar, 0.0), dot, 0.0)
        product = bar * dot
        total = total + (product if type(product) is float else resolve(np.sum)(product))
    return total


INSTANCE_DOORS[Checkpointed] = _checkpoint_door
INSTANCE_DOORS[ForwardBlock] = _forward_door
