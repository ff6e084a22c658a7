"""A traced array: a real NumPy array, and a shadow that holds its cotangents.

Every block of memory known to a tape has one shadow with the same layout. A view of the array and the same view
of the shadow are made from the same offset, shape and strides, so that aliasing is right by construction: what is
written through one view is seen, with its derivative, through every other.

An array that the program made or was given stays an ordinary array until a traced value is written into it; then its
memory becomes active, and every read of it in rewritten code finds that out here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib._stride_tricks_impl import DummyArray

from workbench.autodiff.borrowed import refuse_borrowed, shared_with
from workbench.autodiff.met import by_class
from workbench.autodiff.scalars import TRACED, TracedFloat, lost
from workbench.autodiff.subarrays import (
    DRESSED,
    Dressed,
    TracedSubarray,
    bare_part,
    class_part,
    own_part,
    real_part,
)
from workbench.autodiff.tape import OPEN, Tape

# The GNU C library gives freed memory back to the system beyond a threshold that it raises to twice the size of the
# largest block, of at most 32 MiB, that was given back by itself. Giving one such block back, untouched, makes it keep
# the arrays of one tape for the next one: fetching their pages anew took a third of the time of array programs.
np.empty(2**25 - 2**16, np.uint8)


def owner_of(array: np.ndarray) -> np.ndarray:
    """The array at the end of the chain of ``base``: it owns the memory."""
    base = array.base
    while base is not None:
        if isinstance(base, np.ndarray):
            array, base = base, base.base
        elif type(base) is DummyArray:  # of numpy.lib.stride_tricks.as_strided
            base = base.base
        elif type(base) is memoryview:
            base = base.obj
        else:
            break
    return array


def address_of(array: np.ndarray) -> int:
    """Where the first element stands in memory."""
    return array.__array_interface__["data"][0]


def overlaps(array: np.ndarray) -> bool:
    """Whether two elements of a view may be the same number, as in broadcast views and sliding windows."""
    if array.flags.c_contiguous:
        return False
    reach = array.itemsize
    for stride, n in sorted((abs(s), n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1):
        if stride < reach:
            return True
        reach += stride * (n - 1)
    return False


class Memory:
    """One block of array memory as one tape sees it.

    Attributes:
        owner: the array that owns the block (kept alive, so that its id stays its own).
        active: whether anything in it depends on the tape's inputs.
        version: how often the block has been written into.
        lent: whether something shares the block that would see plain numbers in it.
        store: the shadow, a flat array laid over the block's bytes; None while all cotangents are zero.
        low, high: the addresses of the block's bytes, from the first time that a part of it is asked for.
    """

    __slots__ = ("active", "high", "lent", "low", "owner", "store", "tape", "version", "whole")

    def __init__(self, tape: Tape, owner: np.ndarray, active: bool) -> None:
        self.tape, self.owner, self.active, self.store = tape, owner, active, None
        self.version, self.lent, self.low = 0, False, None
        self.whole = owner.flags.c_contiguous

    def view_like(self, array: np.ndarray) -> np.ndarray:
        """The part of the shadow that lies over ``array``, made of zeros if there was none yet."""
        if array is self.owner and self.whole:  # the common case, without arithmetic on addresses
            if self.store is None:
                self.store = np.zeros(array.size, array.dtype)
            return self.store.reshape(array.shape)
        if not array.size:  # it lies anywhere, also beyond the end
            return np.zeros(array.shape, array.dtype)
        if self.low is None:
            self.low, self.high = np.lib.array_utils.byte_bounds(self.owner)
        if self.store is None:
            self.store = np.zeros((self.high - self.low) // max(self.owner.itemsize, 1), self.owner.dtype)
        try:
            return np.ndarray(
                array.shape, array.dtype, self.store, address_of(array) - self.low, array.strides
            )
        except ValueError as error:
            raise lost(
                f"a view of shape {array.shape} reaches beyond the memory of the array that it was made from",
                fix="give as_strided a shape and strides that stay within the array",
            ) from error


def part_over(array: np.ndarray, owner: np.ndarray, block: np.ndarray) -> np.ndarray:
    """The part of ``block``, laid out as ``owner`` is, that lies where ``array`` lies in ``owner``."""
    # a copy keeps the order of axes in memory
    axes = sorted(range(block.ndim), key=lambda k: -block.strides[k])
    flat = block if block.flags.c_contiguous else block.transpose(axes)
    return np.ndarray(array.shape, array.dtype, flat, address_of(array) - address_of(owner), array.strides)


def memory_of(tape: Tape, array: np.ndarray, *, active: bool = False) -> Memory:
    """What ``tape`` knows of the block under ``array``; it knows it from now on."""
    owner = owner_of(array)
    memory = tape.memories.get(id(owner))
    if memory is None:
        memory = tape.memories[id(owner)] = Memory(tape, owner, active=False)
        if tape.keeps and not active:
            tape.kept[id(owner)] = np.array(owner, order="K")
    if active and not memory.active:
        activate(memory)
    return memory


def activate(memory: Memory) -> None:
    """From now on something in ``memory`` depends on the inputs of its tape."""
    owner = memory.owner
    if not owner.flags.owndata:
        refuse_borrowed(owner)
    for tape in OPEN.stack:
        known = tape.memories.get(id(owner))
        if known is not None and known.lent:
            raise shared_with("whatever was given its memory")
    memory.active = True


class TracedArray:
    """An ndarray whose contents depend on a tape's inputs. ``isinstance(x, np.ndarray)`` is true.

    A complex number is one too: an array without axes that cannot be written into.

    ``array`` is the real array. ``value`` is the same as the next outer derivative sees it: the real array itself (of
    a complex number the number), or a traced one of an outer tape.
    """

    __slots__ = ("__weakref__", "array", "memory", "tape")

    def __init__(self, array: np.ndarray, memory: Memory) -> None:
        self.array, self.memory, self.tape = array, memory, memory.tape

    @property
    def __class__(self):
        return type(as_number(self.array)) if is_complex_number(self.array) else np.ndarray

    @property
    def value(self) -> Any:
        level = self.tape.level
        seen = self.array if level == 0 else traced_view(self.array, below=level)
        return unwrapped(seen) if type(seen) is np.ndarray and not seen.ndim else seen

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        if self.tape.open:
            raise lost("a traced array was about to become a plain array in compiled code")
        return np.asarray(self.array, *args)

    def __getattr__(self, name: str) -> Any:
        """The fields of a record array are its attributes, too."""
        if name in (self.array.dtype.names or ()):
            return current(self.array[name])
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")

    def __reduce_ex__(self, protocol: int) -> Any:
        if self.tape.open:
            raise lost("a traced array was about to be pickled")
        return self.array.__reduce_ex__(protocol)


TRACED.add(TracedArray)


class _Hidden(threading.local):
    tapes: tuple[Tape, ...] = ()


_hidden = _Hidden()


def beneath(tape: Tape, function: Callable, *args: Any, **kwargs: Any) -> Any:
    """``function(*args, **kwargs)`` as the next outer derivative sees it: arrays of ``tape`` are plain there.

    The value of an operation on ``tape`` is computed so, from values that outer tapes may trace. Without this, a plain
    array would be met again in the memory of ``tape`` itself.
    """
    if tape.level == 0:
        return function(*args, **kwargs)
    before = _hidden.tapes
    _hidden.tapes = (*before, *OPEN[tape.level :])
    try:
        return function(*args, **kwargs)
    finally:
        _hidden.tapes = before


def traced_view(array: np.ndarray, *, below: int | None = None) -> Any:
    """``array`` as a traced array of every open tape that finds its memory active; itself if none does."""
    seen: Any = array
    owner = None
    hidden = _hidden.tapes
    for tape in OPEN if below is None else OPEN[:below]:
        if tape.memories and tape not in hidden:
            if owner is None:
                owner = id(owner_of(array))
            memory = tape.memories.get(owner)
            if memory is not None and memory.active and _varies(array, memory):
                seen = TracedArray(array, memory)
            elif owner in tape.stale:
                from workbench.autodiff.other_names import check_read

                check_read(tape, array, owner)
    return seen


def _varies(array: np.ndarray, memory: Memory) -> bool:
    """Whether a view of traced memory varies: whole numbers in it do not, and the bytes of floats are refused."""
    if array.dtype.kind not in "fcV" and memory.owner.dtype.names is None:
        raise lost(f"the bytes of traced numbers were about to be read as {array.dtype}")
    return array.dtype.kind in "fcV"


def current(x: Any) -> Any:
    """What a program sees when it reads ``x``: traced if its memory is active, plain if its tape is closed."""
    kind = type(x)
    if kind is np.ndarray:
        return traced_view(x) if OPEN.stack else x
    if kind is TracedArray:
        tape = x.tape
        if not tape.open:
            return traced_view(x.array) if OPEN else unwrapped(x.array)
        if tape.level + 1 < len(OPEN.stack):  # an inner derivative may have written into it
            seen = traced_view(x.array)
            return seen if type(seen) is TracedArray and seen.tape.level > tape.level else x
        return x
    if kind is TracedFloat:
        return x if x.tape.open else current(x.value)
    if kind in DRESSED:
        return _current_dressed(x)
    if OPEN and isinstance(x, VIEWS):
        return _seen(x)
    return x


def _current_dressed(x: Dressed) -> Any:
    seen = current(bare_part(x))
    if seen is bare_part(x):
        return x
    if type(seen) in TRACED:
        return type(x)(seen, class_part(x), own_part(x), real_part(x))
    from workbench.autodiff.dressing import as_plain

    return as_plain(x, seen)


VIEWS = (np.ndarray, np.void)
"""Types of what lies over the memory of an array."""


def _seen(x: Any) -> Any:
    """One record of a structured array, or an array of a subclass, as a program sees it."""
    if isinstance(x, np.void):
        record = record_view(x)
        seen = x if record is None else traced_view(record)
        return seen if type(seen) is TracedArray else x
    seen = traced_view(np.ndarray.view(x, np.ndarray))
    if type(seen) is not TracedArray:
        return x
    if isinstance(x, np.recarray):
        return seen
    kind = type(x)
    if not is_followed_subclass(kind):
        raise lost(
            f"an array of the class {kind.__name__} was about to be read, and it holds a traced value",
            fix=f"read it as numpy.asarray(array): what {kind.__name__} adds to arrays is not followed",
        )
    return TracedSubarray(seen, kind, stored_by(x), x)


@by_class
def is_followed_subclass(kind: type) -> bool:
    """Whether ``kind`` is a subclass of arrays that is followed, by what the class says: not those of compiled ones."""
    return issubclass(kind, np.ndarray) and kind is not np.ndarray and not issubclass(kind, _OF_NUMPY)


_OF_NUMPY = (np.recarray, np.memmap)


def stored_by(x: np.ndarray) -> Any:
    """The attributes of an array of a subclass by their names: its ``__dict__``, unless the class has ``__slots__``."""
    if not any(vars(cls).get("__slots__") for cls in type(x).__mro__):
        return getattr(x, "__dict__", None)
    from workbench.autodiff.structure import Fields

    return Fields(x)


def record_view(record: np.void) -> np.ndarray | None:
    """One record of a structured array as an array without axes over the same memory; None if it has its own."""
    if record.base is None:
        return None
    owner = owner_of(record)
    flat = owner if owner.flags.c_contiguous else owner.T
    return np.ndarray((), record.dtype, flat, address_of(record) - address_of(owner))


_OF_PYTHON = np.dtype(complex, metadata={"class": complex})  # equal to NumPy's own


def complex_number(z: complex | np.complexfloating) -> np.ndarray:
    """What a complex number is on a tape. It cannot be written into, so ``w = z; w += 1`` leaves ``z`` as it is.

    Whether it was Python's or NumPy's goes with it: the two are multiplied, divided and printed in different ways.
    """
    number = np.array(z, None if isinstance(z, np.complexfloating) else _OF_PYTHON)
    number.flags.writeable = False
    return number


def as_number(array: np.ndarray) -> complex | np.complexfloating:
    """The number that ``complex_number`` made an array of."""
    return complex(array) if array.dtype.metadata else array[()]


def unwrapped(array: np.ndarray) -> Any:
    """A complex number on a tape as the number; an array as it is."""
    return as_number(array) if is_complex_number(array) else array


def is_complex_number(array: np.ndarray) -> bool:
    """Whether an array stands for a complex number."""
    return not array.ndim and array.dtype.kind == "c" and not array.flags.writeable


def own_copy(x: Any) -> Any:
    """An array in memory of its own; a complex number on a tape as the number. Anything else as it is."""
    if not isinstance(x, np.ndarray):
        return x
    return as_number(x) if type(x) is np.ndarray and is_complex_number(x) else x.copy("K")


_WRITEABLE = 0x0400


def is_writeable(array: np.ndarray) -> bool:
    """``array.flags.writeable``, without the warning that NumPy gives for what ``numpy.broadcast_arrays`` returns."""
    return bool(array.flags.num & _WRITEABLE)


def can_vary(array: np.ndarray) -> bool:
    """Whether the array's numbers are floating point, real or complex."""
    return array.dtype.kind in "fc"


def refuse_traced_memory(view: memoryview) -> None:
    """Refuse to read numbers through ``view`` where a traced value has been written into the array since."""
    if type(view.obj) is np.ndarray and type(current(view.obj)) is TracedArray:
        raise lost("the memory of a traced value was about to be read directly")
