"""Time loops within a given memory: only a few states are remembered, the steps between are run again on the way back.

The loop is cut into segments, each so short that what its pullback keeps fits into half of the memory; states at the
beginnings of segments take the other half. Where there are more segments than places for states, the places are used
again and again in the order that needs the fewest repetitions, which is binomial.

Source: Griewank and Walther, "Algorithm 799: revolve", ACM TOMS 26, 2000; with c places and no segment run more than
t times, at most binomial(c + t, c) segments can be swept.
"""

from __future__ import annotations

import functools
import linecache
import math
import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.given import zero
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.structure import leaves, map_leaves
from workbench.autodiff.tiers import copied, native_value
from workbench.autodiff.tracing import once, traced_pullback

ENTRY_BYTES = 150  # of a traced operation
OBJECT_BYTES = 100  # of a number or array, with its place in a tuple


class LongLoop:
    """``for k in range(n): state = step(state, k, *args)``, differentiated within a memory of so many bytes."""

    def __init__(self, step: Callable, n: int, memory: int) -> None:
        self.step, self.n, self.memory = step, n, memory

    def __call__(self, state: Any, *args: Any) -> Any:
        for k in range(self.n):
            state = self.step(state, k, *args)
        return state

    def forward(self, state: Any, *args: Any) -> Any:
        """The last state; ``state`` and ``args`` may be traced by outer derivatives."""
        return self._sweep(state, args).run(state, 0, self.n)

    def back(self, state: Any, args: tuple, bar: Any, check: Callable) -> list[Any]:
        """The cotangents of all leaves of the state and the arguments, in their order, for one of the last state.

        ``check`` gets the last state as it is found on the way back.
        """
        sweep = self._sweep(state, args)
        bar = sweep.reverse(self.n, state, bar, check)
        return [*leaves(bar), *sweep.totals]

    def _sweep(self, state: Any, args: tuple) -> _Sweep:
        made = _Sweep(_segment(self.step, len(args)), args)
        if self.n:
            kept = OBJECT_BYTES + sum(OBJECT_BYTES + 8 * np.size(_array(leaf)) for leaf in leaves(state))
            made.size = max(1, int(self.memory // 2 // made.bytes_of_a_step(state, kept)))
            made.places = max(1, self.memory // 2 // kept)
        return made


class _Sweep:
    """The way back over one loop.

    Attributes:
        totals: the cotangents of the leaves of the arguments so far.
        size: how many steps are taped at a time.
        places: how many states are remembered at a time.
    """

    def __init__(self, segment: FunctionType, args: tuple) -> None:
        self.segment, self.args = segment, args
        self.totals: list[Any] = [zero(leaf) for leaf in leaves(args)]
        self.size = self.places = 1

    def bytes_of_a_step(self, state: Any, kept: int) -> int:
        """What the pullback of one step keeps."""
        made = native_value(self.segment, (_plain(state), 0, 1, *self.args))
        if made is not None:
            return max(32, 32 * made[1])  # a number in a list is an object of 24 bytes, and its address
        _, back = traced_pullback(self.segment, state, 0, 1, *self.args)
        length = len(back.tape)
        back.forget()
        return (ENTRY_BYTES + 3 * kept) * length + kept

    def run(self, state: Any, first: int, last: int) -> Any:
        """The state after some steps, with nothing kept."""
        if first == last:
            return state
        if any(type(leaf) in TRACED for leaf in leaves((state, self.args))):
            return resolve(self.segment)(state, first, last, *self.args)
        state = _plain(state)
        for start in range(first, last, self.size):
            end = min(start + self.size, last)
            found = native_value(self.segment, (state, start, end, *self.args))
            if found is None:
                # the loop's own arguments as they are, so that whoever gave them sees what a step writes into them
                given = map_leaves(copied, state) if start else state
                state = self.segment(given, start, end, *self.args)
            else:
                state = found[0]
            state = _plain(state)
        return state

    def reverse(self, n: int, state: Any, bar: Any, check: Callable) -> Any:
        """The cotangent of the first state for that of the last one, ``n`` steps later."""
        remembered = [(0, state)]
        last = -(-n // self.size)  # counted in segments
        while last:
            first, state = remembered[-1]
            while last - first > 1:
                middle = first + _split(last - first, self.places - len(remembered) + 1)
                state = self.run(state, first * self.size, middle * self.size)
                remembered.append((middle, state))
                first = middle
            end = min(last * self.size, n)
            value, (bar, *parts) = self.pull(state, first * self.size, end, bar)
            if end == n:
                check(value)
            self.totals = [total + part for total, part in zip(self.totals, leaves(parts), strict=True)]
            remembered.pop()
            last = first
        return bar

    def pull(self, state: Any, first: int, last: int, bar: Any) -> tuple[Any, tuple[Any, ...]]:
        """The state after one segment, and its pullback."""
        positions = (0, *range(3, 3 + len(self.args)))
        value, back = pullback(self.segment, _plain(state), first, last, *self.args, wrt=positions)
        entries = iter(leaves(bar))
        return value, once(back, map_leaves(lambda _: next(entries), value, other=lambda _: None))


def _split(n: int, places: int) -> int:
    """After how many of n segments the next state is remembered."""
    if places <= 1:
        return n - 1
    repeats = 1
    while math.comb(places + repeats, places) < n:
        repeats += 1
    return max(1, min(math.comb(places + repeats - 1, places), n - 1))


def _array(leaf: Any) -> Any:
    return getattr(leaf, "array", 0.0) if type(leaf) in TRACED else leaf


def _plain(state: Any) -> Any:
    """A state whose numbers are Python's own: segments hand them on as the loop itself would."""
    return map_leaves(lambda x: float(x) if type(x) is np.float64 else x, state)


class _Same:
    """A step as a key: equal objects may hold numbers of different runs."""

    __slots__ = ("step",)

    def __init__(self, step: Callable) -> None:
        self.step = step

    def _parts(self) -> tuple[Any, Any]:
        """A bound method is made anew each time that it is named."""
        return getattr(self.step, "__func__", self.step), getattr(self.step, "__self__", None)

    def __hash__(self) -> int:
        return hash(tuple(map(id, self._parts())))

    def __eq__(self, other: object) -> bool:
        return type(other) is _Same and all(map(operator.is_, self._parts(), other._parts()))


def _segment(step: Callable, n_args: int) -> FunctionType:
    """A function with source that takes some steps."""
    return _made(_Same(step), n_args)


@functools.lru_cache(maxsize=64)
def _made(key: _Same, n_args: int) -> FunctionType:
    step = key.step
    names = "".join(f", p{k}" for k in range(n_args))
    text = (
        f"def segment(state, first, last{names}):\n"
        "    for k in range(first, last):\n"
        f"        state = step(state, k{names})\n"
        "    return state\n"
    )
    name = f"<steps of {getattr(step, '__module__', '')}.{getattr(step, '__qualname__', step)} with {n_args}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace = {"step": step, "__name__": getattr(step, "__module__", "")}
    exec(compile(text, name, "exec"), namespace)
    return namespace["segment"]
