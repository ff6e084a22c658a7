"""Which functions of a program may keep what a solver hands them: those that write somewhere, as their code tells."""

from __future__ import annotations

import dis
import functools
from types import CodeType
from typing import Any

from workbench.autodiff.callees import MOST, callees
from workbench.autodiff.rewritten import REWRITTEN_DOORS

_CHANGING = frozenset("append appendleft extend insert add update setdefault put write setattr".split())
_STORES = frozenset({"STORE_ATTR", "STORE_SUBSCR", "STORE_GLOBAL"})


def may_keep(f: Any) -> bool:
    """Whether ``f`` may put its arguments, or what it makes of them, where they outlive its call.

    It may where its code, or that of a function of the program which it names, sets an item, an attribute, a global or
    a variable of a function around it, or calls a method that changes a container.
    """
    return any(k >= MOST - 1 or _writes(g.__code__) for k, g in enumerate(callees(f)))


@functools.lru_cache(maxsize=4096)
def _writes(code: CodeType) -> bool:
    outside = set(code.co_freevars)
    for step in dis.get_instructions(code):
        if step.opname in _STORES or (step.opname == "STORE_DEREF" and step.argval in outside):
            return True
    doors = [REWRITTEN_DOORS[name] for name in ("set_item", "set_attribute", "changes_globals")]
    rewritten = any(constant is door for constant in code.co_consts for door in doors)
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return rewritten or not _CHANGING.isdisjoint(code.co_names) or any(map(_writes, inner))
