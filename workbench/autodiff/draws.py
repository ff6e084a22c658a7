"""Random numbers that a block of its own draws: whoever runs the block again draws the same ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from workbench.autodiff.settling import note_going_on
from workbench.autodiff.tape import OPEN

GENERATORS = frozenset({np.random.Generator, np.random.RandomState, random.Random})

Drawn = dict[int, tuple[Any, Any]]
"""Generators by their id, each with its state before the first draw."""


def note_draw(generator: Any) -> None:
    """The program is about to draw from ``generator``."""
    note_going_on(generator)
    if OPEN.stack and (drawn := OPEN.stack[-1].drawn) is not None and id(generator) not in drawn:
        if isinstance(generator, random.Random) and not hasattr(generator, "gauss_next"):
            return  # the program is making it
        drawn[id(generator)] = generator, state_of(generator)


def state_of(generator: Any) -> Any:
    """The state of a generator, of any kind."""
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return (
        generator.get_state(False) if isinstance(generator, np.random.RandomState) else generator.getstate()
    )


def rewind(generator: Any, state: Any) -> None:
    """Put a generator into a state that it had."""
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.setstate(state)


@contextmanager
def drawn_again(drawn: Drawn) -> Iterator[None]:
    """What runs inside draws the numbers that were drawn before; afterwards the generators are where they were."""
    now = [(generator, state_of(generator)) for generator, _ in drawn.values()]
    for generator, state in reversed(drawn.values()):  # of two with one source the earlier state counts
        rewind(generator, state)
    try:
        yield
    finally:
        for generator, state in now:
            rewind(generator, state)
