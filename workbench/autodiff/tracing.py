"""A program traced, and the way back over its tape.

The arguments that it is differentiated by are copied onto the tape; what the program returns is known there, and a
cotangent of that goes back to them.
"""

from __future__ import annotations

import operator
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import (
    TracedArray,
    address_of,
    as_number,
    complex_number,
    current,
    is_complex_number,
    is_writeable,
    memory_of,
    owner_of,
    stored_by,
)
from workbench.autodiff.calls import resolve
from workbench.autodiff.cotangents import accumulate
from workbench.autodiff.dressing import as_plain, is_subarray, undressed
from workbench.autodiff.equals import check_equals
from workbench.autodiff.given import Hidden, checked_bars
from workbench.autodiff.met import BUILT_IN
from workbench.autodiff.other_names import check_contents, contents, give
from workbench.autodiff.references import Parts, hides_traced
from workbench.autodiff.registry import number_in
from workbench.autodiff.scalars import COMPLEX, TRACED, TracedFloat, recorded, strip
from workbench.autodiff.settling import settle_all, settle_error, settle_in_place, settled
from workbench.autodiff.structure import leaves, map_leaves, own_names
from workbench.autodiff.subarrays import (
    DRESSED,
    TracedSubarray,
    TracedSubnumber,
    bare_part,
    class_of,
    own_part,
)
from workbench.autodiff.subnumbers import bare_number
from workbench.autodiff.tape import OPEN, Tape, recording, sweep_back
from workbench.autodiff.telling import plain
from workbench.autodiff.text import bare
from workbench.errors import NotDifferentiableError


def traced_pullback(
    f: Callable, *args: Any, wrt: tuple[int, ...] | None = None, copied: Iterable[tuple[Any, Any]] = ()
) -> tuple[Any, Callable]:
    """``pullback`` by the trace tier; ``copied`` are arrays of the caller's, and what the program has for them."""
    positions = tuple(range(len(args))) if wrt is None else wrt
    tape = None
    try:
        with recording() as tape:
            for original, copy in copied:
                give(tape, original, owner_of(original), copy)
            traced, held = list(args), []
            for k in positions:
                traced[k], containers = _trace(tape, args[k])
                held += contents(containers)
            # copies, since the program may change its containers
            inputs = [map_leaves(_bare, traced[k]) for k in positions]
            result = resolve(f)(*traced)
            hiding: Hidden = {}

            def part(x: Any) -> Any:
                x = number_in(x)
                if hides_traced(x):
                    hiding[id(x)] = x
                return x

            result = map_leaves(current, result, other=part)
            check_contents(held)
    except Exception as error:
        settle_error(error)
        raise
    finally:
        settle_all(tape, f)
    hidden: Hidden = {}

    def plain_part(x: Any) -> Any:
        new = settled(bare(x))
        if id(x) in hiding:
            hidden[id(new)] = new
        return new

    value = map_leaves(_value_of(tape), result, other=plain_part)
    for k, argument in enumerate(args):
        if k not in positions:
            settle_in_place(argument)

    if tape.equals:
        check_equals(tape)
    return value, TracedPullback(tape, inputs, map_leaves(_bare, result), value, hidden)


def _bare(x: Any) -> Any:
    return bare_part(x) if type(x) in DRESSED else x


class TracedPullback:
    """The way back over one tape.

    Attributes:
        tape: what the program did.
        inputs: the arguments differentiated by, as the program got them.
        result: what the program returned, traced.
        value: the same, plain.
        hidden: what in ``value`` hides numbers that vary, for which there is no cotangent.
    """

    def __init__(self, tape: Tape, inputs: list[Any], result: Any, value: Any, hidden: Hidden) -> None:
        self.tape, self.inputs, self.result, self.value, self.hidden = tape, inputs, result, value, hidden
        self.sums: list[tuple[np.ndarray, int]] = []

    def seal(self) -> None:
        """Remember what the arrays hold that the program used as constants; the way back reads them again."""
        arrays = [memory.owner for memory in self.tape.memories.values() if not memory.active]
        self.sums = [(a, _checksum(a)) for a in arrays if not a.dtype.hasobject and a.dtype.kind != "T"]

    def __call__(self, y_bar: Any = None) -> tuple[Any, ...]:
        tape = self.tape
        with tape.lock:
            if any(_checksum(array) != before for array, before in self.sums):
                raise NotDifferentiableError(
                    "an array that the program reads from outside has been changed since it ran",
                    found="its pullback reads the array again",
                    fix="call the pullback before the array is changed, or hand the array over as an argument",
                )
            self.seed(y_bar)
            sweep_back(tape)
            found = tuple(map_leaves(_cotangent_of(), x, other=lambda x: None) for x in self.inputs)
            for memory in tape.memories.values():
                memory.store = None
            return found

    def seed(self, y_bar: Any) -> None:
        """Put the cotangent of the result on the tape, and nothing else."""
        for memory in self.tape.memories.values():
            memory.store = None
        bars = checked_bars(self.value, y_bar, self.hidden)
        for x, bar in zip(leaves(self.result), bars, strict=True):
            if type(x) in TRACED and x.tape is self.tape:
                accumulate(x, bar)

    def forget(self) -> None:
        """Give the memory back at once: a tape is full of cycles, and the garbage collector would let it wait."""
        self.tape.clear()
        self.tape.memories.clear()
        self.tape.writes.clear()


def _checksum(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8))


def once(back: Callable, y_bar: Any) -> tuple[Any, ...]:
    """``back(y_bar)`` for a pullback that nobody will call again."""
    found = back(y_bar)
    if type(back) is TracedPullback:
        back.forget()
    return found


def _trace(tape: Tape, argument: Any) -> tuple[Any, list[Any]]:
    """A copy of ``argument`` whose leaves are leaves of ``tape``, and the containers that have been copied.

    Arrays that share memory go on sharing it.
    """
    copies: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    traced = [x for x in map(current, leaves(argument)) if type(x) is TracedArray] if len(OPEN) > 1 else []
    owners = Counter(id(owner_of(x.array)) for x in traced)

    parts = Parts()

    def leaf(x: Any) -> Any:
        x = current(parts.leaf(x))
        if isinstance(x, np.ndarray) or type(x) is TracedArray:
            alone = type(x) is TracedArray and (
                owners[id(owner_of(x.array))] == 1 or is_complex_number(x.array)
            )
            return _traced_array(tape, x, copies, alone)
        if not _has_own_methods(x):
            return _traced_number(tape, x)
        own = _constant_attributes(x)
        return TracedSubnumber(_traced_number(tape, bare_number(x)), class_of(x), own)

    made = map_leaves(leaf, argument, other=parts.other, copied=parts.copied)
    parts.check(leaves)
    return made, [held for held, _ in parts.copied.values()]


def _traced_number(tape: Tape, x: Any) -> Any:
    if isinstance(x, COMPLEX):
        number = complex_number(x)
        return TracedArray(number, memory_of(tape, number, active=True))
    return recorded(x, tape)


def _has_own_methods(x: Any) -> bool:
    """Whether ``x`` is a number of a user's class with methods."""
    kind = type(x)
    if kind in TRACED or kind.__flags__ & BUILT_IN:
        return False
    return kind in DRESSED or any(
        type(member) is FunctionType for cls in kind.__mro__ for member in vars(cls).values()
    )


def _constant_attributes(x: Any) -> dict[str, Any]:
    """The attributes of a number of a user's class.

    Raises:
        NotDifferentiableError: one of them holds floats, which may be the same number.
    """
    own = own_part(x) if type(x) in DRESSED else {name: getattr(x, name) for name in own_names(x)}
    for name, value in own.items():
        if leaves(value):
            raise NotDifferentiableError(
                f"a number of the class {class_of(x).__name__} with the attribute {name!r} cannot be varied",
                found="the attribute holds floats of its own, which may be the same number",
                fix=f"differentiate by float(x), and make the {class_of(x).__name__} in the program",
            )
    return dict(own)


def _traced_array(
    tape: Tape, x: Any, copies: dict[int, tuple[np.ndarray, np.ndarray]], alone: bool
) -> TracedArray:
    """A copy of ``x``; ``alone`` says that no other array of its argument shares its memory."""
    if type(x) is TracedArray and alone:  # an outer derivative must know of the copy
        copy = operator.pos if is_complex_number(x.array) else resolve(np.array)
        array = copy(x).array
        give(tape, x.array, owner_of(x.array), array)
        array.flags.writeable = x.array.flags.writeable
        return TracedArray(array, memory_of(tape, array, active=True))
    if type(x) is TracedArray:
        x = x.array
    if is_subarray(x):
        return _traced_subarray(tape, x, copies)
    if type(x) is not np.ndarray:
        if type(x) not in (np.memmap, np.recarray):
            raise NotDifferentiableError(
                f"an array of the subclass {type(x).__name__} cannot be differentiated by",
                found=f"got {x!r:.60}, expected numpy.ndarray",
                fix=f"pass numpy.asarray(x): what {type(x).__name__} adds to arrays is not followed",
            )
        array = np.array(x)
    else:
        array = _in_copy(tape, x, copies)
    memory = memory_of(tape, array, active=True)
    if not is_writeable(x) and not is_complex_number(x):  # nor can the program write into its copy
        array = array.view()
        array.flags.writeable = False
    return TracedArray(array, memory)


def _in_copy(tape: Tape, x: np.ndarray, copies: dict[int, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """What ``x`` is in a copy of the memory that it lies in."""
    owner = owner_of(x)
    if id(owner) not in copies:
        seen = current(owner)
        copies[id(owner)] = (
            owner,
            resolve(np.array)(seen).array if type(seen) is TracedArray else np.array(owner, order="K"),
        )
    owner, block = copies[id(owner)]
    give(tape, x, owner, block)
    if x is owner:
        return block
    offset = address_of(x) - address_of(owner)
    if block.strides != owner.strides or offset < 0:
        return np.array(x)
    return np.ndarray(x.shape, x.dtype, block, offset, x.strides)


def _traced_subarray(tape: Tape, x: Any, copies: dict) -> TracedSubarray:
    """A copy of an array of a subclass. Of its attributes, what lies in its memory goes with it; others are constants.

    Raises:
        NotDifferentiableError: an attribute holds floats in memory of its own, which may be the same numbers.
    """
    bare = undressed(x)
    owner = owner_of(plain(bare))
    made = TracedSubarray(_traced_array(tape, bare, copies, type(bare) is TracedArray), class_of(x))
    for name, value in (own_part(x) if type(x) is TracedSubarray else stored_by(x)).items():
        if leaves(value) and any(np.ndim(plain(leaf)) for leaf in leaves(value)):
            shares = isinstance(value, np.ndarray) and owner_of(plain(undressed(value))) is owner
            if not shares or type(bare) is TracedArray:
                raise NotDifferentiableError(
                    f"an array of the class {class_of(x).__name__} with the attribute {name!r} cannot be varied",
                    found="the attribute holds floats of its own, which may be the same numbers",
                    fix=f"differentiate by numpy.asarray(x), and make the {class_of(x).__name__} in the program",
                )
            value = _traced_array(tape, undressed(value), copies, False)
        elif type(value) is np.ndarray and not value.dtype.hasobject:  # a mask
            value = _in_copy(tape, value, copies)
        own_part(made)[name] = value
    return made


def _value_of(tape: Tape) -> Callable:
    def value(x: Any) -> Any:
        if type(x) in DRESSED:
            bare = value(current(bare_part(x)))
            if type(bare) not in TRACED:
                return as_plain(x, bare)
            return type(x)(bare, class_of(x), own_part(x))
        if type(x) not in TRACED or x.tape is not tape:
            return x
        if type(x) is TracedFloat:
            return x.value
        return x.value if is_complex_number(x.array) else resolve(np.copy)(x.value)

    return value


def _cotangent_of() -> Callable:
    """Reads the cotangent that has gathered on a leaf of one argument."""
    read: set[int] = set()

    def cotangent(x: Any) -> Any:
        if type(x) is TracedFloat:
            bar, x.bar = x.bar, 0.0
            return bar if type(bar) is TracedFloat else type(bare_number(strip(x)))(bar)
        memory = x.memory
        again, view = id(memory) in read, memory.view_like(x.array)
        read.add(id(memory))
        if is_complex_number(x.array):
            view.flags.writeable = False
            seen = current(view)
            if type(seen) is TracedArray:
                return seen
            return as_number(view)
        seen = current(view) if OPEN else view
        return resolve(np.copy)(seen) if again else seen

    return cotangent
