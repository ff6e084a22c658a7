"""Rules taken from the tables of HIPS autograd, for the NumPy functions that our own rules leave.

One difference is bridged here: for complex numbers its cotangents are the conjugates of ours (PyTorch's).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import primitive_vjps

from workbench.autodiff.calls import as_array, contains_traced, name_of, plain, resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS, PARTIALS, RULES, Rule, add_rule
from workbench.errors import DifferentiationError, MissingRuleError

# Taken by name from each namespace; what has a rule of ours already is left alone.
_NUMPY = "einsum kron nan_to_num real imag real_if_close sinc".split()
_LINALG = "det eig eigh inv norm pinv slogdet solve svd".split()
_FFT = "fft fft2 fftn fftshift ifft ifft2 ifftn ifftshift".split()


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
        (_FFT, np.fft, anp.fft),
    ):
        for name in names:
            primitive, wrapped = getattr(ours, name), getattr(theirs, name)
            if primitive in RULES or primitive in DOORS or primitive in PARTIALS:
                continue
            if wrapped in primitive_vjps:
                _adopt(primitive, wrapped, leaves=(0, 1) if names is not _FFT else (0,))


_install()


def _einsum(subscripts: Any, *operands: Any, **kwargs: Any) -> Any:
    """``numpy.einsum`` with repeated labels taken as diagonals first, which the adopted rule does not know."""
    if not isinstance(subscripts, str) or not any(map(contains_traced, operands)):
        return _einsum_rule(subscripts, *operands, **kwargs)
    kwargs.pop("optimize", None)
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms, arrays = inputs.split(","), [as_array(o) if isinstance(o, list | tuple) else o for o in operands]
    if not arrow:
        labels = "".join(t.replace("...", "") for t in terms)
        output = ("..." if "..." in inputs else "") + "".join(
            sorted(c for c in labels if labels.count(c) == 1)
        )
    for k, term in enumerate(terms):
        while (twice := next((c for c in term if c != "." and term.count(c) > 1), None)) is not None:
            first, second = term.index(twice), term.index(twice, term.index(twice) + 1)
            arrays[k] = resolve(np.diagonal)(arrays[k], 0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + twice
        terms[k] = term
    return _einsum_rule(",".join(terms) + "->" + output, *arrays, **kwargs)


_einsum_rule = DOORS[np.einsum]
DOORS[np.einsum] = _einsum
