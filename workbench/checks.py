"""Checks of gradients and rules against central differences, for users and for the tests alike."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.derivatives import pullback
from workbench.autodiff.given import checked_program
from workbench.autodiff.own_rules import rule_for
from workbench.autodiff.registry import number_in
from workbench.autodiff.structure import leaves, map_leaves
from workbench.errors import GradientMismatchError, NotDifferentiableError, RuleError


def _moved(x: Any, direction: list[Any], step: float) -> Any:
    """``x`` moved by ``step`` along ``direction``, one entry per leaf."""
    entries = iter(direction)

    def moved(leaf: Any) -> Any:
        new = leaf + step * next(entries)
        return np.asarray(new, leaf.dtype) if isinstance(leaf, np.ndarray) else type(leaf)(new)

    return map_leaves(moved, x)


def _direction_like(rng: np.random.Generator, leaf: Any) -> Any:
    shape = np.shape(leaf)
    direction = rng.standard_normal(shape)
    if np.iscomplexobj(leaf):
        direction = direction + 1j * rng.standard_normal(shape)
    return direction if shape else direction.item() if hasattr(direction, "item") else direction


def _inner(bars: list[Any], directions: list[Any]) -> float:
    return float(sum(np.sum(np.real(np.conj(b) * d)) for b, d in zip(bars, directions, strict=True)))


def central_difference(f: Callable, args: tuple, directions: list[Any], step: float) -> list[Any]:
    """The directional derivative of every leaf of ``f(*args)``, by a five-point stencil of order four."""
    values = {k: _results(f, _moved(args, directions, k * step)) for k in (-2, -1, 1, 2)}
    return [
        (8 * (p - m) - (pp - mm)) / (12 * step)
        for mm, m, p, pp in zip(values[-2], values[-1], values[1], values[2], strict=True)
    ]


def _results(f: Callable, args: tuple) -> list[Any]:
    """The leaves of ``f(*args)``, with tensors as arrays."""
    return leaves(map_leaves(lambda x: x, f(*args), other=number_in))


def check_gradient(
    f: Callable, *args: Any, rtol: float = 1e-6, atol: float = 1e-8, step: float = 3e-4, seed: int = 0
) -> None:
    """Compare the pullback of ``f`` at ``args`` with central differences, along random directions.

    ⟨y_bar, J x_dot⟩ = ⟨Jᵀ y_bar, x_dot⟩ for three random pairs. The value must be the program's own, up to
    rounding.

    Args:
        f: a program; its result may be a number, an array, or any structure of them.
        args: where to differentiate; every leaf that can vary is varied.
        rtol: relative tolerance of the inner products; ``atol`` is added to it.
        step: of the difference formula (order four), relative to each leaf's own scale where that exceeds 1.
        seed: of the random directions.
    Raises:
        GradientMismatchError: names the two numbers and how far they are apart.
        NotDifferentiableError: no argument can vary, so there is nothing to check.
    """
    checked_program(f, "check_gradient")
    if not leaves(args):
        raise NotDifferentiableError(
            f"the gradient of {getattr(f, '__name__', f)!r} cannot be checked: no argument can vary",
            found=f"got {args!r:.80}, expected floats or something that holds floats",
            fix="pass floats, for instance 3.0 instead of 3",
        )
    rng = np.random.default_rng(seed)
    args = tuple(map_leaves(_copied, a) for a in args)  # each place on its own
    plain_value = _results(f, map_leaves(_copied, args))
    value, back = pullback(f, *args)
    for a, b in zip(leaves(value), plain_value, strict=True):
        if not _equal(a, b):
            raise GradientMismatchError(
                "the differentiated program computes another value than the program itself",
                found=f"got {a!r:.80}, expected {b!r:.80}",
                fix="if the program draws random numbers, let it make its generator itself, from a seed",
            )
    for _ in range(3):
        scale = [max(1.0, float(np.max(np.abs(x), initial=0.0))) for x in leaves(args)]
        directions = [_direction_like(rng, x) * s for x, s in zip(leaves(args), scale, strict=True)]
        bars = [_direction_like(rng, y) for y in leaves(value)]
        pushed = central_difference(f, map_leaves(_copied, args), directions, step)
        expected = _inner(bars, pushed)
        entries = iter(bars)
        seeded = map_leaves(lambda y: next(entries), value, other=lambda _: None)  # noqa: B023
        pulled = leaves(back(seeded))
        got = _inner(pulled, directions)
        size = max(
            abs(expected), sum(float(np.sum(np.abs(b * d))) for b, d in zip(pulled, directions, strict=True))
        )
        if not abs(got - expected) <= atol + rtol * size:
            raise GradientMismatchError(
                f"the gradient of {getattr(f, '__name__', f)!r} disagrees with central differences",
                found=f"got {got!r}, expected {expected!r} (difference {got - expected:.3g})",
                where=f"arguments {args!r:.200}",
                fix="look for a rule that is wrong with check_rule; near a kink, check at another point",
            )


def _equal(a: Any, b: Any) -> bool:
    """Whether two values differ in the last digits at most, where generated code sums in another order."""
    size = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
    close = 100 * float(np.finfo(np.result_type(a, b, np.float16)).eps)
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=close, atol=close * size, equal_nan=True)


def _copied(x: Any) -> Any:
    return x.copy(order="K") if isinstance(x, np.ndarray) else x


def check_rule(
    primitive: Callable, *args: Any, rtol: float = 1e-6, atol: float = 1e-8, **kwargs: Any
) -> None:
    """Check the registered rule of ``primitive`` at ``args``: value, shapes, derivative, repeatability.

    Raises:
        RuleError: there is no rule, or one of the checks fails; says which.
    """
    rule = rule_for(primitive, args)
    if rule is None:
        raise RuleError(
            f"there is no rule for {getattr(primitive, '__name__', primitive)!r} with these arguments",
            fix="register one with @workbench.rule",
        )
    before = map_leaves(_copied, args)
    varying = tuple(k for k, a in enumerate(args) if leaves(a))
    value, back = rule.forward(varying, args, kwargs)
    expected = primitive(*before, **kwargs)
    for a, b in zip(leaves(value), leaves(expected), strict=True):
        _require(np.array_equal(a, b, equal_nan=True), "changes the value", a, b)
    bar = map_leaves(lambda y: np.ones_like(y) if np.ndim(y) else 1.0, value, other=lambda y: 0.0)
    bar = tuple(bar) if isinstance(value, tuple) else bar
    first, again = list(back(bar)), list(back(bar))
    _require(len(first) == len(varying), "returns the wrong number of cotangents", len(first), len(varying))
    for k, cotangent, repeated in zip(varying, first, again, strict=True):
        if cotangent is None:
            continue
        parts, varied = leaves(cotangent), leaves(args[k])
        _require(
            len(parts) == len(varied),
            f"returns a cotangent of another structure than argument {k}",
            cotangent,
            args[k],
        )
        for part, leaf in zip(parts, varied, strict=True):
            wide = np.broadcast_shapes(np.shape(part), np.shape(leaf)) == np.shape(part)
            _require(
                wide,
                f"returns a cotangent of the wrong shape for argument {k}",
                np.shape(part),
                np.shape(leaf),
            )
        _require(
            all(np.array_equal(a, b, equal_nan=True) for a, b in zip(parts, leaves(repeated), strict=True)),
            "gives another result the second time",
            repeated,
            cotangent,
        )
    for a, b in zip(leaves(args), leaves(before), strict=True):
        _require(np.array_equal(a, b, equal_nan=True), "changes its arguments", a, b)
    try:
        check_gradient(functools.partial(primitive, **kwargs), *args, rtol=rtol, atol=atol)
    except GradientMismatchError as error:
        raise RuleError(
            f"the rule for {getattr(primitive, '__name__', primitive)!r} gives the wrong derivative",
            found=error.found,
        ) from error


def _require(holds: Any, what: str, got: Any, expected: Any) -> None:
    if not holds:
        raise RuleError(f"the rule {what}", found=f"got {got!r:.80}, expected {expected!r:.80}")
