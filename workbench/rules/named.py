"""Rules written by the names of a function's arguments, for functions with many options.

``@named_rule(solve, "a", "b")`` decorates a function that takes the value and every argument by name (defaults
filled in), and returns a pullback from the value's cotangent to one cotangent for each of the names given. The rule
runs on plain values, or, in a derivative of a derivative, on traced ones: it computes with operators, NumPy functions
and ``resolve``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from workbench.autodiff.registry import DOORS, Rule, add_rule
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import no_rule, overwriting, settled


def named_rule(function: Callable, *names: str) -> Callable:
    """Decorator: ``make(value, call)`` is the rule of ``function`` for its arguments ``names``.

    ``call`` holds every argument as an attribute. The pullback returns a tuple in the order of ``names``. Arguments
    called ``overwrite_…`` are left out, since what the tape holds must not be overwritten: see ``overwriting``.
    """
    signature = inspect.signature(function)
    order = list(signature.parameters)

    def register(make: Callable) -> Callable:
        def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
            wanted = [order[k] for k in needs]
            for name in wanted:
                if name not in names:
                    raise no_rule(function, f"its argument {name!r}")
            bound = signature.bind(*args, **kwargs)
            for (
                name,
                given,
            ) in bound.arguments.items():  # a rule and compiled code may take 0.4 for different things
                if isinstance(signature.parameters[name].default, bool) and isinstance(given, float):
                    raise no_rule(function, f"{name}={given!r}, which is neither true nor false")
            nested = any(type(a) in TRACED for a in bound.arguments.values())
            value = DOORS[function](*args, **kwargs) if nested else function(*args, **kwargs)
            bound.apply_defaults()
            try:
                pullback = make(value, SimpleNamespace(**bound.arguments))
            except (ValueError, IndexError) as error:  # the function takes what the rule does not
                raise no_rule(function, f"these arguments ({error})") from error

            def named_pullback(bar: Any) -> list[Any]:
                try:
                    with np.errstate(all="ignore"):
                        found = dict(zip(names, pullback(bar), strict=True))
                except (ValueError, np.linalg.LinAlgError):
                    if _is_finite(bar):
                        raise
                    return [_unknown_like(bound.arguments[name]) for name in wanted]
                return [found[name] for name in wanted]

            return value, named_pullback

        add_rule(Rule(function, forward))
        DOORS[function] = _keeping(function, DOORS[function], signature, names)
        return make

    return register


def _is_finite(bars: Any) -> bool:
    parts = bars if isinstance(bars, list | tuple) else [bars]
    return all(bool(np.all(np.isfinite(plain(part)))) for part in parts if part is not None)


def _unknown_like(x: Any) -> Any:
    """NaN for each element: SciPy's functions do not take the cotangents that are NaN or infinite."""
    shape, kind = np.shape(plain(x)), complex if np.iscomplexobj(plain(x)) else float
    return np.full(shape, np.nan, kind) if shape else kind(np.nan)


def _keeping(function: Callable, ruled: Callable, signature: inspect.Signature, names: tuple) -> Callable:
    """The door: varying arguments by position as arrays, what is overwritten through the tape, options plain."""
    order = list(signature.parameters)
    overwritable = [name for name in order if name.startswith("overwrite_")]

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        permissions = [bound.arguments.pop(name, False) for name in overwritable]
        if any(permissions):
            return overwriting(function, lambda: call(**bound.arguments), args, kwargs)
        for name, value in bound.arguments.items():
            varies = name in names and (signature.parameters[name].kind is not inspect.Parameter.KEYWORD_ONLY)
            bound.arguments[name] = settled(value) if varies or contains_traced(value) else plain(value)
        # after a gap left by what is overwritten, the rest goes by name
        positional, named = [], dict(bound.arguments)
        for name in order:
            if name not in named:
                break
            if signature.parameters[name].kind is inspect.Parameter.KEYWORD_ONLY:
                break
            positional.append(named.pop(name))
        return ruled(*positional, **named)

    return call
