"""``scipy.linalg``: decompositions, subspaces, banded matrices and Riccati equations against differences."""

import numpy as np
import pytest
import scipy.linalg as sl

from tests.rules.all_ways import check_all_ways
from workbench import gradient
from workbench.errors import MissingRuleError

A = np.array([[2.0, 0.3, -0.1, 0.4], [0.5, 1.5, 0.2, 0.1], [-0.4, 0.2, 3.0, 0.6], [0.2, 0.7, 0.1, 0.8]])
B = np.array([[0.3, -1.2], [1.1, 0.4], [0.6, 0.9], [0.2, -0.5]])
S = A + A.T
C = A + 1j * np.sin(np.arange(16.0).reshape(4, 4))
TALL = np.vstack([A, np.cos(np.arange(8.0) ** 2).reshape(2, 4)])
Q, R = np.eye(4) + 0.1 * S, np.array([[1.0, 0.2], [0.2, 0.7]])
D, E = np.array([1.0, 2.0, 0.5, 0.7]), np.array([0.3, -0.4, 0.6])
BAND = np.array([[0.0, 0.0, 0.2, -0.1], [0.0, 0.3, 0.2, 0.1], [2.0, 3.0, 2.5, 4.0]])
LOW = np.array([[2.0, 3.0, 2.5, 4.0], [0.3, 0.2, 0.1, 0.0]])


def symmetric(x):
    return x + x.T


PROGRAMS = {
    "schur": (lambda a: (sl.schur(a)[0] ** 2, sl.schur(a)[1] ** 2), S + np.diag([0.0, 1.0, 2.0, 0.0])),
    "schur of any": (lambda a: sl.schur(a)[0] ** 2, S + 0.3 * A + np.diag([0.0, 1.0, 2.0, 0.0])),
    "schur complex": (lambda a: np.abs(sl.schur(a)[0]) + np.abs(sl.schur(a)[1]), C),
    "schur to complex": (lambda a: np.abs(sl.schur(a, output="complex")[0]), A - 2.0 * A.T),
    "hessenberg": (lambda a: sl.hessenberg(a), A),
    "hessenberg q": (lambda a: sl.hessenberg(a, calc_q=True, overwrite_a=True), A),
    "hessenberg complex": (lambda a: sl.hessenberg(a, calc_q=True), C),
    "rq": (lambda a: sl.rq(a), A),
    "rq complex": (lambda a: sl.rq(a), C),
    "rq wide": (lambda a: sl.rq(a, mode="economic"), A[:2]),
    "rq tall": (lambda a: sl.rq(a), TALL),
    "rq r": (lambda a: sl.rq(a, mode="r"), TALL[:5]),
    "qr tall full": (lambda a: sl.qr(a), TALL),
    "qr tall full complex": (lambda a: sl.qr(a), C[:, :2]),
    "qr tall r": (lambda a: sl.qr(a, mode="r")[0], TALL),
    "qr tall full pivoting": (lambda a: sl.qr(a, pivoting=True)[:2], TALL),
    "ldl": (lambda a: sl.ldl(a)[:2], S),
    "ldl upper": (lambda a: sl.ldl(a, lower=False)[:2], S),
    "ldl hermitian": (lambda a: sl.ldl(a @ a.conj().T)[:2], C),
    "null space": (lambda a: sl.null_space(a), A[:3]),
    "orth": (lambda a: sl.orth(a), TALL),
    "procrustes": (lambda a, b: sl.orthogonal_procrustes(a, b), TALL, TALL[::-1] + 1.0),
    "angles": (lambda a, b: sl.subspace_angles(a, b), TALL[:, :2], TALL[:, 1:3] + 0.3),
    "funm": (lambda a: sl.funm(a, np.sinh), A),
    "funm complex": (lambda a: sl.funm(a, lambda z: z**3 + 1.0), C),
    "tridiagonal": (lambda d, e: sl.eigh_tridiagonal(d, e), D, E),
    "tridiagonal values": (lambda d, e: sl.eigh_tridiagonal(d, e, eigvals_only=True), D, E),
    "tridiagonal part": (lambda d, e: sl.eigh_tridiagonal(d, e, select="i", select_range=(1, 2)), D, E),
    "tridiagonal range": (lambda d, e: sl.eigvalsh_tridiagonal(d, e, select="v", select_range=(0.4, 2.9)), D, E),
    "eig_banded": (lambda a: sl.eig_banded(a), BAND),
    "eig_banded lower": (lambda a: sl.eig_banded(a, lower=True, select="i", select_range=(0, 1)), LOW),
    "eigvals_banded": (lambda a: sl.eigvals_banded(a + 0.1j * (np.arange(2) > 0)[:, None], lower=True), LOW),
    "cholesky_banded": (lambda a: sl.cholesky_banded(a), BAND),
    "cholesky_banded lower": (lambda a: sl.cholesky_banded(a, lower=True), LOW),
    "cho_solve_banded": (lambda a, b: sl.cho_solve_banded((sl.cholesky_banded(a), False), b), BAND, B),
    "cho_solve_banded lower": (lambda a, b: sl.cho_solve_banded((sl.cholesky_banded(a, lower=True), True), b), LOW, D),
    "care": (lambda a, b, q, r: sl.solve_continuous_are(a, b, symmetric(q), symmetric(r)), A, B, Q, R),
    "care e s": (lambda a, e, s: sl.solve_continuous_are(a, B, Q, R, e=e, s=s), A, np.eye(4) + 0.1 * A, 0.1 * B),
    "dare": (lambda a, b, q, r: sl.solve_discrete_are(a, b, symmetric(q), symmetric(r)), 0.4 * A, B, Q, R),
    "dare e s": (lambda a, e, s: sl.solve_discrete_are(a, B, Q, R, e=e, s=s), A, np.eye(4) + 0.1 * A, 0.1 * B),
}  # fmt: skip
TWICE = {
    "hessenberg q",
    "rq",
    "ldl",
    "null space",
    "qr tall full",
    "cho_solve_banded",
    "care",
    "dare",
    "schur of any",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    program, *args = PROGRAMS[name]
    check_all_ways(program, *args, second=name in TWICE)


def test_stacks_and_names():
    stack, band = np.stack([S, S + np.diag([0.0, 1.0, 2.0, 0.0])]), np.stack([BAND, BAND + 0.1])
    check_all_ways(
        lambda a: (sl.hessenberg(a), sl.ldl(a)[1], sl.qr(a[:, :, :2])[1], sl.rq(a)[0]), stack, second=False
    )
    check_all_ways(
        lambda a: (sl.schur(a)[0] ** 2, sl.null_space(a[:, :3]), sl.orth(a)[:, 0] ** 2), stack, second=False
    )
    check_all_ways(lambda b: (sl.eigvals_banded(b), sl.cholesky_banded(b)), band, second=False)
    check_all_ways(
        lambda a: (sl.ldl(A=a)[1], sl.null_space(A=a[:3]), sl.eigvals_banded(a_band=BAND + a[0])),
        S,
        second=False,
    )


@pytest.mark.parametrize(
    "program",
    [
        lambda a: sl.schur(np.eye(4) + 0.0 * a)[0],
        lambda a: sl.null_space(a[:2]),
        lambda a: sl.null_space(a - a[:1]),
        lambda a: sl.orth(a - a[:1]),
        lambda a: sl.rq(a[:2])[1],
        lambda a: sl.ldl(np.array([[0.0, 1.0], [1.0, 0.0]]) * a[0, 0])[1],
        lambda a: sl.funm(a, np.sinh, disp=False)[0],
        lambda a: sl.qr(np.eye(4, 2) * a[:, :2])[0],
    ],
)
def test_refused(program):
    with pytest.raises(MissingRuleError, match="scipy"):
        gradient(lambda a: program(a).sum())(A)
