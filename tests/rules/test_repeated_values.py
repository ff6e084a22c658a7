"""Eigenvectors and singular vectors of values that are equal but for rounding have no derivative."""

import numpy as np
import pytest

from workbench import check_gradient, gradient

X = np.array([0.7, 1.3])


def _matrix(x):
    """One eigenvalue of its own, and 1 three times, or nearly: LAPACK gives 1 and 1 + 2e-16."""
    n = np.array([x[0], 0.3, -0.2, x[1]])
    return np.eye(4) + n[:, None] * n


def _root(x):
    values, vectors = np.linalg.eigh(_matrix(x))
    return ((vectors * np.sqrt(values)) @ vectors.T)[0].sum()


def _singular_root(x):
    u, s, vh = np.linalg.svd(_matrix(x))
    return ((u * np.sqrt(s)) @ vh)[0].sum()


def _root_of_any(x):
    values, vectors = np.linalg.eig(_matrix(x))
    return np.real(((vectors * np.sqrt(values)) @ np.linalg.inv(vectors))[0].sum())


@pytest.mark.parametrize("program", [_root, _singular_root, _root_of_any])
def test_they_are_nan_and_not_what_rounding_makes_of_them(program):
    assert np.isnan(gradient(program)(X)).all()


def _largest(x):
    values, vectors = np.linalg.eigh(_matrix(x))
    return vectors[0, -1] ** 2 * values[-1] + values.sum()


def _largest_of_any(x):
    values, vectors = np.linalg.eig(_matrix(x))
    k = np.argmax(np.real(values))
    return np.real(vectors[0, k] ** 2 * values[k] + values.sum())


@pytest.mark.parametrize("program", [_largest, _largest_of_any])
def test_vectors_of_other_values_have_derivatives(program):
    check_gradient(program, X)
