import math

import pytest

from workbench.errors import NotDifferentiableError
from workbench.figures.derivative import beside_its_derivative


def sine(x, n):
    term = total = x
    for k in range(1, n):
        term = -term * x * x / (2 * k * (2 * k + 1))
        total += term
    return total if total < 2.0 else math.inf


def test_program_and_derivative_stand_side_by_side():
    shown = beside_its_derivative(sine, 0.5, 5)
    line = sine.__code__.co_firstlineno + 3
    assert f"{line:4d}          term = -term" in shown.program
    assert f"# line {line}" in shown.derivative
    assert shown.derivative.startswith("def sine_forward(")
    assert "def sine_backward(" in shown.derivative
    assert "total &lt; 2.0" in shown._repr_html_()
    assert str(shown).startswith(shown.program)


def test_what_has_no_generated_derivative_says_so():
    with pytest.raises(NotDifferentiableError, match="no generated derivative"):
        beside_its_derivative(lambda x: len({1, 2}) * x, 1.0)
