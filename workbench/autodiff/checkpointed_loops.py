"""Loops that remember few of their steps: in pieces that are checkpoints, or within a given memory.

The pieces are ``blocks``; how a loop keeps within a memory stands in ``long_loops``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import own_copy
from workbench.autodiff.blocks import Block, BlockCall, Checkpointed
from workbench.autodiff.calls import resolve
from workbench.autodiff.given import checked_program
from workbench.autodiff.location import name_of
from workbench.autodiff.long_loops import LongLoop
from workbench.autodiff.registry import INSTANCE_DOORS
from workbench.autodiff.structure import map_leaves
from workbench.autodiff.telling import plain
from workbench.errors import NotDifferentiableError


def checkpoint_loop(
    step: Callable, state: Any, items: int | Iterable[Any], *args: Any, memory: int | None = None
) -> Any:
    """``for item in items: state = step(state, item, *args)``, remembering about 2√n of the n steps at any time.

    The loop is cut into √n pieces of √n steps, each of which is a checkpoint: memory grows with the square root of
    the number of steps, and each step is computed twice. With ``memory`` it stays within so many bytes whatever the
    number of steps, by recursive checkpointing, and a step that the native tier takes runs at its speed.

    Args:
        step: a program ``(state, item, *args) -> state``; what is asked of ``checkpoint`` is asked of it.
        state: where the loop begins: numbers, arrays, or any structure of them.
        items: what the loop goes over; a whole number n stands for ``range(n)``.
        args: what every step gets besides, such as the parameters of the equation that is solved.
        memory: bytes for what is remembered; ``items`` is a whole number then. Estimated from the first step, so
            leave room where later steps do much more. States keep the structure that ``state`` has.
    Returns:
        The state after the last step.
    Raises:
        NotDifferentiableError: as for ``checkpoint``; or ``memory`` is given and ``items`` is not a whole number.
    """
    checked_program(step, "checkpoint_loop")
    if memory is not None:
        return resolve(LongLoop(step, checked_count(items), checked_memory(memory)))(state, *args)
    items = range(items) if isinstance(items, int | np.integer) else checked_items(items)
    size = max(1, math.isqrt(len(items)))
    piece = Checkpointed(functools.partial(_steps, step))
    piece.__module__, piece.__qualname__ = "", name_of(step)
    call = resolve(piece)
    for start in range(0, len(items), size):
        state = call(state, items[start : start + size], *args)
    return state


def _steps(step: Callable, state: Any, items: Any, *args: Any) -> Any:
    step = resolve(step)
    for item in items:
        state = step(state, item, *args)
    return state


def checked_count(items: Any) -> int:
    """The number of steps of a loop within a given memory."""
    if isinstance(items, int | np.integer):
        return int(items)
    raise NotDifferentiableError(
        "a loop within a given memory counts its steps",
        found=f"got {type(items).__name__} for items",
        where="items",
        fix="pass the number of steps, and let the step look up what it needs by its number; or leave memory out",
    )


def checked_memory(memory: Any) -> int:
    """How many bytes a loop may keep."""
    if isinstance(memory, int | float | np.number) and memory > 0:
        return int(memory)
    raise NotDifferentiableError(
        "the memory of a loop is a positive number of bytes",
        found=f"got memory={memory!r:.40}",
        where="memory",
        fix="pass a number, for instance memory=10_000_000; or leave it out",
    )


def checked_items(items: Any) -> list[Any]:
    """What a loop goes over."""
    try:
        return list(items)
    except TypeError as error:
        raise NotDifferentiableError(
            "a loop goes over a whole number of steps, or over something that can be iterated",
            found=f"got {items!r:.40} of type {type(plain(items)).__name__}",
            where="items",
            fix="pass an int, for instance 3 instead of 3.0, or a list",
        ) from error


def _long_loop_door(loop: LongLoop) -> Callable:
    def call(*args: Any) -> Any:
        block = Block(loop)
        block.__module__, block.__qualname__ = "", name_of(loop.step)
        made = BlockCall(block, args, {})
        if made.tape is None:
            return loop(*args)
        values, chosen = made.values(), made.chosen
        result = made.run(lambda _, *given: loop.forward(*given), values)
        if made.drawn:
            raise made.refused(
                "draws random numbers, and its steps run again in another order",
                "draw them all before, and let the step look them up by its number; or leave memory out",
            )

        def loop_pullback(bars: Any) -> list[Any]:
            entries = iter(bars)
            bar = map_leaves(lambda _: next(entries), result, other=lambda _: None)
            state, *rest = map_leaves(own_copy, values, other=own_copy)
            found = loop.back(state, tuple(rest), bar, functools.partial(made.check_repeats, result))
            return [bar for bar, on in zip(found, chosen, strict=True) if on]

        return made.record(result, loop_pullback)

    return call


INSTANCE_DOORS[LongLoop] = _long_loop_door
