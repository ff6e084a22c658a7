"""Matrix and tensor products.

For Y = A B: A_bar = Y_bar Bᴴ and B_bar = Aᴴ Y_bar; everything here is that, with other axes.
"""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_letters
from typing import Any

import numpy as np

from workbench.autodiff.application import as_array, written
from workbench.autodiff.arrays import current, owner_of
from workbench.autodiff.calls import resolve
from workbench.autodiff.cotangents import reduce_to
from workbench.autodiff.registry import DOORS, Rule, add_rule
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.linalg import dagger
from workbench.rules.stand_ins import no_rule


def _shape(x: Any) -> tuple[int, ...]:
    return np.shape(plain(x))


def _matmul(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """``a @ b`` with NumPy's treatment of vectors, broadcast over leading axes."""
    a, b = args
    if given := sorted({"axes", "axis", "keepdims"} & set(kwargs)):
        raise no_rule(np.matmul, given[0])
    return np.matmul(a, b, **kwargs), _matmul_pullback(needs, a, b)


def _matmul_pullback(needs: tuple, a: Any, b: Any) -> Callable:
    rows, columns = len(_shape(a)) > 1, len(_shape(b)) > 1

    def matmul_pullback(bar: Any) -> list[Any]:
        wide_a = a if rows else np.expand_dims(a, 0)
        wide_b = b if columns else np.expand_dims(b, -1)
        bar = bar if columns else np.expand_dims(bar, -1)
        bar = bar if rows else np.expand_dims(bar, -2)
        found = []
        for k in needs:
            if k == 0:
                wide = reduce_to(np.matmul(bar, dagger(wide_b)), _shape(wide_a))
                found.append(wide if rows else np.reshape(wide, _shape(a)))
            else:
                wide = reduce_to(np.matmul(dagger(wide_a), bar), _shape(wide_b))
                found.append(wide if columns else np.reshape(wide, _shape(b)))
        return found

    return matmul_pullback


def _contracted(needs: tuple, a: Any, b: Any, axes: tuple[list[int], list[int]]) -> Callable:
    """The pullback of ``tensordot(a, b, axes)``."""
    shape_a, shape_b = _shape(a), _shape(b)
    over_a, over_b = [k % len(shape_a) for k in axes[0]], [k % len(shape_b) for k in axes[1]]
    free_a = [k for k in range(len(shape_a)) if k not in over_a]
    free_b = [k for k in range(len(shape_b)) if k not in over_b]

    def tensordot_pullback(bar: Any) -> list[Any]:
        n = len(free_a)
        found = []
        for k in needs:
            if k == 0:
                made = np.tensordot(bar, np.conj(b), (list(range(n, n + len(free_b))), free_b))
                # made's axes: free_a, then b's contracted axes in ascending order
                order = free_a + [over_a[over_b.index(axis)] for axis in sorted(over_b)]
            else:
                made = np.tensordot(bar, np.conj(a), (list(range(n)), free_a))
                order = free_b + [over_b[over_a.index(axis)] for axis in sorted(over_a)]
            found.append(np.transpose(made, np.argsort(order)))
        return found

    return tensordot_pullback


def _tensordot(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    def named(a: Any, b: Any, axes: Any = 2) -> tuple:
        return a, b, axes

    a, b, axes = named(*args, **kwargs)
    if isinstance(axes, int):
        pair = (list(range(len(_shape(a)) - axes, len(_shape(a)))), list(range(axes)))
    else:
        pair = tuple([int(k) for k in np.atleast_1d(part)] for part in axes)
    return np.tensordot(a, b, axes), _contracted(needs, a, b, pair)


def _dot(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """``numpy.dot``: a product of numbers, of matrices, or over a's last and b's last but one axis."""
    a, b = args
    value = np.dot(a, b)
    if not _shape(a) or not _shape(b):
        factors = (b, a)
        return value, lambda bar: [reduce_to(bar * np.conj(factors[k]), _shape(args[k])) for k in needs]
    if len(_shape(a)) <= 2 and len(_shape(b)) <= 2:
        return value, _matmul_pullback(needs, a, b)
    return value, _contracted(needs, a, b, ([-1], [-2 if len(_shape(b)) > 1 else -1]))


def _inner(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """``numpy.inner``: over the last axes of both."""
    a, b = args
    if not _shape(a) or not _shape(b):
        return _dot(needs, args, kwargs)
    return np.inner(a, b), _contracted(needs, a, b, ([-1], [-1]))


for _primitive, _forward in (
    (np.matmul, _matmul),
    (np.tensordot, _tensordot),
    (np.dot, _dot),
    (np.inner, _inner),
):
    add_rule(Rule(_primitive, _forward, leaves=(0, 1)))


def _outer(a: Any, b: Any, out: Any = None) -> Any:
    """``numpy.outer``."""
    if out is not None:
        return written(_outer(a, b), out)
    if not (contains_traced(a) or contains_traced(b)):
        return np.outer(a, b)
    return resolve(np.multiply.outer)(resolve(np.ravel)(a), resolve(np.ravel)(b))


DOORS[np.outer] = _outer


# ------------------------------------------------------------------------------------ einsum


def _terms(subscripts: str, axes: list[int]) -> tuple[list[str], str]:
    """The labels of each operand and of the result, each axis by its own letter.

    The axes that an ellipsis stands for count from the last, as in broadcasting; without an arrow the result has the
    labels that occur once.
    """
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    hidden = [n - len(t.replace("...", "")) if "..." in t else 0 for t, n in zip(terms, axes, strict=True)]
    free = [c for c in ascii_letters if c not in subscripts][: max(hidden)]
    if not arrow:
        labels = inputs.replace("...", "").replace(",", "")
        output = "..." + "".join(sorted(c for c in labels if labels.count(c) == 1))
    spelled = [t.replace("...", "".join(free[len(free) - n :])) for t, n in zip(terms, hidden, strict=True)]
    return spelled, output.replace("...", "".join(free))


def _einsum_forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """Each operand's cotangent is a contraction of the result's with the conjugates of the others.

    No label occurs twice in a term here, and there is no ellipsis. A label that only one operand has, or that has one
    element in all others, is summed over: its cotangent is spread by a vector of ones.
    """
    subscripts, *operands = args
    terms, output = _terms(subscripts, [np.ndim(o) for o in operands])

    def cotangent(k: int, bar: Any) -> Any:
        term = terms[k]
        pairs = [(t, np.conj(o)) for j, (t, o) in enumerate(zip(terms, operands, strict=True)) if j != k]
        pairs.append((output, bar))
        known: dict[str, int] = {}
        for labels, array in pairs:
            known |= {c: max(n, known.get(c, 0)) for c, n in zip(labels, _shape(array), strict=True)}
        spread = [(c, n) for c, n in zip(term, _shape(operands[k]), strict=True) if known.get(c, 0) < n]
        pairs += [(c, np.ones(n)) for c, n in spread]
        return np.einsum(",".join(t for t, _ in pairs) + "->" + term, *(o for _, o in pairs))

    return np.einsum(*args, **kwargs), lambda bar: [cotangent(k - 1, bar) for k in needs]


add_rule(Rule(np.einsum, _einsum_forward))


def _view_by_einsum(subscripts: str, array: Any) -> np.ndarray | None:
    """Diagonals and transposes by ``einsum`` are views, which may be written into."""
    if type(array) is not np.ndarray or type(found := np.einsum(subscripts, array)) is not np.ndarray:
        return None
    return found if owner_of(found) is owner_of(array) else None


def _einsum(subscripts: Any, *operands: Any, **kwargs: Any) -> Any:
    """``numpy.einsum`` with repeated labels taken as diagonals first, which the adopted rule does not know."""
    if not isinstance(subscripts, str):
        subscripts, operands = _from_sublists(subscripts, operands)
    if not any(map(contains_traced, operands)):
        return _einsum_rule(subscripts, *operands, **kwargs)
    if subscripts.count(",") + 1 != len(operands):
        np.einsum(subscripts, *map(plain, operands))  # NumPy's own error
    may_view = len(operands) == 1 and not set(kwargs) - {"optimize"}
    if may_view and type(view := _view_by_einsum(subscripts, plain(operands[0]))) is np.ndarray:
        return current(view)
    arrays = [as_array(o) if isinstance(o, list | tuple) else o for o in operands]
    terms, output = _terms(subscripts, [np.ndim(plain(a)) for a in arrays])
    for k, term in enumerate(terms):
        while (twice := next((c for c in term if term.count(c) > 1), None)) is not None:
            first, second = term.index(twice), term.index(twice, term.index(twice) + 1)
            arrays[k] = resolve(np.diagonal)(arrays[k], 0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + twice
        terms[k] = term
    return _einsum_rule(",".join(terms) + "->" + output, *arrays, **kwargs)


def _from_sublists(first: Any, rest: tuple) -> tuple[str, tuple]:
    """``einsum(a, [0, 1], b, [1])`` as subscripts and operands."""
    given = (first, *rest)
    operands, labels = given[0 : len(given) // 2 * 2 : 2], given[1::2]

    def letters(sublist: Any) -> str:
        return "".join(
            "..." if k is ... else chr(ord("A") + k) if k < 26 else chr(ord("a") + k - 26) for k in sublist
        )

    output = "->" + letters(given[-1]) if len(given) % 2 else ""
    return ",".join(map(letters, labels)) + output, operands


_einsum_rule = DOORS[np.einsum]
DOORS[np.einsum] = _einsum
