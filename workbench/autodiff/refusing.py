"""What is refused because nothing is known of its derivative: compiled code without a rule, ranks of masked arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.location import name_of, user_line
from workbench.autodiff.subarrays import class_of
from workbench.autodiff.telling import contains_traced
from workbench.errors import MissingRuleError


@functools.cache
def refusing_masks(f: Any, door: Callable) -> Callable:
    """``door``, the one of a function that looks at masks, which the door does not."""

    @functools.wraps(door, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        if any(issubclass(class_of(x), np.ma.MaskedArray) for x in given) and any(
            map(contains_traced, given)
        ):
            raise MissingRuleError(
                f"{name_of(f)} has no rule for masked arrays",
                found="got one beside, or with, traced values",
                where=user_line(),
                fix="pass the elements that count, m.compressed()",
            )
        return door(*args, **kwargs)

    return call


def without_rule(f: Any) -> MissingRuleError:
    """The error for compiled code that got a traced value and has no rule."""
    return MissingRuleError(
        f"{name_of(f)} has no rule",
        found="it is compiled code and got a traced value",
        where=user_line(),
        fix=f"register a rule with @workbench.rule({name_of(f)}), or write it with functions that have one",
    )
