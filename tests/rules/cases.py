"""At least one case for every registered rule and elementwise function: its arguments, away from kinks."""

from __future__ import annotations

import cmath
from collections.abc import Callable
from typing import Any

import numpy as np

_rng = np.random.default_rng(7)
X = _rng.uniform(0.2, 0.9, 5)
Y = _rng.uniform(1.1, 1.9, 5)
A = _rng.normal(size=(3, 3)) + 3 * np.eye(3)
B = _rng.normal(size=(3, 4))
S = A @ A.T
TURNS = np.array([[0.5, -2.0, 0.3], [1.0, 0.2, -0.4], [0.2, 0.7, 3.0]])  # two of its eigenvalues are complex
Z = _rng.normal(size=4) + 1j * _rng.normal(size=4)
V = _rng.normal(size=3)
K = A + 1j * np.cos(np.arange(9.0)).reshape(3, 3)
T3 = _rng.normal(size=(2, 3, 4))

RULE_CASES: dict[Callable, list[tuple[tuple, dict[str, Any]]]] = {
    np.sum: [((B,), {}), ((B, 0), {}), ((B,), {"axis": 1, "keepdims": True}), ((X,), {"where": X > 0.5})],
    np.nansum: [((B,), {"axis": 0})],
    np.mean: [
        ((B,), {}),
        ((B, 1), {}),
        ((T3,), {"axis": (0, 2)}),
        ((B, 0), {"where": np.arange(12).reshape(3, 4) % 3 > 0}),
    ],
    np.max: [
        ((B,), {"where": B < 1, "initial": -9.0}),
        ((B,), {}),
        ((B, 1), {}),
        ((B,), {"axis": 0, "keepdims": True}),
    ],
    np.min: [((B,), {}), ((B,), {"axis": -1})],
    np.nanmax: [((B,), {"axis": 0})],
    np.nanmin: [((B,), {})],
    np.var: [
        ((B,), {"correction": 1}),
        ((B, 1), {"where": B > -1, "ddof": 0.5}),
        ((Z,), {}),
        ((B,), {}),
        ((B,), {"axis": 0, "ddof": 1}),
    ],
    np.std: [
        ((B,), {"correction": 1}),
        ((B,), {"where": B > -0.5}),
        ((B,), {}),
        ((B,), {"axis": 1, "keepdims": True}),
    ],
    np.prod: [
        ((B,), {"initial": 2.0}),
        ((B, 1), {"where": B > -0.5}),
        ((B,), {}),
        ((B, 0), {}),
        ((np.array([2.0, 0.0, 3.0]),), {}),
    ],
    np.matmul: [
        ((A, B), {}),
        ((V, A), {}),
        ((A, V), {}),
        ((V, V), {}),
        ((T3, B.T), {}),
        ((T3[0], T3.mT), {}),
    ],
    np.dot: [((A, B), {}), ((V, V), {}), ((2.0, B), {}), ((T3, B.T), {}), ((T3, T3.mT), {}), ((A, V), {})],
    np.inner: [((A, A), {}), ((V, A), {}), ((T3, B), {})],
    np.tensordot: [((A, B, 1), {}), ((T3, T3), {"axes": ([0, 2], [0, 2])}), ((T3, B, [[2, 1], [1, 0]]), {})],
    np.interp: [
        ((X, np.array([0.0, 0.5, 1.0]), V), {}),
        ((X * 2, np.array([0.5, 0.7, 1.0]), V), {"left": 0}),
        ((X * 2, np.array([0.5, 0.7, 1.0]), Z[:3], None, 1), {}),
    ],
    np.conjugate: [((Z,), {})],
    np.sign: [((Z,), {})],
    np.clip: [((B, -0.5, 0.5), {}), ((B, np.full(4, -0.3), 0.4), {}), ((B,), {"min": 0.1})],
    np.cumsum: [((B,), {}), ((B, 1), {}), ((B,), {"axis": 0})],
    np.bincount: [((np.array([2, 0, 2]), V), {}), ((np.array([1, 1, 0]), V, 5), {})],
    np.convolve: [((X, V), {}), ((V, X, "same"), {}), ((X, V[:2], "same"), {}), ((Z, V), {"mode": "valid"})],
    np.correlate: [((X, V, m), {}) for m in ("full", "same", "valid")]
    + [((Z[:2], Z, m), {}) for m in ("full", "same", "valid")],
    np.vecdot: [((X, Y), {}), ((Z, np.exp(1j * Z)), {}), ((B, X[:4]), {})],
    np.matvec: [((A, V), {}), ((T3, Z), {})],
    np.vecmat: [((V, B), {}), ((Z[:3], T3), {})],
    np.einsum: [
        (("ij,jk->ik", A, B), {}),
        (("ij,ij", A, S), {}),
        (("i,j->ij", X, Y), {}),
        (("...i->...", T3), {}),
        (("i...->...", T3), {}),
        (("ij,jk,kl", A, B, B.T), {"optimize": True}),
        (("ij,...j->i...", B, T3), {}),
        (("...j,...j->...", T3, T3[0]), {}),
        (("ab,b,->b", B, X[:4], 2.0), {}),
        (("ij,jk->ik", Z[:, None], np.exp(Z[None])), {}),
        (("jk...,lj...->lk...", B.T, T3.transpose(0, 2, 1)), {}),
        (("j...k,lj...->lk...", B.T, A @ np.ones((3, 4))), {}),
        (("j...k,lj...->lk...", B.T[:, :2], T3[:, :, :4].transpose(1, 2, 0)), {}),
        (("i...,...->i...", T3[:, :1], A[:, :1] * B), {}),
        (("...i,...i", T3, B[:1]), {}),
        (("ij,ij->", A[:, :1], S), {}),
    ],
    np.nan_to_num: [
        ((X,), {}),
        ((X, True, 0.3, 2.0), {}),
        ((X,), {"nan": 1.0, "posinf": 2.0}),
        ((Z,), {"copy": True}),
    ],
    np.real: [((Z,), {})],
    np.imag: [((Z,), {})],
    np.real_if_close: [((X,), {})],
    np.i0: [((X,), {}), ((np.array([0.0, -0.3, 12.0]),), {})],
    np.sinc: [((X,), {}), ((np.array([0.0, 0.01, -0.049, 0.051, 2.0, -1.3]),), {}), ((0.3 + 0.2j * X,), {})],
    np.trace: [((A,), {}), ((T3, 1, 2, 0), {}), ((B,), {"offset": -1})],
    np.linalg.cholesky: [((S,), {})],
    np.linalg.det: [((A,), {})],
    np.linalg.slogdet: [((A,), {})],
    np.linalg.inv: [((A,), {})],
    np.linalg.pinv: [((B,), {})],
    np.linalg.solve: [((A, B), {}), ((A, V), {})],
    np.linalg.lstsq: [((B.T, X[:4]), {"rcond": None})],
    np.fft.fft: [((Z,), {}), ((X,), {}), ((Z, 6), {}), ((Z, 3), {})],
    np.fft.ifft: [((Z,), {}), ((X, 8), {"norm": "forward"}), ((B, 2, 0, "ortho"), {})],
    np.fft.rfft: [
        ((X,), {}),
        ((X[:4],), {}),
        ((X, 7), {}),
        ((B,), {"axis": 0, "norm": "ortho"}),
        ((X, 4), {}),
    ],
    np.fft.irfft: [((Z,), {}), ((Z, 7), {}), ((Z, 5, -1, "ortho"), {})],
}
RULE_CASES[np.amax], RULE_CASES[np.amin] = RULE_CASES[np.max], RULE_CASES[np.min]
for _name in "acos acosh asin asinh atan atanh cos cosh exp log log10 sin sinh sqrt tan tanh".split():
    RULE_CASES[getattr(cmath, _name)] = [((np.array(0.3 + 0.7j),), {})]

# rules whose results are fixed only up to a sign or a rotation: checked through what does not depend on it
INVARIANTS: dict[Callable, list[tuple[Callable, tuple]]] = {
    np.linalg.eigvalsh: [
        (np.linalg.eigvalsh, (S,)),
        (lambda s: np.linalg.eigvalsh(s, "U"), (S + np.triu(A),)),
    ],
    np.linalg.eigvals: [(lambda a: np.abs(np.linalg.eigvals(a)) ** 3, (A + np.diag([0.0, 5.0, 9.0]),))],
    np.linalg.svdvals: [(np.linalg.svdvals, (B,)), (np.linalg.svdvals, (T3,))],
    np.linalg.eigh: [
        (lambda a, b: np.abs(np.linalg.eigh(a + a.T + 1j * (b - b.T))[1]) ** 2, (S, A)),
        (lambda s: np.linalg.eigh(s + s.T)[0], (S,)),
        (lambda s: np.linalg.eigh(s + s.T)[1] ** 2, (S,)),
    ],
    np.linalg.eig: [
        (lambda a: np.abs(np.linalg.eig(a)[0]) ** 2, (np.diag([1.0, 2.0, 4.0]) + 0.1 * A,)),
        (np.linalg.eig, (TURNS,)),
        (np.linalg.eig, (TURNS + 1j * np.diag([1.0, 2.0, 4.0]),)),
        (np.linalg.eig, (np.stack([TURNS, 2.0 * TURNS.T + np.eye(3)]),)),
    ],
    np.linalg.svd: [
        (lambda a: np.linalg.svd(a, full_matrices=False)[1], (B,)),
        (
            lambda a: (lambda u, s, v: (u * s) @ v + u**2 @ (v**2))(*np.linalg.svd(a, full_matrices=False)),
            (B,),
        ),
    ],
    np.var: [
        (lambda a, m: np.var(a, axis=0, mean=m[None], ddof=1), (B, B[0] * 1.5)),
        (lambda a, d: np.var(a, axis=0, ddof=d) + a.std(0, ddof=d), (B, 0.5)),
    ],
    np.std: [(lambda a, m: np.std(a, 1, mean=m[:, None], where=a > -1), (B, B[:, 0]))],
    np.linalg.qr: [
        (lambda a: (lambda q, r: (q**2) @ r**2)(*np.linalg.qr(a)), (B.T,)),
        (lambda a: tuple(np.linalg.qr(a)), (K,)),
        (lambda a: np.linalg.qr(a, "r"), (B.T,)),
        (lambda a: tuple(np.linalg.qr(a[:, :2])), (K,)),
    ],
    np.linalg.pinv: [(np.linalg.pinv, (x,)) for x in (B, B.T, K, K[:, :2], K[:2], np.stack([K, K.T]))],
    np.linalg.slogdet: [(lambda a: tuple(np.linalg.slogdet(a)), (x,)) for x in (A, K, np.stack([K, K.T]))],
}

# elementwise functions: arguments inside the domain of each
ELEMENTWISE: dict[str, tuple[Any, ...]] = {
    "arccosh": (Y,),
    "copysign": (X, -Y),
    "floor_divide": (np.array([5.5, 2.3, 7.7, 1.4, 3.3]), np.array([1.0, 0.6, 2.0, 0.4, 0.7])),
    "heaviside": (X, Y),
    "ldexp": (X, np.array([1, 2, 3, -1, 0])),
    "remainder": (Y, X),
    "fmod": (Y, X),
}
