"""Vectorized functions: the same numbers by generated code and by tracing each row."""

import math

import numpy as np
import pytest

from workbench import check_gradient, gradient, torch_function, vectorize


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
