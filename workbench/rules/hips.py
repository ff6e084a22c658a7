"""Rules taken from the tables of HIPS autograd, for the NumPy functions that our own rules leave; and its namespaces.

One difference is bridged here: for complex numbers its cotangents are the conjugates of ours (PyTorch's).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import primitive_vjps
from autograd.tracer import isbox

from workbench.autodiff.calls import resolve
from workbench.autodiff.location import name_of, user_line
from workbench.autodiff.registry import DOORS, MODULE_DOORS, PARTIALS, RULES, Rule, add_rule
from workbench.autodiff.telling import plain
from workbench.errors import DifferentiationError, MissingRuleError, NotDifferentiableError
from workbench.rules.linalg import are_equal, check_phases

# Taken by name from each namespace; what has a rule of ours already is left alone.
_NUMPY = "real imag real_if_close".split()
_LINALG = "det inv norm solve svd".split()


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


def _svd(needs: tuple[int, ...], args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """The adopted rule, which knows the reduced decomposition; vectors beyond it add what ``_beyond`` says."""

    def named(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> tuple:
        return a, full_matrices, compute_uv, hermitian

    a, full, vectors, hermitian = named(*args, **kwargs)
    rows, columns = np.shape(plain(a))[-2:]
    if hermitian:
        raise MissingRuleError(
            "numpy.linalg.svd has no rule for hermitian=True",
            found=f"got a matrix of shape {(rows, columns)}",
            where=user_line(),
            fix="leave the option out, or use numpy.linalg.eigh",
        )
    _, pullback = _adopted_svd(needs, (a, False, vectors), {})
    result = np.linalg.svd(*args, **kwargs)
    if not vectors:
        return result, pullback
    k, where = min(rows, columns), user_line()
    s = result[1]
    u, vh, more_u, more_v = _parted(result[0], result[2], k)

    def svd_pullback(bars: Any) -> list[Any]:
        u_bar, vh_bar, more_u_bar, more_v_bar = _parted(bars[0], bars[2], k)
        inner = _dagger(u) @ u_bar, vh @ _dagger(vh_bar)
        check_phases(plain(inner[0] + inner[1]), where)
        if np.any(plain(u_bar)) or np.any(plain(vh_bar)):
            a_bar = _without_repeated(pullback((u_bar, bars[1], vh_bar))[0], s, *inner)
        else:  # singular values alone may be equal
            a_bar = (u * bars[1][..., None, :]) @ vh
        if rows > columns and full:
            a_bar = a_bar - _beyond(more_u, more_u_bar, u, s, where) @ vh
        if columns > rows and full:
            a_bar = a_bar - u @ _dagger(_beyond(more_v, more_v_bar, _dagger(vh), s, where))
        return [a_bar]

    return result, svd_pullback


def _dagger(x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


def _parted(u: Any, vh: Any, k: int) -> tuple[Any, Any, Any, Any]:
    """The first k columns of U and rows of Vᴴ, and as columns those beyond."""
    return u[..., :k], vh[..., :k, :], u[..., k:], _dagger(vh[..., k:, :])


def _beyond(more: Any, bar: Any, vectors: Any, s: Any, where: str | None) -> Any:
    """The part of the cotangent that comes from vectors beyond the reduced decomposition.

    They stay orthogonal to the others, U₁ᴴ dU₂ = −(U₂ᴴ dU₁)ᴴ, and are any basis: what a rotation of them changes has
    no derivative.
    """
    turning = _dagger(more) @ bar
    turning = plain(turning - _dagger(turning))
    if np.any(np.abs(turning) > 1e-6 * (1.0 + np.max(np.abs(plain(bar)), initial=0.0))):
        raise NotDifferentiableError(
            "the result depends on singular vectors beyond the singular values, which are an arbitrary basis",
            where=where,
            fix="pass full_matrices=False, or use what does not change with the basis, such as v @ v.T",
        )
    return more @ _dagger((_dagger(vectors) @ bar) / s[..., :, None])


def _without_repeated(a_bar: Any, values: Any, *inner: Any) -> Any:
    """NaN where vectors of values take part that are equal but for rounding: they have no derivative.

    Args:
        inner: the products of the vectors with their cotangents. Shape (..., n, n).
    """
    n = np.shape(plain(values))[-1]
    same = are_equal(plain(values)) & ~np.eye(n, dtype=bool)
    taking_part = np.any([same & (plain(x) != 0) for x in inner], axis=(0, -2, -1))
    return np.where(taking_part[..., None, None], np.nan, a_bar)


_adopted_svd = RULES[np.linalg.svd].forward
add_rule(Rule(np.linalg.svd, _svd, leaves=(0,)))


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
