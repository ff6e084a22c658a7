"""Ordinary differential equations against closed forms: orders, events, gradients, refusals."""

import math

import numpy as np
import pytest
import torch

from workbench import gradient
from workbench.errors import BlowUpError, LostGradientError, SolverOptionError
from workbench.solvers import Event, solve_ode
from workbench.solvers.tableaus import PAIRS


def pendulum(t, y):
    """A harmonic oscillator: (cos t, −sin t) from (1, 0)."""
    return torch.stack([y[:, 1], -y[:, 0]], dim=1)


START = torch.tensor([[1.0, 0.0]], dtype=torch.float64)


@pytest.mark.parametrize("method", sorted(PAIRS))
def test_fixed_steps_have_the_order_of_the_method(method):
    counts = np.array([8, 16, 32, 64])
    errors = []
    for n in counts:
        found = solve_ode(pendulum, START, [0.0, 2.0], method=method, dt=2.0 / n)
        exact = torch.tensor([math.cos(2.0), -math.sin(2.0)], dtype=torch.float64)
        errors.append((found.ys[-1, 0] - exact).norm().item())
    slopes = np.diff(np.log(errors)) / np.diff(np.log(2.0 / counts))
    assert slopes[-1] == pytest.approx(PAIRS[method].order, abs=0.25)


@pytest.mark.parametrize("method", sorted(PAIRS))
def test_adaptive_steps_keep_the_tolerance(method):
    ts = np.linspace(0.0, 10.0, 21)
    for tolerance in (1e-5, 1e-8):
        found = solve_ode(pendulum, START, ts, method=method, rtol=tolerance, atol=tolerance)
        error = np.abs(found.ys[:, 0, 0].numpy() - np.cos(ts)).max()
        assert error < 100 * tolerance


def test_rows_take_steps_of_their_own():
    rates = torch.tensor([[1.0], [40.0]], dtype=torch.float64)
    found = solve_ode(lambda t, y: torch.cos(rates * t), torch.zeros_like(rates), [0.0, 3.0])
    exact = torch.sin(3.0 * rates) / rates
    assert torch.allclose(found.ys[-1], exact, atol=1e-5)
    slow, fast = found.statistics.accepted.tolist()
    assert fast > 5 * slow


def test_dense_output_is_the_solution_between_the_outputs():
    found = solve_ode(pendulum, START, [0.0, 6.0], dense=True, rtol=1e-9, atol=1e-9)
    for t in (0.3, 2.71, 5.9):
        assert found(t)[0, 0].item() == pytest.approx(math.cos(t), abs=1e-6)


@pytest.mark.parametrize("gradient_mode", ["direct", "checkpoint"])
def test_gradients_are_those_of_the_closed_form(gradient_mode):
    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    start = torch.tensor([[2.0]], dtype=torch.float64, requires_grad=True)
    found = solve_ode(
        lambda t, y: -rate * y, start, [0.0, 1.5], rtol=1e-10, atol=1e-12, gradient=gradient_mode
    )
    found.ys[-1].sum().backward()
    decay = math.exp(-0.7 * 1.5)
    assert rate.grad.item() == pytest.approx(-1.5 * 2.0 * decay, rel=1e-7)
    assert start.grad.item() == pytest.approx(decay, rel=1e-7)


def test_the_time_of_an_event_is_differentiable():
    height = torch.tensor([[20.0, 0.0]], dtype=torch.float64, requires_grad=True)

    def falling(t, y):
        return torch.stack([y[:, 1], torch.full_like(y[:, 1], -9.81)], dim=1)

    found = solve_ode(falling, height, [0.0, 10.0], events=[Event(lambda t, y: y[:, 0])])
    time = found.events[0].ts[0]
    assert time.item() == pytest.approx(math.sqrt(2 * 20.0 / 9.81), rel=1e-8)
    time.backward()
    assert height.grad[0, 0].item() == pytest.approx(1 / math.sqrt(2 * 20.0 * 9.81), rel=1e-6)
    assert found.t_end.item() == pytest.approx(time.item())


def test_plain_python_gives_numpy():
    found = solve_ode(lambda t, y: [y[1], -y[0]], [1.0, 0.0], [0.0, 1.0])
    assert isinstance(found.ys, np.ndarray)
    assert found.ys[-1] == pytest.approx([math.cos(1.0), -math.sin(1.0)], abs=1e-5)


@pytest.mark.parametrize(
    ("program", "name"),
    [
        (lambda x: solve_ode(lambda t, y: y, [1.0], [0.0, x]).ys[-1][0], "ts"),
        (lambda x: solve_ode(lambda t, y: y, [1.0], [0.0, 1.0], dt=x).ys[-1][0], "dt"),
    ],
)
def test_a_program_around_the_solver_is_refused_not_answered_with_zero(program, name):
    with pytest.raises(LostGradientError, match=f"cannot differentiate through the solver by {name}"):
        gradient(program)(0.5)


def test_a_solution_that_explodes_names_the_time():
    with pytest.raises((BlowUpError, ArithmeticError), match="t = "):
        solve_ode(lambda t, y: y**2, torch.tensor([[1.0]], dtype=torch.float64), [0.0, 2.0], dt=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "tsit6"}, "method='tsit6' is not known"),
        ({"gradient": "adjoint"}, "gradient='adjoint' is not known"),
        ({"rtol": -1.0}, "rtol must be positive"),
        ({"ts": [0.0, 0.0]}, "must increase"),
    ],
)
def test_options_that_do_not_go_are_refused(changes, message):
    given = {"ts": [0.0, 1.0], **changes}
    with pytest.raises(SolverOptionError, match=message):
        solve_ode(pendulum, START, given.pop("ts"), **given)
