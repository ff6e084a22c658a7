"""Sparse Jacobians: columns, or rows, that share no entry are found together, by one pushforward or pullback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.autodiff.derivatives import copied_arrays, named, pullback, with_own_arrays
from workbench.autodiff.given import checked_position, checked_program
from workbench.autodiff.operators import pushed, transposed
from workbench.autodiff.sharing import checked_sharing
from workbench.autodiff.tracing import traced_pullback
from workbench.errors import NotDifferentiableError, SparsityError

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def sparsity_pattern(f: Callable, *args: Any, wrt: int = 0) -> csr_array:
    """Which entries of the Jacobian can differ from zero at ``args``: booleans, shape (results, arguments).

    Found by sending NaN back from one result after the other: it goes wherever a cotangent goes, also through factors
    that happen to be zero. One sweep over the tape for each result.

    Args:
        f: a program from an array of axes (n,) to one of (m,).
        args: where to look. Another branch of the program may have another pattern.
        wrt: the position of the argument.
    Raises:
        NotDifferentiableError: the argument or the result is not a real array with one axis.
    """
    checked_program(f, "sparsity_pattern")
    k = checked_position(args, wrt)
    _check_vector("argument", args[k])
    return _pattern(*_traced(f, args, k), len(args[k]))


def _traced(f: Callable, args: tuple, k: int) -> tuple[Any, Callable]:
    """The value and the pullback of a run that is traced."""
    own = with_own_arrays(args, (k,))
    return traced_pullback(checked_sharing(f, args), *own, wrt=(k,), copied=copied_arrays(f, args, own))


def _pattern(y: Any, back: Callable, n: int) -> csr_array:
    from scipy.sparse import csr_array

    _check_vector("result", y)
    rows = []
    with np.errstate(all="ignore"):
        for i in range(len(y)):
            bar = np.zeros(len(y))
            bar[i] = np.nan
            rows.append(np.isnan(back(bar)[0]))
    return csr_array(np.array(rows).reshape(len(y), n))


def sparse_jacobian(f: Callable, wrt: int = 0, *, sparsity: Any = None) -> Callable:
    """The program that returns the Jacobian of ``f`` by one argument as a sparse matrix.

    Columns (or rows, if they need fewer colors) that have no row in common get one color, and one pushforward (one
    pullback) finds all columns of a color.

    Args:
        f: a program from an array with axes (n,) to one with (m,).
        wrt: the position of the argument.
        sparsity: which entries may differ from zero: an array or sparse matrix (m, n). By default it is found at the
            first call with ``sparsity_pattern``, and kept.
    Returns:
        A function of ``f``'s arguments returning a ``scipy.sparse.csr_array`` of shape (m, n).
    Raises:
        NotDifferentiableError: the argument or the result is not a real array with one axis.
        SparsityError: the Jacobian has entries where ``sparsity`` has none. Each result is checked along a random
            direction; a pattern that was found, and no longer fits, is found again.
    """
    checked_program(f, "sparse_jacobian")
    known: list[_Coloring] = [] if sparsity is None else [_Coloring(_given_pattern(sparsity), given=True)]

    @functools.wraps(f, updated=())
    def program(*args: Any, **kwargs: Any) -> Any:
        whole = named(f, args, kwargs)
        k = checked_position(args, wrt)
        _check_vector("argument", args[k])

        def run(forward: bool) -> tuple[Any, Callable]:
            if forward:
                return pushed(whole, args, (k,))
            y, back = pullback(whole, *args, wrt=k)
            return y, lambda bar: back(bar)[0]

        found = known[0].jacobian(run, args[k]) if known else None
        if found is None and sparsity is None:
            y, back = _traced(whole, args, k)
            known[:] = [_Coloring(_pattern(y, back, len(args[k])))]
            found = known[0].jacobian(
                lambda forward: (y, transposed(back, y) if forward else lambda bar: back(bar)[0]), args[k]
            )
        if found is None:
            raise SparsityError(
                "the Jacobian has entries where the given sparsity has none",
                found="its product with a random direction differs from that of the sparse matrix",
                where="sparsity",
                fix="leave sparsity out, or look at workbench.sparsity_pattern(f, x)",
            )
        return found

    return program


def _given_pattern(sparsity: Any) -> csr_array:
    from scipy.sparse import csr_array, issparse

    if not issparse(sparsity) and (np.ndim(sparsity) != 2 or np.asarray(sparsity).dtype.kind not in "biuf"):
        raise SparsityError(
            "the sparsity is neither an array with two axes nor a sparse matrix",
            found=f"got {sparsity!r:.60} of type {type(sparsity).__name__}",
            where="sparsity",
            fix="give it one row for each result and one column for each entry of the argument, or leave it out",
        )
    pattern = csr_array(sparsity).astype(bool)
    pattern.eliminate_zeros()
    return pattern


class _Coloring:
    """A pattern, and its columns or rows in groups that do not meet; ``given`` says that it is the caller's."""

    def __init__(self, pattern: csr_array, *, given: bool = False) -> None:
        from scipy.sparse import coo_array

        self.given = given
        entries = coo_array(pattern)
        self.shape, (self.rows, self.columns) = pattern.shape, (entries.row, entries.col)
        by_columns, by_rows = _colors(pattern.T.tocsr(), pattern), _colors(pattern, pattern.T.tocsr())
        self.forward = by_columns.max(initial=0) <= by_rows.max(initial=0)
        self.colors = by_columns if self.forward else by_rows
        self.n_colors = int(self.colors.max(initial=-1)) + 1

    def jacobian(self, run: Callable, x: np.ndarray) -> Any:
        """The Jacobian in this pattern; None if it has entries outside, or another shape than the pattern found.

        ``run(forward)`` gives the value at ``x``, and its pushforward or its pullback.
        """
        from scipy.sparse import csr_array

        y, sweep = run(self.forward)
        _check_vector("result", y)
        if self.shape != (len(y), len(x)):
            if not self.given:
                return None
            raise SparsityError(
                "the sparsity has another shape than the Jacobian",
                found=f"got {self.shape}, expected {(len(y), len(x))}",
                where="sparsity",
                fix="give it one row for each result and one column for each entry of the argument",
            )
        parts = [sweep((self.colors == c).astype(float)) for c in range(self.n_colors)]
        compressed = np.array(parts).reshape(self.n_colors, self.shape[0 if self.forward else 1])
        mine, others = (self.columns, self.rows) if self.forward else (self.rows, self.columns)
        found = csr_array(
            (compressed[self.colors[mine], others], (self.rows, self.columns)), shape=self.shape
        )
        direction = np.random.default_rng(len(parts)).standard_normal(len(self.colors))
        expected, product = sweep(direction), (found if self.forward else found.T) @ direction
        size = (abs(found) if self.forward else abs(found).T) @ np.abs(direction)
        finite = np.isfinite(expected)
        scale = np.max(np.abs(expected[finite]), initial=0.0)
        precision = max(1e-9, *(1e3 * float(np.finfo(a.dtype).eps) for a in (y, x)))
        most = precision * (scale + np.max(size[finite], initial=0.0))
        return found if np.all(np.abs(product[finite] - expected[finite]) <= most) else None


def _colors(lines: Any, across: Any) -> np.ndarray:
    """Greedy coloring of the rows of ``lines``: rows with an entry in one column get different colors.

    Args:
        lines: pattern with a row for each thing to color.
        across: its transpose.
    """
    order = np.argsort(-np.diff(lines.indptr), kind="stable")
    colors = np.full(lines.shape[0], -1)
    for line in order:
        met = lines.indices[lines.indptr[line] : lines.indptr[line + 1]]
        taken = {int(colors[n]) for m in met for n in across.indices[across.indptr[m] : across.indptr[m + 1]]}
        color = 0
        while color in taken:
            color += 1
        colors[line] = color
    return colors


def _check_vector(what: str, thing: Any) -> None:
    if isinstance(thing, np.ndarray) and thing.ndim == 1 and thing.dtype.kind == "f":
        return
    raise NotDifferentiableError(
        f"a sparse Jacobian needs a real array with one axis as {what}",
        found=f"got {type(thing).__name__}"
        + (f" of shape {thing.shape}" if isinstance(thing, np.ndarray) else ""),
        fix="reshape it with numpy.ravel inside of the program, or use jacobian",
    )
