"""Which calls the native tier takes when nobody forces it. The rule looks at the program and its arguments only.

A run must repeat, so the choice must not depend on the clock, on what is compiled already or on other processes.
Generated Python and its machine code give the same bits, so it does not matter when the one takes the other's place;
what matters is that the tier is chosen before the first number (``docs/decisions/0009``).

Generated Python beats a trace, except for a few operations without a loop, and except where it goes through long arrays
element by element that NumPy would run through by itself. So a plan is taken unless such whole-array work stands as
deep in the program's loops as the rest. A loop around whole-array work is taken all the same where generated Python
lets NumPy go through the elements too (``vectors``): machine code then makes one pass of what are many in NumPy.
"""

from __future__ import annotations

import functools
from types import CodeType, FunctionType
from typing import Any

from workbench.autodiff.native.compile import mode
from workbench.autodiff.native.fence import Refusal
from workbench.autodiff.native.plan import Plan
from workbench.autodiff.native.plans import plan

MOST_STOPS = 3
SHORT_PROGRAM = 48  # operations that a tape does in the time it takes to call generated code

WHOLE_ARRAYS = Refusal("most of its work is on whole arrays, which NumPy does faster than generated Python")
SHORT = Refusal("it has no loop and only a few operations, which a tape does as fast")
STOPS = Refusal("it has left what machine numbers can do several times")


def chosen(function: Any, args: tuple[Any, ...], *, inside: bool = False) -> Plan | Refusal:
    """The plan that takes this call, or why none does.

    Args:
        function: the function called.
        args: plain arguments.
        inside: whether the call stands in a traced program. There only functions with loops or recursion are
            taken: for a few operations a tape is as fast.
    """
    made = plan(function, args)
    if isinstance(made, Refusal) or mode() in ("python", "numba"):
        return made
    if made.stops > MOST_STOPS:
        return STOPS
    work = made.work
    if not work.depth and work.operations < SHORT_PROGRAM:
        return SHORT
    if inside and not work.depth:
        return Refusal("it has no loop: inside of a traced program it is traced")
    if not work.deep or work.suits(made.numbers(args)[0]) or (made.compiled.whole.quick and work.repeats):
        return made
    return WHOLE_ARRAYS


def loops_or_recurs(function: FunctionType) -> bool:
    """Whether a function's code has a loop or its own name in it."""
    return _loops_or_recurs(function.__code__)


@functools.cache
def _loops_or_recurs(code: CodeType) -> bool:
    return code.co_name in code.co_names or any(
        code.co_code[k] in _BACKWARD for k in range(0, len(code.co_code), 2)
    )


def _backward_jumps() -> frozenset[int]:
    import opcode

    return frozenset(number for name, number in opcode.opmap.items() if "JUMP_BACKWARD" in name)


_BACKWARD = _backward_jumps()
