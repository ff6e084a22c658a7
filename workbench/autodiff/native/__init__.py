"""The native tier: derivatives of numeric Python generated from source, control flow kept, at machine speed.

One file per pass, in this order: ``read`` (source and free names), ``fence`` (refusals), ``normalise`` (no jumps),
``lower`` with ``statements``, ``expressions``, ``calls`` and ``builtin_calls`` (three-address form and types at once),
``simplify``, ``activity``, ``storage``, ``reverse`` and ``forward`` (the two halves), ``emit`` and ``generate`` (text),
``vectors`` and ``elements`` (loops over elements by NumPy, until there is machine code), ``compile``, ``numba_text``
and ``cache`` (machine code).
``primitives`` is the table of operations, ``runtime`` what generated code calls; ``complexes`` and
``cmath_functions`` take complex numbers apart, ``dicts`` dictionaries, ``lists`` and ``names_of_lists`` hold lists that
grow; ``called`` finds the function and arguments of a call, ``plan`` takes a call through generated code, ``plans``
holds those made so far.

    plan(function, args) -> Plan | Refusal
"""

from workbench.autodiff.native.batch import batch, batch_plan
from workbench.autodiff.native.choice import chosen
from workbench.autodiff.native.fence import Refusal, RefusedError
from workbench.autodiff.native.plan import LEAVES, DeclinedError, Plan
from workbench.autodiff.native.plans import plan
from workbench.autodiff.native.structures import holds_other_numbers

__all__ = [
    "LEAVES",
    "DeclinedError",
    "Plan",
    "Refusal",
    "RefusedError",
    "batch",
    "batch_plan",
    "chosen",
    "holds_other_numbers",
    "plan",
]
