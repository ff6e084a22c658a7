"""``scipy.optimize``: linear fits under bounds, isotonic regression and assignments, against differences."""

import numpy as np
import pytest
import scipy.optimize as so
import scipy.sparse as ss

from tests.rules.all_ways import check_all_ways
from workbench import check_gradient, gradient
from workbench.errors import DifferentiationError, MissingRuleError

A = np.random.default_rng(0).normal(size=(7, 4))
B = A @ np.array([1.0, -2.0, 0.5, -0.1]) + 0.1 * np.cos(np.arange(7.0))
Y = np.array([1.0, 3.0, 2.0, 2.5, 5.0, 4.0, 7.0])
W = np.array([1.0, 0.5, 2.0, 1.0, 0.7, 1.1, 0.3])
LOW, HIGH = np.array([-1.0, -1.0, 0.6, -9.0]), np.array([0.7, 1.0, 2.0, 9.0])


def test_nonnegative_least_squares():
    assert np.any(so.nnls(A, B)[0] == 0.0)
    check_all_ways(lambda a, b: so.nnls(a, b), A, B)
    check_all_ways(lambda a, b: so.nnls(a, b, maxiter=50), A[:3], B[:3])
    check_gradient(lambda b: so.nnls(A.tolist(), b)[0], -B)
    check_gradient(lambda x: so.nnls([[x, 1.0], [1.0, 2.0]], [1.0, x])[0], 0.7)


@pytest.mark.parametrize("method", ["trf", "bvls"])
def test_bounded_least_squares(method):
    def program(a, b, low, high):
        report = so.lsq_linear(a, b, (low, high), method=method, tol=1e-12)
        return report.x, report.fun, report.cost

    active = so.lsq_linear(A, B, (LOW, HIGH), method).active_mask
    assert -1 in active
    assert 1 in active
    check_all_ways(program, A, B, LOW, HIGH, rtol=1e-4)
    check_gradient(lambda a, b: so.lsq_linear(a, b, method=method).x, A, B)
    check_gradient(lambda b: so.lsq_linear(A, b, so.Bounds(LOW, HIGH), method).x, B, rtol=1e-4)


def test_isotonic_regression():
    check_all_ways(lambda y, w: so.isotonic_regression(y, weights=w).x, Y, W)
    check_gradient(lambda y: so.isotonic_regression(y, increasing=False).x, Y)
    check_gradient(lambda y, w: so.isotonic_regression(y, weights=w).weights * y[0], Y, W)


def test_assignment():
    def cost(c):
        rows, columns = so.linear_sum_assignment(c)
        return c[rows, columns].sum()

    check_gradient(cost, A[:4])


@pytest.mark.parametrize(
    "program",
    [
        lambda b: so.linprog(b[:4], A_ub=-A, b_ub=np.ones(7)).x.sum(),
        lambda b: so.lsq_linear(A, b).optimality * 1.0,
        lambda b: so.lsq_linear(ss.csr_array(A), b).x.sum(),
        lambda b: so.nnls(np.hstack([A, A[:, :1]]), b)[0][0],
        lambda b: so.quadratic_assignment(np.outer(b, b), A @ A.T).fun,
    ],
)
def test_refused(program):
    with pytest.raises(DifferentiationError, match=r"test_scipy_linear_fits\.py"):
        gradient(program)(B)


def test_kink():
    with pytest.raises(MissingRuleError, match="kink"):
        gradient(lambda b: so.nnls(np.eye(2), b)[0].sum())(np.array([1.0, 0.0]))
