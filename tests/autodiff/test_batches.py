"""Vectorized functions: the same numbers by generated code and by tracing each row."""

import math

import numpy as np
import pytest

from workbench import check_gradient, gradient, jacobian, pullback, pushforward, torch_function, vectorize
from workbench.errors import NotDifferentiableError


def fall(height, drag):
    t, y, v = 0.0, height, 0.0
    while y > 0.0:
        v += 0.1 * (9.81 - drag * v * abs(v))
        y -= 0.1 * v
        t += 0.1
    return t + y / v


HEIGHTS, DRAGS = np.array([1.0, 5.0, 12.0]), np.array([0.1, 0.2, 0.05])


@pytest.mark.parametrize("tier", ["off", "python"])
def test_rows_agree_with_single_calls(tier, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", tier)
    falls = vectorize(fall)
    assert falls.tier(HEIGHTS, DRAGS).startswith({"off": "traced: ", "python": "generated Python"}[tier])
    assert np.allclose(
        falls(HEIGHTS, DRAGS), [fall(h, d) for h, d in zip(HEIGHTS, DRAGS, strict=True)], rtol=1e-14
    )
    check_gradient(lambda h, d: (falls(h, d) ** 2).sum(), HEIGHTS, DRAGS)
    rows = gradient(lambda h: falls(h, 0.1).sum())(HEIGHTS)
    single = [gradient(fall)(float(h), 0.1) for h in HEIGHTS]
    assert np.allclose(rows, single, rtol=1e-12)
    assert gradient(lambda d: falls(HEIGHTS, d).sum())(0.1) == pytest.approx(
        sum(gradient(fall, wrt=1)(float(h), 0.1) for h in HEIGHTS), rel=1e-12
    )


def test_what_generated_code_does_not_take_is_traced():
    def odd(x):
        return sum(sorted({"a": x, "b": math.sin(x)}.values()))

    values = vectorize(odd)
    assert values.tier(HEIGHTS).startswith("traced: ")
    check_gradient(lambda h: values(h).sum(), HEIGHTS)


def test_inside_torch():
    torch = pytest.importorskip("torch")
    h = torch.tensor(HEIGHTS, requires_grad=True)
    torch_function(vectorize(fall))(h, 0.1).sum().backward()
    assert np.allclose(h.grad.numpy(), [gradient(fall)(float(x), 0.1) for x in HEIGHTS], rtol=1e-12)


def test_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"different lengths: \[2, 3\]"):
        vectorize(fall)(HEIGHTS, DRAGS[:2])


TABLE = np.array([[0.5, 1.5, -0.3, 2.0], [1.0, 0.2, 0.7, -1.1]])


def read_from_table(x, y):
    """Interpolates in a table from outside; a local array beside it."""
    weights = np.zeros(3)
    total = 0.0
    for k in range(3):
        weights[k] = x * TABLE[k % 2, int(abs(y)) % 4]
        total += weights[k] * TABLE[1, k] + (1.0 - y) * TABLE[0, k + 1]
    return total, math.sin(total) * x


def both(program, xs, ys, weights):
    rows = vectorize(program)
    return rows, gradient(lambda x, y: (rows(x, y) * weights).sum(), wrt=(0, 1))(xs, ys)


@pytest.mark.parametrize("tier", ["python", "numba"])
def test_arrays_from_outside_are_read_at_each_call(tier, monkeypatch):
    xs, ys, weights = np.linspace(0.1, 2.0, 7), np.linspace(-3.0, 3.0, 7), np.array([1.0, 0.3])
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    _, expected = both(read_from_table, xs, ys, weights)
    values = vectorize(read_from_table)(xs, ys)
    monkeypatch.setenv("WORKBENCH_NATIVE", tier)
    rows, found = both(read_from_table, xs, ys, weights)
    assert not rows.tier(xs, ys).startswith("traced")
    assert np.allclose(found, expected, rtol=1e-12)
    assert np.allclose(rows(xs, ys), values, rtol=1e-14)
    monkeypatch.setitem(read_from_table.__globals__, "TABLE", 2.0 * TABLE)
    assert np.allclose(rows(xs, ys)[:, 0], [read_from_table(x, y)[0] for x, y in zip(xs, ys, strict=True)])


def test_an_array_changed_before_the_pull_counts_as_it_was(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    table = np.array([2.0, 3.0])

    def scaled(x):
        total = 0.0
        for k in range(2):
            total += table[k] * x * x
        return total, x

    _, back = pullback(vectorize(scaled), HEIGHTS)
    table[:] = 7.0
    assert np.allclose(back(np.ones((3, 2)))[0], 10.0 * HEIGHTS + 1.0)


def test_a_traced_number_in_an_array_from_outside_counts(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    table = np.zeros(2)

    def scaled(x):
        total = 0.0
        for k in range(2):
            total += table[k] * x
        return total

    def program(a):
        table[0] = a
        return vectorize(scaled)(HEIGHTS).sum()

    assert gradient(program)(0.5) == pytest.approx(HEIGHTS.sum())


@pytest.mark.parametrize("tier", ["off", "python"])
def test_rows_are_pushed_forward(tier, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", tier)
    rows = vectorize(fall)
    by_rows = jacobian(lambda h: rows(h, DRAGS), mode="reverse")(HEIGHTS)
    assert np.allclose(jacobian(lambda h: rows(h, DRAGS), mode="forward")(HEIGHTS), by_rows, rtol=1e-12)
    assert np.allclose(pushforward(lambda h: rows(h, DRAGS), HEIGHTS)[1](DRAGS), by_rows @ DRAGS, rtol=1e-12)


@pytest.mark.parametrize("tier", ["off", "python"])
def test_a_row_that_fails_or_gives_something_else(tier, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", tier)
    with pytest.raises(ZeroDivisionError) as caught:
        vectorize(lambda x: 1 / x)(np.array([1.0, 0.0, 3.0]))
    assert "in row 1" in caught.value.__notes__[0]
    with pytest.raises(NotDifferentiableError, match="row 0 gave None"):
        vectorize(lambda x: None)(HEIGHTS)
    with pytest.raises(NotDifferentiableError, match=r"row 0 gave 1\.0 of type float, row 1 "):
        vectorize(lambda x: (x, x) if x > 2 else x)(HEIGHTS)


def polynomial(x, coefficients, *, scale=1.0):
    total = 0.0
    for c in coefficients:
        total = total * x + c
    return scale * total


COEFFICIENTS = np.array([2.0, -1.0, 0.5])


def test_arguments_without_rows_are_the_same_in_all():
    rows = vectorize(polynomial, rows=0)
    expected = [polynomial(x, COEFFICIENTS, scale=3.0) for x in HEIGHTS]
    assert np.allclose(rows(HEIGHTS, COEFFICIENTS, scale=3.0), expected)
    assert np.allclose(
        vectorize(polynomial, rows="x")(coefficients=COEFFICIENTS, x=HEIGHTS, scale=3.0), expected
    )
    check_gradient(lambda x, c, s: (rows(x, c, scale=s) ** 2).sum() * 1e-4, HEIGHTS, COEFFICIENTS, 3.0)
    assert gradient(lambda s: rows(HEIGHTS, COEFFICIENTS, scale=s).sum())(3.0) == pytest.approx(
        sum(expected) / 3.0
    )


def test_rows_of_arrays_and_rows_by_name():
    table = np.outer(HEIGHTS, COEFFICIENTS)
    rows = vectorize(polynomial, rows=(0, "coefficients", "scale"))
    expected = [polynomial(*row[:2], scale=row[2]) for row in zip(HEIGHTS, table, DRAGS, strict=True)]
    assert np.allclose(rows(HEIGHTS, table, scale=DRAGS), expected)
    assert np.allclose(vectorize(polynomial)(HEIGHTS, table, scale=DRAGS), expected)
    check_gradient(lambda x, c, s: rows(x, c, scale=s).sum() * 1e-2, HEIGHTS, table, DRAGS)


def test_names_do_not_keep_generated_code_away(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    falls = vectorize(fall)
    assert falls.tier(drag=DRAGS, height=HEIGHTS) == "generated Python"
    assert np.array_equal(falls(drag=DRAGS, height=HEIGHTS), falls(HEIGHTS, DRAGS))
    assert vectorize(polynomial, rows=0).tier(HEIGHTS, COEFFICIENTS).startswith("traced: ")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (2, "no argument 2"),
        (-1, "no argument -1"),
        ("speed", "no argument 'speed'"),
        ((0, 1), "argument 1 .* is one number"),
    ],
)
def test_rows_that_are_not_there_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        vectorize(fall, rows=rows)(HEIGHTS, 0.1)


def large_ones_scaled(x, y):
    z, total = x * y, 0.0
    for _ in range(2):
        total += x if x < 5.0 else z
    return total


@pytest.mark.parametrize("tier", ["python", "numba", "off"])
def test_a_branch_that_was_not_taken_gives_no_nan(tier, monkeypatch):
    """Machine code multiplies a zero cotangent by an infinite number there."""
    monkeypatch.setenv("WORKBENCH_NATIVE", tier)
    y, each = np.array([np.inf, 1.0]), vectorize(large_ones_scaled)
    assert np.array_equal(gradient(lambda x: np.sum(each(x, y)))(np.array([1.0, 7.0])), [2.0, 2.0])
