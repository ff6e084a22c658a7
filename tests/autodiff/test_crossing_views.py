"""Read-only views of memory that is written into later; parts of an array written onto each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from workbench.autodiff import gradient, hessian, pushforward
from workbench.checks import check_gradient
from workbench.errors import LostGradientError, MissingRuleError


def diagonal(w: np.ndarray, x: np.ndarray) -> float:
    y = x * w.diagonal()
    w *= 3.0
    return y.sum() + w.sum() ** 2


def of_a_function(w: np.ndarray, x: np.ndarray) -> float:
    w *= 2.0
    y = x * np.diag(w)
    w[1] = y
    return (y * w[1]).sum()


def windows(w: np.ndarray, x: np.ndarray) -> float:
    y = x * np.lib.stride_tricks.sliding_window_view(w.ravel(), 4)[2]
    w *= x
    return y.sum() + w[2, 3] * y[0]


def spread(w: np.ndarray, x: np.ndarray) -> float:
    rows = np.broadcast_to(w[1], (4, 4))
    y = x @ rows
    w[1] *= y
    return (w * w).sum()


@pytest.mark.parametrize("program", [diagonal, of_a_function, windows, spread])
def test_read_only_views_of_what_is_written_later(program: Callable) -> None:
    rng = np.random.default_rng(3)
    w, x, dw, dx = rng.normal(size=(4, 4)), rng.normal(size=4), rng.normal(size=(4, 4)), rng.normal(size=4)
    check_gradient(program, w, x)
    by_w, by_x = gradient(program, wrt=(0, 1))(w, x)
    _, push = pushforward(program, w, x)
    np.testing.assert_allclose(push(dw, dx), (by_w * dw).sum() + by_x @ dx, rtol=1e-12)


def column_from_row(w: np.ndarray) -> float:
    w.T[2] = w[1]
    return (w * w).sum()


def column_from_a_copy(w: np.ndarray) -> float:
    w.T[2] = w[1].copy()
    return (w * w).sum()


def shifted(w: np.ndarray) -> float:
    w[1:] = w[:-1]
    w[:, 1:] = w[:, :-1] * 2.0
    w[0, ::-1] = w[0]
    return (w * w * np.arange(4.0)).sum()


def test_parts_written_onto_each_other() -> None:
    """Where a row crosses a column NumPy reads what it has just written: what comes out is no copy of the row."""
    w = np.random.default_rng(3).normal(size=(4, 4))
    check_gradient(shifted, w)
    check_gradient(column_from_a_copy, w)
    with pytest.raises(MissingRuleError, match="crosses it"):
        gradient(column_from_row)(w)


def joined_into_an_argument(w: np.ndarray) -> float:
    np.concatenate([w[1], w[0]], out=w.reshape(-1)[:8])
    return (w * w).sum()


def by_flat(w: np.ndarray) -> float:
    w.flat = w.T
    return (w * w).sum()


def joined_elsewhere(w: np.ndarray) -> float:
    out = np.zeros(8)
    np.concatenate([w[1], w[0]], out=out)
    w.flat = (w * w).T
    return out @ w.ravel()[:8]


def test_functions_that_do_not_look_whether_they_write_where_they_read() -> None:
    w = np.random.default_rng(3).normal(size=(4, 4))
    check_gradient(joined_elsewhere, w)
    for program in (joined_into_an_argument, by_flat):
        with pytest.raises(MissingRuleError, match="crosses it"):
            gradient(program)(w)


RECORDS = np.dtype([("count", np.int32), ("u", float), ("v", float)], align=True)


def windows_of_imaginary_parts(x: np.ndarray) -> float:
    z = np.zeros(4, complex)
    z[:] = x * (1 + 2j)
    w = np.lib.stride_tricks.sliding_window_view(z.imag, 2)
    return (np.sin(w) * [1.0, 2.0]).sum() + (np.lib.stride_tricks.sliding_window_view(z.real, 2) * w).sum()


def windows_of_pairs_as_complex_numbers(x: np.ndarray) -> float:
    z = np.zeros(9)
    z[:4], z[4:8] = x, x * x
    w = np.lib.stride_tricks.sliding_window_view(z[1:].view(complex), 2)
    return (np.sin(w.real) * [1.0, 2.0] + w.imag * [0.3, 0.7]).sum() + (w * w).imag.sum()


def windows_of_a_field(x: np.ndarray) -> float:
    s = np.zeros(4, RECORDS)
    s["u"], s["v"] = x, x * x
    w = np.lib.stride_tricks.sliding_window_view(s["u"], 2)
    return (np.sin(w) * [1.0, 2.0]).sum() + (np.lib.stride_tricks.sliding_window_view(s["v"], 2) * w).sum()


@pytest.mark.parametrize(
    "program", [windows_of_imaginary_parts, windows_of_pairs_as_complex_numbers, windows_of_a_field]
)
def test_windows_over_parts_of_numbers(program: Callable) -> None:
    x, x_dot = np.array([0.3, 0.7, 1.1, 0.5]), np.array([0.2, -0.4, 0.1, 0.9])
    check_gradient(program, x)
    slope = gradient(program)(x)
    assert pushforward(program, x)[1](x_dot) == pytest.approx(slope @ x_dot)
    step = 1e-5 * x_dot
    expected = (gradient(program)(x + step) - gradient(program)(x - step)) / 2e-5
    assert hessian(program)(x) @ x_dot == pytest.approx(expected, rel=1e-6)


def beyond_the_end(x: np.ndarray) -> float:
    return np.lib.stride_tricks.as_strided((x * 1.0)[2:], (3,), (8,))[:1].sum() + 0.0


def reading_beyond_the_end(x: np.ndarray) -> float:
    return np.lib.stride_tricks.as_strided((x * 1.0)[2:], (3,), (8,)).sum()


def packed(x: np.ndarray) -> float:
    s = np.zeros(4, [("count", np.int32), ("u", float)])
    s["u"] = x
    return (np.lib.stride_tricks.sliding_window_view(s["u"], 2) ** 2).sum()


def test_views_that_are_refused() -> None:
    x = np.array([0.3, 0.7, 1.1, 0.5])
    assert gradient(beyond_the_end)(x).tolist() == [0.0, 0.0, 1.0, 0.0]
    for program, what in ((reading_beyond_the_end, "beyond the memory"), (packed, "no multiple")):
        with pytest.raises(LostGradientError, match=what):
            gradient(program)(x)
