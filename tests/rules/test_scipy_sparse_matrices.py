"""Sparse matrices and arrays in every format: their methods, their elements set, and what type they give."""

import numpy as np
import pytest
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from tests.rules.all_ways import check_all_ways
from workbench import check_gradient, gradient, hessian_vector_product, jacobian, pullback, pushforward
from workbench.errors import DifferentiationError, NotDifferentiableError

I, J = np.array([0, 0, 1, 1, 2, 3, 3, 4, 4, 2]), np.array([0, 2, 1, 4, 2, 3, 0, 4, 1, 3])
D = np.array([3.0, 0.5, 4.2, -0.7, 5.1, 2.6, 0.4, 6.3, 0.8, -0.6])
V = np.array([1.0, -2.0, 0.5, 0.3, 1.4])
M = np.diag(V) + 0.3 * np.outer(V, V)
C = ss.random_array((5, 5), density=0.5, rng=np.random.default_rng(0)).tocsr()

KINDS = [f"{f}_{kind}" for kind in ("matrix", "array") for f in "csr csc coo dia bsr lil dok".split()]


def made(d, kind):
    general = ss.coo_matrix if kind.endswith("matrix") else ss.coo_array
    return general((d, (I, J)), shape=(5, 5)).asformat(kind[:3])


def empty(kind):
    return getattr(ss, kind)((5, 5))


def reads(d, kind):
    a = made(d, kind)
    return a[1].toarray(), a[:, 1].toarray(), a[0, 2] * 2.0, a[[0, 2, 2]].toarray(), a[1:4, [0, 1]].toarray()


def reads_mask(d, kind):
    found = made(d, kind)[made(d, kind).toarray() > 1]
    return found.toarray() if ss.issparse(found) else found


def set_here_and_there(d, kind):
    a = empty(kind)
    a[-1, -2], a[0, :], a[1:3, 1:3] = d[0] * d[1], d[:5], np.outer(d[:2], d[2:4])
    a[[3, 4], [0, 1]] = d[4:6] ** 2
    a[1, 2] = a[1, 2] * d[1]
    a[a.toarray() > 4] = 1.0
    return a.tocsc() @ V


def assembled(d, kind):
    a = empty(kind)
    for k in range(4):
        a[k, k] += d[k]
        a[k, k + 1] -= d[k] * d[k + 1]
    return a.toarray()


def diagonals_set(d, kind):
    a = made(d, kind)
    a.setdiag(d[:5] ** 2 + 5.0)
    a.setdiag(values=d[5], k=1)
    return a.toarray()


def solved_after_filling(d, kind):
    a = empty(kind)
    a.setdiag(d[:5] ** 2 + 1.0)
    a.setdiag(d[5:9], 1)
    return sl.spsolve(a.tocsc(), V)


def changed(d, kind):
    a = made(d * 1.0, kind)
    a *= d[0]
    a /= 2.0
    b = a.copy()
    return (a + C).toarray() * b.toarray()


EVERYWHERE = {
    "sums": lambda d, kind: (
        made(d, kind).sum(axis=0),
        made(d, kind).sum(axis=1),
        made(d, kind).sum(),
        made(d, kind).mean(axis=-1),
    ),
    "todense": lambda d, kind: (made(d, kind).todense(), M + made(d, kind), made(d, kind) - M),
    "products": lambda d, kind: (made(d, kind) @ np.matrix(V).T, V @ made(d, kind), made(d, kind) * d[0] @ V),
    "traced matrix": lambda d, kind: np.matrix(d[:5]) @ made(d, kind),
    "formats": lambda d, kind: [getattr(made(d, kind), f"to{k[:3]}")().toarray() for k in KINDS[:7]],
    "elementwise": lambda d, kind: (made(d, kind).multiply(made(d, kind)) + made(d, kind)).toarray(),
    "larger": lambda d, kind: (made(d, kind).maximum(C) - made(d, kind).minimum(C)).toarray(),
    "diagonal": lambda d, kind: made(d, kind).diagonal() * made(d, kind).trace(),
    "reshape": lambda d, kind: made(d, kind).reshape((1, 25)).T.toarray(),
    "of dense": lambda d, kind: getattr(ss, kind)(np.outer(d, d)).toarray(),
}
BY_ITEMS = {f.__name__: f for f in (reads, reads_mask, set_here_and_there, assembled, solved_after_filling)}
OTHERS = {
    "changed": (changed, "csr csc coo dia bsr lil dok"),
    "diagonals_set": (diagonals_set, "csr csc coo dia lil dok"),
    "extremes": (
        lambda d, kind: (made(d, kind).max(axis=0).toarray(), made(d, kind).min(axis=1).toarray()),
        "csr csc coo",
    ),
}


def programs(kind):
    others = [f for f, kinds in OTHERS.values() if kind[:3] in kinds]
    items = BY_ITEMS.values() if kind[:3] in ("csr", "csc", "lil", "dok") else ()
    return [*EVERYWHERE.values(), *items, *others]


def everything(d, kind):
    """What all programs give, arrays of the class numpy.matrix among it."""
    found = [program(d, kind) for program in programs(kind)]
    return [part for one in found for part in (one if isinstance(one, tuple | list) else [one])]


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_methods(kind):
    own, traced = everything(D, kind), pullback(lambda d: everything(d, kind), D)[0]
    for one, other in zip(own, traced, strict=True):
        assert type(one) is type(other)
        assert one.dtype == other.dtype
        np.testing.assert_allclose(other, one, rtol=1e-15)
    second = kind in ("lil_matrix", "csc_array")
    check_all_ways(lambda d: [np.asarray(v) for v in everything(d, kind)], D, second=second)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "dok_matrix"])
def test_of_one_axis(kind):
    cls = getattr(ss, kind)
    if kind in ("csr_array", "coo_array", "dok_array"):
        check_all_ways(lambda x: (cls(x).toarray(), cls(x) @ x, x @ cls(x), cls(x).sum()), V)
    elif kind.endswith("matrix"):
        check_all_ways(lambda x: ss.vstack([cls(x), cls(x).multiply(cls(x))]).T.toarray(), V)


def test_rows_and_columns_of_matrices():
    check_all_ways(lambda d: made(d, "csr_matrix").getrow(1).toarray() * d[0], D)
    check_all_ways(lambda d: made(d, "csc_matrix").getcol(1).toarray() * d[0], D)
    check_all_ways(lambda d: sum(v * (i + 2 * j) for (i, j), v in made(d, "dok_array").items()), D)


def test_elements_given_twice_are_added_up():
    def program(d):
        a = ss.coo_array((d, ([0] * 5 + [1] * 5, [0, 0, 1, 1, 2] * 2)), shape=(2, 3))
        a.sum_duplicates()
        return a.toarray()

    check_all_ways(program, D)


def shared(x, form):
    a = getattr(ss, form)((x * 1.0, np.arange(5), np.arange(6)), shape=(5, 5))
    others = [a.T, getattr(ss, form)(a), a.tocsr(), a.tocsc(), a.tocoo(copy=False), a.copy(), a.reshape(5, 5)]
    for k, b in enumerate(others):
        b.data[k % 5] *= x[0]
        b.data += x[1]
    return [b.toarray() for b in (a, *others)]


def sorted_together(d):
    a = ss.csr_array((d[:4] * 1.0, np.array([1, 0, 2, 1]), np.array([0, 2, 4])), shape=(2, 3))
    b = a.T
    b.sort_indices()
    return a.toarray(), a.data, b.data


def of_an_array(x, copy):
    v = x * 1.0
    a = ss.csr_array((v, np.arange(5), np.arange(6)), shape=(5, 5), copy=copy)
    b = ss.coo_array((v, (np.arange(5), np.arange(5))), shape=(5, 5), copy=copy)
    v[0] = x[1] * x[2]
    a.data[1] = x[3]
    return a.toarray(), b.toarray(), v


@pytest.mark.parametrize(
    ("program", "x"),
    [
        (lambda x: shared(x, "csr_array"), V),
        (lambda x: shared(x, "csc_matrix"), V),
        (sorted_together, D),
        (lambda x: of_an_array(x, False), V),
        (lambda x: of_an_array(x, True), V),
    ],
)
def test_memory_is_shared_as_in_scipy(program, x):
    for one, other in zip(program(x), pullback(program, x)[0], strict=True):
        np.testing.assert_array_equal(one, other)
    check_all_ways(program, x)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "lil" not in kind])
def test_matrices_as_arguments_and_results(kind):
    """A cotangent and a tangent of a matrix have their elements where it has them."""
    dense = made(D, kind).toarray()
    a = getattr(ss, kind)(dense)
    keys = np.nonzero(dense)
    slope = gradient(lambda a: (a.T @ V) @ V * a.sum())(a)
    assert type(slope) is type(a)
    whole = np.outer(V, V) * dense.sum() + np.sum(np.outer(V, V) * dense)
    np.testing.assert_allclose(slope.toarray()[keys], whole[keys])
    assert np.array_equal(a.toarray(), dense)
    turned = hessian_vector_product(lambda a: (a @ V).sum() ** 2)(a, a)
    np.testing.assert_allclose(
        turned.toarray()[keys], np.broadcast_to(2.0 * np.sum(dense @ V) * V, (5, 5))[keys]
    )
    tangent = pushforward(lambda t: getattr(ss, kind)(dense * t), 2.0)[1](1.0)
    np.testing.assert_allclose(tangent.toarray(), dense)
    assert pullback(lambda t: getattr(ss, kind)(dense * t), 2.0)[1](a)[0] == pytest.approx(np.sum(dense**2))
    for program, x in ((lambda a: a.sum(), a), (lambda t: getattr(ss, kind)(dense * t), 2.0)):
        with pytest.raises(NotDifferentiableError, match="one real number or array"):
            jacobian(program)(x)


def test_more_than_two_axes():
    with pytest.raises(DifferentiationError, match="two axes"):
        gradient(lambda d: ss.coo_array((d, (I, J, I)), shape=(5, 5, 5)).sum(axis=1).sum())(D)


def test_what_is_left_is_plain():
    kept = [getattr(ss, f"{f}_array")((2, 2)) for f in ("lil", "dok", "csr")]

    def program(d):
        for a in kept:
            a[0, 1] = d[0] * d[1]
            a[1, :] = d[:2]
        return sum(a.sum() for a in kept)

    with pytest.warns(ss.SparseEfficiencyWarning):
        gradient(program)(D)
    for a in kept:
        np.testing.assert_allclose(a.toarray(), [[0.0, D[0] * D[1]], D[:2]])
        assert all(type(v) is np.float64 for v in a.tocoo().data)


def test_single_precision_stays():
    def program(d):
        a = made(d.astype(np.float32), "csr_array")
        return a.tolil().tocsc().data, a.sum(axis=0), ss.vstack([a, a]).toarray(), a[1].data

    for one, other in zip(program(D), pullback(program, D)[0], strict=True):
        assert one.dtype == other.dtype == np.float32


@pytest.mark.parametrize("method", "tocsr tocsc todia tobsr tolil todok toarray diagonal".split())
def test_elements_that_are_named_often_are_added_in_the_order_of_scipy(method):
    rng = np.random.default_rng(0)
    places = rng.integers(0, 4, 60), rng.integers(0, 4, 60)

    def program(x):
        made = getattr(ss.coo_array((x, places), shape=(4, 4)), method)()
        return made.toarray() if ss.issparse(made) else made

    x = rng.normal(size=60)
    assert np.array_equal(pullback(program, x)[0], program(x))
    check_gradient(lambda x: np.sum(program(x) ** 2), x)


def test_elements_that_are_named_twice_are_summed():
    def twice(d):
        return ss.csr_matrix((d, np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))

    def summed(d):
        a = twice(d)
        a.sum_duplicates()
        return a.data, a.indices.sum() + a.indptr.sum()

    def multiplied(d):
        return twice(d).multiply(twice(d[::-1])).toarray()

    others = lambda d: twice(d).power(2).toarray(), lambda d: twice(d).max(axis=0).toarray()
    for program in (summed, multiplied, *others):
        check_all_ways(program, D[:3])
        for one, other in zip(program(D[:3]), pullback(program, D[:3])[0], strict=True):
            np.testing.assert_array_equal(one, other)
