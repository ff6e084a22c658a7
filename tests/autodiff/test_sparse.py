"""Sparse Jacobians: equal to the dense ones, with few sweeps, and a wrong pattern is found out."""

import math

import numpy as np
import pytest

from workbench import jacobian, sparse_jacobian, sparsity_pattern
from workbench.autodiff import sparse
from workbench.errors import NotDifferentiableError, SparsityError

X = np.linspace(0.3, 2.0, 30)


def diffusion(x):
    """Three neighbours."""
    y = np.empty_like(x)
    y[0], y[-1] = x[0] ** 2, x[-1] * x[0]
    y[1:-1] = x[2:] - 2 * x[1:-1] ** 2 + x[:-2]
    return y


def chained(x):
    """A loop over numbers, with a product that happens to be zero."""
    y = np.zeros(len(x) - 1)
    for i in range(len(x) - 1):
        y[i] = math.sin(x[i]) * x[i + 1] + 0.0 * x[(i + 5) % len(x)]
    return y


def one_full_row(x):
    return np.concatenate([x**2, [np.sum(x**3)]])


def one_full_column(x):
    return np.exp(-x) * x[0]


@pytest.mark.parametrize("f", [diffusion, chained, one_full_row, one_full_column, lambda x: x[:0] * 1.0])
def test_a_sparse_jacobian_is_the_dense_one(f):
    program = sparse_jacobian(f)
    for x in (X, X[::-1].copy()):
        found = program(x)
        assert np.allclose(found.toarray(), jacobian(f)(x), rtol=1e-12, atol=1e-14)
    assert np.allclose(sparse_jacobian(f, sparsity=sparsity_pattern(f, X))(X).toarray(), jacobian(f)(X))


def test_colors_are_few_and_the_cheaper_side_is_taken():
    assert sparse._Coloring(sparsity_pattern(diffusion, X)).n_colors <= 4
    row, column = (sparse._Coloring(sparsity_pattern(f, X)) for f in (one_full_row, one_full_column))
    assert (row.forward, row.n_colors) == (False, 2)
    assert (column.forward, column.n_colors) == (True, 2)


def test_a_pattern_holds_what_happens_to_be_zero():
    assert sparsity_pattern(chained, X)[[0], [5]] == [True]
    assert not sparsity_pattern(chained, X)[[0], [4]][0]


def test_a_pattern_that_was_found_is_found_again_on_another_branch():
    def f(x):
        return x**2 if x[0] > 0 else x[::-1] * x

    program = sparse_jacobian(f)
    for x in (X, -X):
        assert np.allclose(program(x).toarray(), jacobian(f)(x))


def test_a_wrong_pattern_is_refused():
    with pytest.raises(SparsityError, match="entries where the given sparsity has none"):
        sparse_jacobian(diffusion, sparsity=np.eye(30))(X)
    with pytest.raises(SparsityError, match="another shape"):
        sparse_jacobian(diffusion, sparsity=np.eye(29))(X)


def test_what_is_no_vector_is_refused():
    with pytest.raises(NotDifferentiableError, match=r"as argument(.|\n)*shape \(2, 2\)"):
        sparse_jacobian(lambda x: x.ravel())(np.ones((2, 2)))
    with pytest.raises(NotDifferentiableError, match="as result"):
        sparse_jacobian(lambda x: x.sum())(X)


def test_infinite_and_nan_entries_do_not_hide_others():
    def program(x):
        y = np.zeros(3)
        y[0], y[2] = np.sqrt(x[0]), x[2]
        y[1] = x[1] * 2.0 + (x[2] * 3.0 if x[1] > 1.0 else 0.0)
        return y

    jacobian_of = sparse_jacobian(program)
    assert jacobian_of(np.array([1.0, 0.5, 1.0])).toarray()[1, 2] == 0.0
    with np.errstate(all="ignore"):
        found = jacobian_of(np.array([0.0, 2.0, 1.0])).toarray()
        np.testing.assert_array_equal(found, [[np.inf, 0.0, 0.0], [0.0, 2.0, 3.0], [0.0, 0.0, 1.0]])
