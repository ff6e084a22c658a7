"""A recording that is checked instead of made again: does the function still do what it did?

A recording costs more than a short solution. So what it saw is kept as a script: each call of torch, what it was called
with, and what the recording answered. When the same function is to be recorded again, it runs on the probes of then,
and each of its calls must be the next one of the script, on the same probes; the answer is that of the script, and
nothing is computed. What the function captures may be other tensors now, of the same shape and kind: they are noted.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import torch

KEPT = 16
"""Scripts that are kept, the last used ones."""


_COMPARABLE = {
    bool,
    int,
    float,
    np.float64,
    str,
    slice,
    type(None),
    type(...),
    torch.dtype,
    torch.device,
    torch.layout,
}
"""What can be an argument beside tensors; anything else is not compared, but recorded again."""


class Changed(Exception):
    """The function does something else than its script says, or something that a script cannot say."""


class _Slot:
    """A tensor that the function captured: its kind, and without keeping it alive, which it was."""

    def __init__(self, number: int, value: torch.Tensor) -> None:
        self.number, self.last = number, weakref.ref(value)
        self.kind = _kind(value)


def _kind(value: torch.Tensor) -> tuple[Any, ...]:
    return type(value), value.shape, value.dtype, value.requires_grad, value.device


class Script:
    """The calls of one recording, in their order.

    Args:
        probe: the class of the probes.
        inputs: the probes of time and state.
    """

    def __init__(self, probe: type, inputs: tuple[torch.Tensor, torch.Tensor]) -> None:
        self.playing, self.inputs = False, inputs
        self._probe, self._lock = probe, threading.Lock()
        self._calls: list[tuple[Callable, Any, Any, Any]] = []
        self._slots: dict[tuple[int, int], _Slot] = {}
        self._kept: list[torch.Tensor] = []
        self._results: Any = None
        self._at, self._seen = 0, {}

    # ------------------------------------------------------------------------------------ while recording

    def note(self, func: Callable, args: Any, kwargs: Any, answer: Any) -> None:
        """One call and its answer."""
        self._calls.append((func, list(map(self._pattern, args)), self._pattern(kwargs), answer))

    def end(self, results: list[Any]) -> None:
        """What the functions returned; from now on nothing captured is kept alive."""
        self._results = self._pattern(results)
        self._kept.clear()

    def place(self, value: torch.Tensor) -> int | None:
        """The number of a captured tensor, or None for one that the recording made itself."""
        slot = self._slots.get((id(value), value._version))
        return slot.number if slot is not None and slot.last() is value else None

    def _pattern(self, value: Any) -> Any:
        if isinstance(value, self._probe):
            return value
        if isinstance(value, torch.Tensor):
            self._kept.append(value)  # so that its id is nobody else's while the recording lasts
            key = id(value), value._version
            return self._slots.setdefault(key, _Slot(len(self._slots), value))
        if isinstance(value, list | tuple):
            return type(value), [self._pattern(part) for part in value]
        if isinstance(value, dict):
            return dict, [(key, self._pattern(part)) for key, part in value.items()]
        return value

    # ------------------------------------------------------------------------------------ while playing

    def play(self, functions: list[Callable]) -> list[torch.Tensor]:
        """Run the functions against the script; the tensors that they capture now, by number.

        Raises:
            Changed: they do something else, or the script is being played by another thread.
        """
        if not self._lock.acquire(blocking=False):
            raise Changed
        try:
            seen = self._run(functions)
            if any(slot.last() is not seen[slot.number] for slot in self._slots.values()):
                again = self._run(functions)  # is it the same each time, or drawn anew?
                if any(not torch.equal(x, again[number]) for number, x in seen.items()):
                    raise Changed
                for slot in self._slots.values():
                    slot.last = weakref.ref(seen[slot.number])
            return [seen[number] for number in range(len(self._slots))]
        finally:
            self._lock.release()

    def _run(self, functions: list[Callable]) -> dict[int, torch.Tensor]:
        self._at, self._seen, self.playing = 0, {}, True
        try:
            with torch.enable_grad():
                found = [part for f in functions for part in parts(f(*self.inputs))]
        finally:
            self.playing = False
        self._match(self._results, found)
        if self._at != len(self._calls):
            raise Changed
        return self._seen

    def answer(self, func: Callable, args: Any, kwargs: Any) -> Any:
        """The answer to the next call, which must be this one."""
        if self._at >= len(self._calls) or not torch.is_grad_enabled():
            raise Changed
        expected, pattern, options, answer = self._calls[self._at]
        if func != expected or len(args) != len(pattern):
            raise Changed
        self._at += 1
        for part, found in zip(pattern, args, strict=True):
            self._match(part, found)
        if kwargs or options[1]:
            self._match(options, kwargs)
        return answer

    def _match(self, pattern: Any, value: Any) -> None:
        if value is pattern:
            return
        if isinstance(pattern, self._probe):
            if value is not pattern:
                raise Changed
        elif type(pattern) is _Slot:
            known = self._seen.setdefault(pattern.number, value)
            if known is not value or not isinstance(value, torch.Tensor) or _kind(value) != pattern.kind:
                raise Changed
        elif type(pattern) is tuple:
            self._match_parts(pattern, value)
        elif type(value) is not type(pattern) or type(value) not in _COMPARABLE or value != pattern:
            raise Changed
        elif value == 0 and str(value) != str(pattern):
            raise Changed  # 0.0 is not −0.0

    def _match_parts(self, pattern: tuple, value: Any) -> None:
        kind, expected = pattern
        if type(value) is not kind or len(value) != len(expected):
            raise Changed
        if kind is dict:
            if list(value) != [key for key, _ in expected]:
                raise Changed
            value, expected = value.values(), [part for _, part in expected]
        for part, found in zip(expected, value, strict=True):
            self._match(part, found)


def parts(value: Any) -> tuple[Any, ...]:
    """The results of a function that gives one, or several."""
    return value if isinstance(value, tuple) else (value,)


class Kept:
    """What was made of recordings, by what they were of; the least used are forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """What was kept, or None."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Keep something, in place of what was there."""
        with self._lock:
            self._known[key] = value
            while len(self._known) > KEPT:
                self._known.popitem(last=False)


def identity(f: Callable) -> Hashable:
    """What two functions made by the same lines have in common."""
    return getattr(f, "__code__", type(f))
