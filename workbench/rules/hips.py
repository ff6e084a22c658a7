"""Rules taken from the tables of HIPS autograd, for the NumPy functions that our own rules leave; and its namespaces.

What it differentiates inside of a program, the engine does in its place: all its operators come down to two.

One difference is bridged here: for complex numbers its cotangents are the conjugates of ours (PyTorch's).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import make_jvp, make_vjp, primitive_vjps, vspace
from autograd.tracer import isbox

from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.location import name_of, user_line
from workbench.autodiff.operators import pushforward
from workbench.autodiff.registry import DOORS, MODULE_DOORS, PARTIALS, RULES, Rule, add_rule, door
from workbench.autodiff.telling import plain
from workbench.errors import DifferentiationError, MissingRuleError

# Taken by name from each namespace; what has a rule of ours already is left alone.
_NUMPY = "real imag real_if_close".split()
_LINALG = "det inv norm".split()


def _adopt(primitive: Callable, wrapped: Callable, leaves: tuple[int, ...]) -> None:
    maker = primitive_vjps[wrapped]

    def forward(needs: tuple[int, ...], args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        value = primitive(*args, **kwargs)
        where = user_line()
        with _known_limits(primitive, where), np.errstate(all="ignore"):
            vjp = maker(needs, value, args, kwargs)

        def hips_pullback(bar: Any) -> list[Any]:
            with _known_limits(primitive, where), np.errstate(all="ignore"):
                cotangents = list(vjp(_conjugated(bar)))
            return [_conjugated(c) for c in cotangents]

        return value, hips_pullback

    add_rule(Rule(primitive, forward, leaves))


@contextlib.contextmanager
def _known_limits(primitive: Callable, where: str | None) -> Iterator[None]:
    """What an adopted rule does not know, it says in one of these ways."""
    try:
        yield
    except (NotImplementedError, TypeError) as error:
        if isinstance(error, DifferentiationError):
            raise
        raise MissingRuleError(
            f"{name_of(primitive)} has no rule for these arguments",
            found=str(error),
            where=where,
            fix=f"leave options out, or register a rule with @workbench.rule({name_of(primitive)})",
        ) from error


def _conjugated(bar: Any) -> Any:
    if isinstance(bar, tuple):
        return tuple(_conjugated(b) for b in bar)
    return np.conjugate(bar) if np.iscomplexobj(plain(bar)) else bar


def _install() -> None:
    for names, ours, theirs in (
        (_NUMPY, np, anp),
        (_LINALG, np.linalg, anp.linalg),
    ):
        for name in names:
            primitive, wrapped = getattr(ours, name), getattr(theirs, name)
            if primitive in RULES or primitive in DOORS or primitive in PARTIALS:
                continue
            if wrapped in primitive_vjps:
                _adopt(primitive, wrapped, leaves=(0, 1))


_install()


def _of_namespace(wrapped: Callable) -> Callable | None:
    """A function of ``autograd.numpy`` or ``autograd.scipy`` is the one it wraps, unless HIPS itself differentiates."""
    function = getattr(wrapped, "fun", None)
    if function is None:
        return None

    def call(*args: Any, **kwargs: Any) -> Any:
        called = wrapped if any(map(isbox, args)) else resolve(function)
        return called(*args, **kwargs)

    return call


MODULE_DOORS["autograd.tracer"] = _of_namespace


# ------------------------------------------------------------------------------------ derivatives


@door(make_vjp)
def _make_vjp(fun: Callable, x: Any) -> tuple[Callable, Any]:
    """What reverse mode begins with."""
    value, back = pullback(fun, x)

    def vjp(bar: Any) -> Any:
        is_number = not isinstance(value, np.ndarray) and isinstance(bar, np.ndarray) and not bar.ndim
        return _conjugated(back(_conjugated(bar[()] if is_number else bar))[0])

    return vjp, value


@door(make_jvp)
def _make_jvp(fun: Callable, x: Any) -> Callable:
    """What forward mode begins with."""
    value, push = pushforward(fun, x)
    return lambda x_dot: (value, push(x_dot))


@door(vspace)
def _vspace(value: Any) -> Any:
    """The space that a value lies in, which does not vary."""
    return vspace(plain(current(value)))
