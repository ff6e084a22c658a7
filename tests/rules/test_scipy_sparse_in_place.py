"""Sparse matrices changed in place, and the matrices and arrays that hold the same elements, as SciPy has it."""

import numpy as np
import pytest
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from tests.rules.all_ways import check_all_ways, check_value

ROWS, COLUMNS = np.array([0, 0, 1, 1, 2, 3, 3, 4, 4, 2]), np.array([0, 2, 1, 4, 2, 3, 0, 4, 1, 3])
D = np.array([3.0, 0.5, 4.2, -0.7, 5.1, 2.6, 0.4, 6.3, 0.8, -0.6])
V = np.array([1.0, -2.0, 0.5, 0.3, 1.4])
FORMATS = "csr csc coo bsr dia lil dok".split()


def made(d, form):
    return ss.coo_array((1.0 * d, (ROWS, COLUMNS)), shape=(5, 5)).asformat(form)


def set_one(a):
    a[0, 0] = 7.0


def set_data(a):
    a.data[0] = 5.0


def emptied(a):
    a.data[2] = 0.0
    a.eliminate_zeros()


def pruned(a):
    a.prune()
    a.data[0] = 2.0


IN_PLACE = {
    "set_one": (set_one, "csr csc lil dok"),
    "setdiag": (lambda a: a.setdiag(3.0), "csr csc coo dia lil dok"),
    "set_data": (set_data, "csr csc coo bsr dia"),
    "eliminate_zeros": (emptied, "csr csc coo bsr"),
    "prune": (pruned, "csr csc bsr"),
    "smaller": (lambda a: a.resize(3, 3), "csr csc coo lil dok"),
    "larger": (lambda a: a.resize(6, 6), "csr csc coo lil dok"),
    "imul": (lambda a: a.__imul__(3.0), FORMATS),
}
CASES = [
    (name, form)
    for name, (_, forms) in IN_PLACE.items()
    for form in (forms.split() if isinstance(forms, str) else forms)
]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_a_transpose_sees_what_is_changed_in_place(name, form):
    def program(d):
        a = made(d, form)
        turned = a.T
        IN_PLACE[name][0](a)
        return turned @ V, a.sum(axis=0), float(a.nnz)

    check_value(program, D)
    check_all_ways(program, D, second=False)


@pytest.mark.parametrize("form", FORMATS)
def test_an_array_to_write_into(form):
    def program(d):
        whole, turned = np.ones((5, 5)), np.ones((5, 5))
        made(d, form).toarray(out=whole)
        return whole, made(d, form).T.toarray(None, turned) @ V

    check_value(program, D)
    check_all_ways(program, D)


def coordinates_of_blocks(d):
    a = made(d, "bsr")
    a.tocoo(copy=False).data[0] = 2.0
    return a @ V


def diagonal_written(d):
    a = made(d, "dia")
    a.diagonal()[0] = 9.0
    return a @ V


def a_copy_asked_for(d):
    a = made(d, "csr")
    ss.csr_array(a, copy=True).data[0] = 2.0
    return a @ V


def found_without_zeros(d):
    a = made(d, "dia")
    return ss.find(a)[2], ss.triu(made(d, "dok")) @ V, ss.hstack([made(d, "dok")] * 2) @ np.r_[V, V]


@pytest.mark.parametrize(
    "program", [coordinates_of_blocks, diagonal_written, a_copy_asked_for, found_without_zeros]
)
def test_what_shares_memory_and_what_does_not(program):
    check_value(program, D)
    check_all_ways(program, D)


def test_eigenvalues_of_an_operator_on_vectors_with_one_axis():
    def along(d):
        def product(v):
            return np.fft.ifft(np.fft.fft(v) * np.arange(1.0, 6.0)[[0, 1, 2, 2, 1]]).real + d[:5] * v

        return sl.eigsh(sl.LinearOperator((5, 5), product, dtype=float), k=2, v0=V)[0]

    check_all_ways(along, D)
