"""What NumPy's functions are called with, where a guess is not enough."""

from __future__ import annotations

import io

import numpy as np

from tests.coverage.measure import Case, call

_rng = np.random.default_rng(3)
X, Y, W = _rng.uniform(0.2, 0.9, 5), _rng.uniform(1.1, 1.9, 5), _rng.uniform(0.2, 0.9, 5)
A = _rng.normal(size=(3, 3)) + 3 * np.eye(3)
S = A @ A.T
B = _rng.normal(size=(3, 4))
T = _rng.normal(size=(2, 3, 4))
Z = _rng.normal(size=4) + 1j * _rng.normal(size=4)

# Tried one after the other where no case is written down.
GUESSES = [
    *[(a,) for a in (X, Y, A, S, B, T)],
    *[(X, Y), (A, B), (X, 2), (2, X), (X, Y, W), (Y, X, W), (2, 1, X), (1, 2, X), (A, 2), (X, (1,))],
    *[(X, Y, W, X), (2, X, Y), (2, 1, 0.5, X), ([X, Y],), ([A, B],), (float(X[0]), float(Y[0])), (0.3,)],
    *[(0.3, 0.8, 5), (0.3, 1.8, 7), (3, 0.3, 1.8)],
]

# Files, settings, types, dates, compiled objects: no number that varies goes through them.
NO_NUMBERS = frozenset(
    "busday_count busday_offset busdaycalendar can_cast common_type datetime_as_string datetime_data "
    "errstate finfo flatiter fromfile fromregex get_include get_printoptions getbufsize geterr geterrcall "
    "iinfo info is_busday isdtype isnat issubdtype load memmap min_scalar_type mintypecode ndarray "
    "printoptions promote_types recarray result_type set_printoptions setbufsize seterr seterrcall "
    "show_config show_runtime test typename ufunc".split()
)


def _filled(function, array, *args):
    """What is in an array after a function has changed it."""

    def program(a, *given):
        a = a * 1.0
        function(a, *given)
        return a

    return [Case(program, (array, *args))]


def _text(x):
    out = io.StringIO()
    np.savetxt(out, x)
    return np.loadtxt(out.getvalue().splitlines())


def _iterated(x):
    return [a * a for a in np.nditer(x)]


def _many_iterated(x):
    outer, inner = np.nested_iters(x, [[0], [1]])
    return [value * 1.0 for _ in outer for value in inner]


def _saved(x):
    np.save(out := io.BytesIO(), x)
    out.seek(0)
    return np.load(out)


def _saved_together(save):
    def program(x):
        save(out := io.BytesIO(), x)
        out.seek(0)
        return np.load(out)["arr_0"]

    return program


CASES = {
    "angle": [call(np.angle, Z)],
    "apply_along_axis": [Case(lambda a: np.apply_along_axis(lambda r: r * r.sum(), 1, a), (A,))],
    "apply_over_axes": [Case(lambda a: np.apply_over_axes(np.sum, a, [0, 1]), (A,))],
    "around": [call(np.around, X, 1)],
    "astype": [call(np.astype, X, float)],
    "base_repr": [Case(lambda x: np.base_repr(int(x)), (3.3,))],
    "binary_repr": [Case(lambda x: np.binary_repr(int(x)), (3.3,))],
    "bincount": [Case(lambda w: np.bincount([0, 2, 1, 2, 0], w), (X,))],
    "broadcast": [Case(lambda x, y: [a * b for a, b in np.broadcast(x, y)], (X, Y))],
    "broadcast_shapes": [Case(lambda x: np.broadcast_shapes(x.shape, (1,)), (X,))],
    "broadcast_to": [call(np.broadcast_to, X, (2, 5))],
    "copyto": _filled(np.copyto, X, Y),
    "cross": [call(np.cross, A[0], A[1])],
    "diag_indices": [Case(lambda x: np.diag_indices(len(x)), (X,))],
    "dsplit": [call(np.dsplit, T, 2)],
    "empty": [Case(lambda x: np.empty(len(x)).shape, (X,))],
    "empty_like": [Case(lambda x: np.empty_like(x).shape, (X,))],
    "eye": [Case(lambda x: np.eye(3) * 1, (X,))],
    "fill_diagonal": _filled(np.fill_diagonal, A, 0.7),
    "fromfunction": [Case(lambda x: np.fromfunction(lambda i, j: x * i + j, (2, 5)), (X,))],
    "fromiter": [Case(lambda x: np.fromiter((a * a for a in x), float), (X,))],
    "frompyfunc": [Case(lambda x: np.frompyfunc(lambda a: a * a, 1, 1)(x).astype(float), (X,))],
    "fromstring": [Case(lambda x: np.fromstring(" ".join(map(str, x)), sep=" "), (X,))],
    "full": [Case(lambda x: np.full(3, x), (0.3,))],
    "genfromtxt": [Case(lambda x: np.genfromtxt([str(a) for a in x]), (X,))],
    "identity": [Case(lambda x: np.identity(3) * 1, (X,))],
    "imag": [call(np.imag, Z)],
    "indices": [Case(lambda x: np.indices(x.shape), (A,))],
    "insert": [call(np.insert, X, 1, 0.3)],
    "intersect1d": [Case(lambda x, y: np.intersect1d(np.concatenate([x, y]), x), (X, Y))],
    "ix_": [call(np.ix_, X, Y)],
    "interp": [call(np.interp, X, np.sort(Y) - 1.0, W)],
    "median": [call(np.median, A)],
    "nanmedian": [call(np.nanmedian, A)],
    "iterable": [call(np.iterable, X)],
    "ldexp": [call(np.ldexp, X, np.array([1, 2, 3, 0, 1]))],
    "loadtxt": [Case(_text, (X,))],
    "mask_indices": [Case(lambda x: x[np.mask_indices(3, np.triu)], (A,))],
    "matvec": [call(np.matvec, A, B[:, 0])],
    "moveaxis": [call(np.moveaxis, T, 0, 1)],
    "ndenumerate": [Case(lambda x: [v * (1 + i[0]) for i, v in np.ndenumerate(x)], (A,))],
    "ndindex": [Case(lambda x: [x[i] * x[i] for i in np.ndindex(*x.shape)], (A,))],
    "nditer": [Case(_iterated, (A,))],
    "nested_iters": [Case(_many_iterated, (A,))],
    "ones": [Case(lambda x: np.ones(len(x)) * 1, (X,))],
    "packbits": [Case(lambda x: np.packbits(x > 0.5), (X,))],
    "piecewise": [
        Case(lambda x: np.piecewise(x, [x < 0.5, x >= 0.5], [lambda v: v * v, lambda v: 3 * v]), (X,))
    ],
    "place": _filled(lambda a, v: np.place(a, a > 0.5, v), X, Y),
    "poly1d": [Case(lambda c, x: np.poly1d(c)(x), (X, 0.7))],
    "polyfit": [Case(lambda x, y: np.polyfit(x, y, 2), (X, Y))],
    "put": _filled(lambda a, v: np.put(a, [0, 2], v), X, Y[:2]),
    "put_along_axis": _filled(
        lambda a, v: np.put_along_axis(a, np.array([[0], [1], [0]]), v, 1), A, B[:, :1]
    ),
    "putmask": _filled(lambda a, v: np.putmask(a, a > 0.5, v), X, Y),
    "ravel_multi_index": [Case(lambda x: np.ravel_multi_index(np.nonzero(x > 0.5), x.shape), (X,))],
    "reshape": [call(np.reshape, B, (4, 3))],
    "rollaxis": [call(np.rollaxis, T, 2)],
    "round": [call(np.round, X, 1)],
    "save": [Case(_saved, (X,))],
    "savetxt": [Case(_text, (X,))],
    "savez": [Case(_saved_together(np.savez), (X,))],
    "savez_compressed": [Case(_saved_together(np.savez_compressed), (X,))],
    "select": [Case(lambda x, y: np.select([x > 0.5, y > 1.5], [x * y, y], 0.3), (X, Y))],
    "swapaxes": [call(np.swapaxes, T, 0, 2)],
    "take_along_axis": [Case(lambda x: np.take_along_axis(x, np.argsort(x, 1), 1), (A,))],
    "tensordot": [call(np.tensordot, A, B, 1)],
    "tri": [Case(lambda x: np.tri(3) * 1, (X,))],
    "unpackbits": [Case(lambda x: np.unpackbits(np.packbits(x > 0.5)), (X,))],
    "unravel_index": [Case(lambda x: np.unravel_index(np.argmax(x), x.shape), (A,))],
    "vectorize": [Case(lambda x: np.vectorize(lambda a: a * a if a > 0.5 else a)(x), (X,))],
    "vsplit": [call(np.vsplit, B, 3)],
    "zeros": [Case(lambda x: np.zeros(len(x)) * 1, (X,))],
    "zeros_like": [call(np.zeros_like, X)],
    "fft.fftfreq": [call(np.fft.fftfreq, 5, 0.3)],
    "fft.rfftfreq": [call(np.fft.rfftfreq, 5, 0.3)],
    "kaiser": [call(np.kaiser, 6, 2.5)],
    "linalg.eig": [Case(lambda a: np.linalg.eig(a)[0], (np.diag([1.0, 2.0, 4.0]) + 0.1 * A,))],
    "linalg.eigh": [Case(lambda a: np.linalg.eigh(a + a.T)[1] ** 2, (A,))],
    "linalg.matrix_power": [call(np.linalg.matrix_power, A, 3)],
    "linalg.multi_dot": [Case(lambda a, b: np.linalg.multi_dot([a, a, b]), (A, B))],
    "linalg.qr": [Case(lambda a: np.linalg.qr(a)[1] ** 2, (A,))],
    "linalg.svd": [Case(lambda a: np.linalg.svd(a, full_matrices=False)[1], (B,))],
    "linalg.tensorinv": [Case(lambda a: np.linalg.tensorinv(a.reshape(3, 3), 1), (A,))],
    "linalg.tensorsolve": [call(np.linalg.tensorsolve, A, B[:, 0])],
    "linalg.tensordot": [Case(lambda a, b: np.linalg.tensordot(a, b, axes=1), (A, B))],
    "linalg.matmul": [call(np.linalg.matmul, A, B)],
    "linalg.solve": [call(np.linalg.solve, A, B)],
    "linalg.lstsq": [Case(lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], (B.T, X[:4]))],
    "linalg.cross": [call(np.linalg.cross, A[0], A[1])],
    "linalg.cholesky": [Case(lambda a: np.linalg.cholesky(a @ a.T), (A,))],
}
