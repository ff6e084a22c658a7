"""``scipy.linalg.blas`` and ``scipy.linalg.lapack``, called directly or by ``get_blas_funcs`` and ``get_lapack_funcs``.

Each routine exists for four types of numbers. A triangular or symmetric matrix is read in one triangle; what a routine
leaves in the other triangle of a result is what was there. An ``info`` other than 0 is LAPACK's way of saying that it
failed: of what it leaves behind then no derivative is known.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl
from scipy.linalg import blas, lapack

from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, add_constant
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.watch import call_watched
from workbench.autodiff.writing import set_item
from workbench.rules.implicit import unknown
from workbench.rules.scipy_linalg import dagger, of_triangle
from workbench.rules.stand_ins import must_agree, no_rule, settled, stands_in, with_value


def _routines(library: Any, names: str) -> list[Callable]:
    """The routines of these names, without the letter that says the type, as far as they exist."""
    found = [getattr(library, kind + name, None) for name in names.split() for kind in "sdcz"]
    return [routine for routine in found if routine is not None]


def _of_blas(names: str) -> Callable:
    return stands_in(*_routines(blas, names), overwrites=True)


def _vector(x: Any, n: Any = None, off: int = 0, inc: int = 1) -> Any:
    x = np.reshape(x, (-1,))[off::inc]
    return x if n is None else x[:n]


def _matrix(x: Any) -> Any:
    return np.reshape(x, (-1, 1)) if np.ndim(plain(x)) == 1 else x


def _turned(a: Any, trans: int) -> Any:
    """A, Aᵀ or Aᴴ."""
    turn = (lambda a: a, np.transpose, dagger)[int(trans)]
    return turn(_matrix(a))


def _triangle(a: Any, lower: int, unit: int = 0) -> Any:
    keep = np.tril if lower else np.triu
    return keep(a, -1 if lower else 1) + np.eye(np.shape(plain(a))[-1]) if unit else keep(a)


def _symmetric(a: Any, lower: int) -> Any:
    side = np.tril(a, -1) if lower else np.triu(a, 1)
    return side + np.transpose(side) + a * np.eye(np.shape(plain(a))[-1])


def _hermitian(a: Any, lower: int) -> Any:
    return of_triangle(a, bool(lower))


def _real_diagonal(a: Any) -> Any:
    return a - 1j * np.imag(a) * np.eye(len(plain(a))) if np.iscomplexobj(plain(a)) else a


def _one_triangle(new: Any, lower: int, old: Any = None) -> Any:
    """One triangle of ``new``, and in the other one what is in ``old``."""
    kept = _triangle(new, lower)
    return kept if old is None else kept + (np.triu(old, 1) if lower else np.tril(old, -1))


def _added(product: Any, beta: Any, c: Any) -> Any:
    """A B + β C, where C is not read, and may hold anything, if β is 0."""
    unread = c is None or (not contains_traced(beta) and beta == 0)
    return product if unread else product + beta * c


# ------------------------------------------------------------------------------------ products


@_of_blas("gemm")
def _gemm(alpha, a, b, beta=0.0, c=None, trans_a=0, trans_b=0):
    return _added(alpha * np.matmul(_turned(a, trans_a), _turned(b, trans_b)), beta, c)


@_of_blas("gemv")
def _gemv(alpha, a, x, beta=0.0, y=None, offx=0, incx=1, offy=0, incy=1, trans=0):
    if (offy, incy) != (0, 1):
        raise ValueError("offy and incy")
    a = _turned(a, trans)
    return _added(alpha * np.matmul(a, _vector(x, np.shape(plain(a))[1], offx, incx)), beta, y)


def _of_symmetric(names: str, whole: Callable) -> None:
    """Products with matrices that are symmetric, or Hermitian."""
    times_matrix, times_vector, with_itself, with_another = names.split()

    @_of_blas(times_matrix)
    def symm(alpha, a, b, beta=0.0, c=None, side=0, lower=0):
        a = whole(a, lower)
        return _added(alpha * (np.matmul(b, a) if side else np.matmul(a, _matrix(b))), beta, c)

    @_of_blas(times_vector)
    def symv(alpha, a, x, beta=0.0, y=None, offx=0, incx=1, offy=0, incy=1, lower=0):
        if (offy, incy) != (0, 1):
            raise ValueError("offy and incy")
        a = whole(a, lower)
        return _added(alpha * np.matmul(a, _vector(x, len(plain(a)), offx, incx)), beta, y)

    turned = dagger if whole is _hermitian else np.transpose

    def updated(new, beta, c, lower):
        """A Hermitian update reads the real part of the diagonal alone."""
        read = _real_diagonal(c) if whole is _hermitian and c is not None else c
        return _one_triangle(_added(new, beta, read), lower, c)

    @_of_blas(with_itself)
    def syrk(alpha, a, beta=0.0, c=None, trans=0, lower=0):
        a = turned(_matrix(a)) if trans else _matrix(a)
        return updated(alpha * np.matmul(a, turned(a)), beta, c, lower)

    @_of_blas(with_another)
    def syr2k(alpha, a, b, beta=0.0, c=None, trans=0, lower=0):
        a, b = (turned(_matrix(x)) if trans else _matrix(x) for x in (a, b))
        half = alpha * np.matmul(a, turned(b))
        return updated(half + turned(half), beta, c, lower)


_of_symmetric("symm symv syrk syr2k", _symmetric)
_of_symmetric("hemm hemv herk her2k", _hermitian)


@_of_blas("ger geru")
def _ger(alpha, x, y, incx=1, incy=1, a=None):
    return _added(alpha * np.outer(_vector(x, None, 0, incx), _vector(y, None, 0, incy)), 1.0, a)


@_of_blas("gerc")
def _gerc(alpha, x, y, incx=1, incy=1, a=None):
    return _added(alpha * np.outer(_vector(x, None, 0, incx), np.conj(_vector(y, None, 0, incy))), 1.0, a)


@_of_blas("syr")
def _syr(alpha, x, lower=0, incx=1, offx=0, n=None, a=None):
    x = _vector(x, n, offx, incx)
    return _one_triangle(_added(alpha * np.outer(x, x), 1.0, a), lower, a)


@_of_blas("trmv")
def _trmv(a, x, offx=0, incx=1, lower=0, trans=0, diag=0):
    return np.matmul(_turned(_triangle(a, lower, diag), trans), x)


@_of_blas("trmm")
def _trmm(alpha, a, b, side=0, lower=0, trans_a=0, diag=0):
    a = _turned(_triangle(a, lower, diag), trans_a)
    return alpha * (np.matmul(b, a) if side else np.matmul(a, b))


def _solved(a: Any, b: Any, lower: int, trans: int, diag: int) -> Any:
    solve = resolve(sl.solve_triangular)
    return solve(a, b, lower=bool(lower), trans=int(trans), unit_diagonal=bool(diag))


@_of_blas("trsv")
def _trsv(a, x, incx=1, offx=0, lower=0, trans=0, diag=0):
    return _solved(a, x, lower, trans, diag)


@_of_blas("trsm")
def _trsm(alpha, a, b, side=0, lower=0, trans_a=0, diag=0):
    """X with op(A) X = α B, or X op(A) = α B."""
    if not side:
        return _solved(a, alpha * b, lower, trans_a, diag)
    if trans_a == 2:
        return dagger(_solved(a, dagger(alpha * b), lower, 0, diag))
    return np.transpose(_solved(a, np.transpose(alpha * b), lower, 0 if trans_a else 1, diag))


# ------------------------------------------------------------------------------------ vectors


@_of_blas("dot dotu")
def _dot(x, y, n=None, offx=0, incx=1, offy=0, incy=1):
    x, y = _vector(x, n, offx, incx), _vector(y, n, offy, incy)
    return np.sum(x * y)


@_of_blas("dotc")
def _dotc(x, y, n=None, offx=0, incx=1, offy=0, incy=1):
    x, y = _vector(x, n, offx, incx), _vector(y, n, offy, incy)
    return np.sum(np.conj(x) * y)


@stands_in(blas.snrm2, blas.dnrm2, blas.scnrm2, blas.dznrm2)
def _nrm2(x, n=None, offx=0, incx=1):
    return np.linalg.norm(_vector(x, n, offx, incx))


@stands_in(blas.sasum, blas.dasum, blas.scasum, blas.dzasum)
def _asum(x, n=None, offx=0, incx=1):
    x = _vector(x, n, offx, incx)
    return np.sum(np.abs(np.real(x)) + np.abs(np.imag(x)))


for _function in (blas.isamax, blas.idamax, blas.icamax, blas.izamax):
    add_constant(_function)


def _in_place(names: str, form: Callable, *places: str) -> None:
    """Routines that write their results into the arguments called ``places``, where these are arrays of their type."""
    signature = inspect.signature(form)

    def door(function: Callable) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            if not OPEN or not any(map(contains_traced, (*args, *kwargs.values()))):
                return call_watched(function, args, kwargs)
            try:
                given_by_name = signature.bind(*args, **kwargs).arguments
                found = form(**{name: settled(x) for name, x in given_by_name.items()})
            except (TypeError, ValueError) as error:
                raise no_rule(function, f"these arguments ({error})") from error
            bare = {name: plain(x) for name, x in given_by_name.items()}
            bare = {name: x.copy() if isinstance(x, np.ndarray) else x for name, x in bare.items()}
            value = function(**bare)
            results = value if isinstance(value, tuple) else (value,)
            must_agree(function, list(found), list(results))
            found = [with_value(one, own) for one, own in zip(found, results, strict=True)]
            for k, place in enumerate(places):
                given = plain(given_by_name[place])
                written = isinstance(given, np.ndarray) and np.shares_memory(bare[place], results[k])
                if written and given.flags.c_contiguous:  # SciPy copies what is not
                    set_item(found[k], given, ...)
                    found[k] = current(given_by_name[place])
            return tuple(found) if isinstance(value, tuple) else found[0]

        return call

    for function in _routines(blas, names):
        DOORS[function] = door(function)


_in_place("axpy", lambda x, y, n=None, a=1.0: (a * _vector(x, n) + y,), "y")
_in_place("scal", lambda a, x: (a * x,), "x")
_in_place("copy", lambda x, y: (1.0 * x,), "y")
_in_place("swap", lambda x, y: (1.0 * y, 1.0 * x), "x", "y")


@_of_blas("rot")
def _rot(x, y, c, s):
    return c * x + s * y, c * y - np.conj(s) * x


# ------------------------------------------------------------------------------------ LAPACK


def _of_lapack(name: str, parts: str) -> Callable:
    """Decorator: the form gives all results but ``info``; they have no known derivatives where that is not 0."""

    def register(form: Callable) -> Callable:
        for function in _routines(lapack, name):
            DOORS[function] = _unless_failed(function, form, parts.split())
        return form

    return register


def _unless_failed(function: Callable, form: Callable, parts: list[str]) -> Callable:
    stands_in(function, overwrites=True)(form)
    follow = DOORS[function]

    def call(*args: Any, **kwargs: Any) -> Any:
        if not OPEN or not any(map(contains_traced, (*args, *kwargs.values()))):
            return follow(*args, **kwargs)
        kept = {k: plain(v) for k, v in kwargs.items() if not k.startswith("overwrite_")}
        value = function(*map(plain, args), **kept)
        if value[-1] != 0:
            return (
                *[unknown(v, f"the factor's {n!r}") for n, v in zip(parts, value, strict=False)],
                value[-1],
            )
        return follow(*args, **kwargs)

    return call


def _cholesky(a: Any, lower: int) -> Any:
    return resolve(sl.cholesky)(a, lower=bool(lower))


@_of_lapack("potrf", "c")
def _potrf(a, lower=0, clean=1):
    return _one_triangle(_cholesky(a, lower), lower, None if clean else a), None


@_of_lapack("potrs", "x")
def _potrs(c, b, lower=0):
    return resolve(sl.cho_solve)((c, bool(lower)), b), None


@_of_lapack("potri", "inv_a")
def _potri(c, lower=0):
    """T Tᴴ or Tᴴ T for the inverse T of the factor.

    Of T's diagonal the real part is read, but for the last element; so it is up to the order 64, from which on LAPACK
    goes by blocks. (The factors that Cholesky's method makes have real diagonals.)
    """
    inverse = _solved(_triangle(c, lower), np.eye(len(plain(c))), lower, 0, 0)
    read = _real_diagonal(inverse)
    product = np.matmul(dagger(read), read) if lower else np.matmul(read, dagger(read))
    if np.iscomplexobj(plain(c)):
        last = np.diag(np.arange(len(plain(c))) == len(plain(c)) - 1)
        product = product + 1j * last * np.real(inverse) * np.imag(inverse)
    return _one_triangle(product, lower, c), None


@_of_lapack("posv", "c x")
def _posv(a, b, lower=0):
    factor = _cholesky(a, lower)
    return _one_triangle(factor, lower, a), resolve(sl.cho_solve)((factor, bool(lower)), b), None


@_of_lapack("getrf", "lu piv")
def _getrf(a):
    return resolve(sl.lu_factor)(a)[0], None, None


@_of_lapack("getrs", "x")
def _getrs(lu, piv, b, trans=0):
    return resolve(sl.lu_solve)((lu, plain(piv)), b, trans=int(trans)), None


@_of_lapack("getri", "inv_a")
def _getri(lu, piv, lwork=None):
    return resolve(sl.lu_solve)((lu, plain(piv)), np.eye(len(plain(lu)))), None


@_of_lapack("gesv", "lu piv x")
def _gesv(a, b):
    lu, pivots = resolve(sl.lu_factor)(a)
    return lu, None, resolve(sl.lu_solve)((lu, plain(pivots)), b), None


@_of_lapack("trtrs", "x")
def _trtrs(a, b, lower=0, trans=0, unitdiag=0):
    return _solved(a, b, lower, trans, unitdiag), None


@_of_lapack("trtri", "inv_c")
def _trtri(c, lower=0, unitdiag=0):
    inverse = _solved(c, np.eye(len(plain(c))), lower, 0, unitdiag)
    return _one_triangle(inverse - np.eye(len(plain(c))) * (1.0 - c) if unitdiag else inverse, lower, c), None
