"""What is refused because nothing is known of its derivative: compiled code without a rule, masked arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.autodiff.location import name_of, user_line
from workbench.autodiff.telling import contains_traced
from workbench.autodiff.watch import call_watched
from workbench.errors import MissingRuleError

NO_MASKS = "use numpy.where with an array of truth values in place of a masked array"
# these only ask whether there is a mask, of ordinary arrays too
ABOUT_MASKS = frozenset({"isMaskedArray", "is_masked", "getmask", "getmaskarray"})


def refusing(f: Any, fix: str) -> Callable:
    """A function of which no derivative is known at all, such as those of masked arrays."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if any(map(contains_traced, (*args, *kwargs.values()))):
            raise MissingRuleError(
                f"{name_of(f)} has no rule",
                found="it got a traced value",
                where=user_line(),
                fix=fix,
            )
        return call_watched(f, args, kwargs)

    return call


def without_rule(f: Any) -> MissingRuleError:
    """The error for compiled code that got a traced value and has no rule."""
    return MissingRuleError(
        f"{name_of(f)} has no rule",
        found="it is compiled code and got a traced value",
        where=user_line(),
        fix=f"register a rule with @workbench.rule({name_of(f)}), or write it with functions that have one",
    )
