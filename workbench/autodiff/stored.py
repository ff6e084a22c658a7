"""Results that an earlier run left in a dictionary, under a number that is traced now.

A memo written by hand outlives the run. Found again by a traced number, what it holds is a constant, though the program
would have computed it from that number.
"""

from __future__ import annotations

from typing import Any

from workbench.autodiff.scalars import TracedFloat, lost
from workbench.autodiff.structure import leaves
from workbench.autodiff.telling import contains_traced

KEYS = frozenset({TracedFloat, tuple})
"""Types of keys that can be traced."""


def checked_key(table: dict, key: Any) -> Any:
    """``key``, unless ``table`` holds plain numbers for it that this run did not put there.

    Raises:
        LostGradientError: the derivative of the numbers found by ``key`` is not known any more.
    """
    if _traced(key) and key in table:
        found = dict.__getitem__(table, key)
        if not contains_traced(found) and leaves(found) and not any(_traced(k) for k in table if k == key):
            raise lost(
                "a result that an earlier run had stored was about to be found by a traced number",
                fix="empty the dictionary before differentiating, or use functools.lru_cache, which is followed",
            )
    return key


def _traced(key: Any) -> bool:
    return contains_traced(key)
