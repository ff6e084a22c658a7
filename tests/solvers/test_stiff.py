"""The implicit method: van der Pol and Robertson against SciPy, gradients against differences, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from workbench.errors import BlowUpError, LostGradientError, SolverOptionError
from workbench.solvers import Event, solve_ode
from workbench.solvers.ode_implicit import _Solved

F64 = torch.float64
MU = 1000.0


def van_der_pol(t, y):
    return torch.stack([y[:, 1], MU * (1 - y[:, 0] ** 2) * y[:, 1] - y[:, 0]], dim=1)


def robertson(rates, y):
    """Three species; the rates are 0.04, 1e4 and 3e7."""
    one, two, three = rates[0] * y[:, 0], rates[1] * y[:, 1] * y[:, 2], rates[2] * y[:, 1] ** 2
    return torch.stack([two - one, one - two - three, three], dim=1)


RATES = torch.tensor([0.04, 1e4, 3e7], dtype=F64)


def test_van_der_pol_is_radaus_solution_in_few_steps():
    ts = [0.0, 400.0, 800.0, 1200.0]
    found = solve_ode(
        van_der_pol, torch.tensor([[2.0, 0.0]], dtype=F64), ts, method="kencarp4", rtol=1e-5, atol=1e-7
    )
    expected = solve_ivp(
        lambda t, y: [y[1], MU * (1 - y[0] ** 2) * y[1] - y[0]],
        (0.0, 1200.0),
        [2.0, 0.0],
        method="Radau",
        rtol=1e-9,
        atol=1e-11,
        t_eval=ts,
    )
    assert found.ys[:, 0].numpy() == pytest.approx(expected.y.T, abs=1e-3)
    assert found.statistics.accepted.item() < 600


def test_robertson_over_eleven_decades_is_radaus_solution():
    ts = np.array([0.0, *10.0 ** np.arange(-2, 9)])
    start = torch.tensor([[1.0, 0.0, 0.0]], dtype=F64)
    found = solve_ode(lambda t, y: robertson(RATES, y), start, ts, method="kencarp4", rtol=1e-7, atol=1e-13)
    expected = solve_ivp(
        lambda t, y: robertson(RATES, torch.from_numpy(y)[None])[0].numpy(),
        (0.0, ts[-1]),
        [1.0, 0.0, 0.0],
        method="Radau",
        rtol=1e-9,
        atol=1e-15,
        t_eval=ts,
    )
    ours, theirs = found.ys[1:, 0].numpy(), expected.y.T[1:]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    np.testing.assert_allclose(ours.sum(1), 1.0, atol=1e-9)
    assert found.statistics.accepted.item() < 600


@pytest.mark.parametrize("way", ["direct", "checkpoint"])
def test_the_gradient_is_the_slope_of_the_steps_taken(way):
    """In fixed steps the solution is a smooth function of everything, so differences are to the point."""
    start = torch.tensor([[1.0, 2e-5, 0.1], [0.7, 1e-5, 0.3]], dtype=F64)

    def value(scales, y0):
        found = solve_ode(
            lambda t, y: robertson(scales * RATES, y) - 0.1 * torch.sin(t) * y,
            y0,
            [0.0, 0.1, 0.3],
            method="kencarp4",
            dt=0.02,
            gradient=way,
        )
        return found.ys[1, :, 0].sum() + (1e4 * found.ys[2, :, 1]).square().sum() + found.ys[2, 1, 2]

    scales = torch.ones(3, dtype=F64, requires_grad=True)
    y0 = start.clone().requires_grad_()
    value(scales, y0).backward()
    step = 1e-5
    for bar, at, place in (
        *((scales.grad[i], (0, (i,)), 1.0) for i in range(3)),
        (y0.grad[0, 0], (1, (0, 0)), 1.0),
        (y0.grad[1, 2], (1, (1, 2)), 1.0),
    ):
        which, index = at
        ends = []
        for sign in (1, -1):
            given = [torch.ones(3, dtype=F64), start.clone()]
            given[which][index] += sign * step * place
            ends.append(value(*given).item())
        assert bar.item() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6)


def test_the_gradient_in_adaptive_steps_comes_to_the_closed_form():
    """y' = −r (y − cos t) − sin t from cos 0 stays on cos t; its derivative by r is 0, by the start e^(−rt)."""
    rate = torch.tensor(1e4, dtype=F64, requires_grad=True)
    start = torch.tensor([[1.0]], dtype=F64, requires_grad=True)
    found = solve_ode(
        lambda t, y: -rate * (y - torch.cos(t)) - torch.sin(t),
        start,
        [0.0, 1e-4, 1.0],
        method="kencarp4",
        rtol=1e-8,
        atol=1e-10,
    )
    assert found.ys[2].item() == pytest.approx(math.cos(1.0), abs=1e-7)
    by_start = torch.autograd.grad(found.ys[1, 0, 0], start, retain_graph=True)[0]
    assert by_start.item() == pytest.approx(math.exp(-1.0), rel=2e-3)
    late_by_start, by_rate = torch.autograd.grad(found.ys[2, 0, 0], [start, rate])
    assert abs(late_by_start.item()) < 1e-9
    assert abs(by_rate.item()) < 1e-9


def test_the_check_of_the_gradient_can_fail(monkeypatch):
    monkeypatch.setattr(_Solved, "backward", staticmethod(lambda ctx, bar: (bar, None, None)))
    with pytest.raises(AssertionError):
        test_the_gradient_is_the_slope_of_the_steps_taken("direct")


def test_events_dense_output_and_rows_of_their_own():
    rates = torch.tensor([[1.0], [1e3]], dtype=F64)
    found = solve_ode(
        lambda t, y: -rates * y,
        torch.ones(2, 1, dtype=F64),
        [0.0, 1.0],
        method="kencarp4",
        rtol=1e-8,
        atol=1e-10,
        events=[Event(lambda t, y: y[:, 0] - 0.5, terminal=False)],
        dense=True,
    )
    assert found.events[0].ts.tolist() == pytest.approx([math.log(2), math.log(2) / 1e3], rel=1e-5)
    assert found(0.3)[0, 0].item() == pytest.approx(math.exp(-0.3), abs=1e-6)
    slow, fast = found.statistics.accepted.tolist()
    assert slow != fast


@pytest.mark.parametrize("way", ["direct", "checkpoint"])
def test_the_time_of_an_event_is_differentiable(way):
    """e^(−rt) is ½ at t = ln 2 / r."""
    rate = torch.tensor(3.0, dtype=F64, requires_grad=True)
    start = torch.ones(2, 1, dtype=F64, requires_grad=True)
    found = solve_ode(
        lambda t, y: -rate * y,
        start,
        [0.0, 1.0],
        method="kencarp4",
        rtol=1e-8,
        atol=1e-10,
        events=[Event(lambda t, y: y[:, 0] - 0.5)],
        gradient=way,
    )
    found.events[0].ts.sum().backward()
    assert rate.grad.item() == pytest.approx(-2 * math.log(2) / 9, rel=1e-6)
    assert start.grad.flatten().tolist() == pytest.approx([1 / 3, 1 / 3], rel=1e-6)


def test_plain_python_gives_numpy():
    found = solve_ode(
        lambda t, y: [y[1], MU * (1 - y[0] ** 2) * y[1] - y[0]], [2.0, 0.0], [0.0, 1.0], method="kencarp4"
    )
    expected = solve_ode(van_der_pol, torch.tensor([[2.0, 0.0]], dtype=F64), [0.0, 1.0], method="kencarp4")
    assert isinstance(found.ys, np.ndarray)
    assert found.ys[-1] == pytest.approx(expected.ys[-1, 0].numpy(), rel=1e-9)


def test_single_precision():
    rate = torch.tensor(300.0, requires_grad=True)
    found = solve_ode(
        lambda t, y: -rate * (y - 1.0),
        torch.zeros(2, 1),
        [0.0, 0.01],
        method="kencarp4",
        rtol=1e-4,
        atol=1e-6,
    )
    found.ys[-1].sum().backward()
    assert found.ys[-1, 0].item() == pytest.approx(1 - math.exp(-3.0), abs=1e-3)
    assert rate.grad.item() == pytest.approx(2 * 0.01 * math.exp(-3.0), rel=1e-2)


def test_rows_that_depend_on_each_other_are_refused():
    with pytest.raises(SolverOptionError, match="rows that do not depend on each other"):
        solve_ode(lambda t, y: y.mean(0) - y, torch.rand(3, 2, dtype=F64), [0.0, 1.0], method="kencarp4")


def test_second_derivatives_are_refused_not_answered_wrongly():
    rate = torch.tensor(2.0, dtype=F64, requires_grad=True)
    found = solve_ode(lambda t, y: -rate * y, torch.ones(1, 1, dtype=F64), [0.0, 1.0], method="kencarp4")
    with pytest.raises(LostGradientError, match="cannot be differentiated again"):
        torch.autograd.grad(found.ys[-1].sum() + rate**3, rate, create_graph=True)


def test_a_blow_up_in_fixed_steps_names_its_time():
    with pytest.raises(BlowUpError, match=r"t = 1\n.*component 0 of row 1"):
        solve_ode(
            lambda t, y: torch.where((t > 1.0) & (y > 1.0), torch.nan, -y + t),
            torch.tensor([[0.5], [3.0]], dtype=F64),
            [0.0, 2.0],
            method="kencarp4",
            dt=0.1,
        )


def test_a_blow_up_names_time_and_component():
    """y₁' = y₁² from 1 is infinite at t = 1."""
    start = torch.tensor([[0.5, 1.0]], dtype=F64)
    with pytest.raises((BlowUpError, ArithmeticError), match=r"t = (0\.99|1)"):
        solve_ode(
            lambda t, y: torch.stack([-y[:, 0], y[:, 1] ** 2], dim=1), start, [0.0, 2.0], method="kencarp4"
        )
