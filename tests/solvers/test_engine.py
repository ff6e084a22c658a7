"""∂P programs around whole solvers: their gradients, of any order, against differences and against torch's."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch

from workbench import gradient, hessian, jacobian, pushforward, value_and_gradient
from workbench.autodiff import torch_function
from workbench.errors import LostGradientError, MissingRuleError, SolverOptionError
from workbench.solvers import Event, solve_ensemble, solve_ode, solve_sde

TIGHT = {"rtol": 1e-9, "atol": 1e-10}
ROWS = [[1.0, 0.5], [0.2, 0.9]]


def noise(seed: int = 0) -> torch.Generator:
    """The source of the same path for everybody."""
    return torch.Generator().manual_seed(seed)


def oscillator(r):
    """Parameters in a closure, a list as the answer."""
    return np.sum(solve_ode(lambda t, y: [-r * y[1], r * y[0]], [1.0, 2.0], [0, 0.4, 1.0], **TIGHT).ys ** 2)


def number(r):
    """A state that is a number, which the parameter starts, and a solution between its outputs."""
    found = solve_ode(lambda t, y: -y * np.cos(t), r, [0, 1.0], dense=True, **TIGHT)
    return found.ys[-1] * found(0.3)


def batch(r):
    """Rows with their own steps; a parameter that matters late only."""

    def f(t, y):
        return np.where(t > 0.5, -r * y, y * y - y)

    return np.sum(solve_ode(f, ROWS, [0, 0.4, 1.0], dt=0.05, method="dopri5").ys ** 2)


def fall(r):
    """A terminal event and one on the way, after which outputs rest."""

    def f(t, y):
        return np.stack([y[:, 1], -9.81 - r * y[:, 1] ** 3], axis=1)

    events = [lambda t, y: y[:, 0] - 0.1 * r * t[:, 0], Event(lambda t, y: y[:, 1] - 0.5, terminal=False)]
    found = solve_ode(f, [[r, 2.0], [400.0, 0.0]], [0, 0.1, 2.0], events=events, dt=0.05)
    ground, slow = found.events
    return np.sum(found.t_end) + ground.ys[0, 1] + slow.ts[0] + found.ys[-1, 0, 1]


def stiff(r):
    """Implicit stages by their equations."""

    def f(t, y):
        return [-50.0 * r * (y[0] - np.cos(y[1])), 1.0 * r]

    return np.sum(solve_ode(f, [1.0, 0.0], [0, 0.5], method="kencarp4", dt=0.1).ys ** 2)


BUFFER = np.zeros(2)


def overwriting(r):
    """Functions that write into the state they get, and answer in an array that they keep."""

    def drift(t, y):
        y *= -r
        BUFFER[:] = y
        return BUFFER

    ys = solve_sde(drift, lambda t, y: 0.2 * y, [1.0, 2.0], [0, 1.0], dt=0.2, generator=noise()).ys
    return np.sum(ys[-1] ** 2)


def stochastic(method: str, kind: str = "diagonal", interpretation: str = "ito", start=ROWS) -> Callable:
    """Drift and diffusion of a parameter, fixed steps."""

    def program(r):
        def diffusion(t, y):
            if kind == "general":
                return np.stack([r * y, 0.1 * y * y, 0.2 * np.cos(y)], axis=2)
            return 0.1 * r * np.ones(2) if kind == "additive" else 0.3 * r * np.sin(y)

        def drift(t, y):
            return -r * y**3 + t * y

        options = {"method": method, "noise": kind, "interpretation": interpretation, "dt": 0.25}
        ys = solve_sde(drift, diffusion, start, [0, 0.3, 1.0], generator=noise(), **options).ys
        return np.sum(ys**2)

    program.__name__ = f"{method}-{kind}-{np.ndim(start)}"
    return program


def together(r):
    """Drift and diffusion from one function."""
    ys = solve_sde(lambda t, y: (-r * y, r * y**2), None, [1.0, 0.2], [0, 1.0], dt=0.2, generator=noise()).ys
    return np.sum(ys**2)


PROGRAMS = [
    oscillator,
    number,
    batch,
    fall,
    stiff,
    overwriting,
    together,
    stochastic("sosri", start=1.2),
    stochastic("sriw1", "scalar", start=[1.2, 0.7]),
    stochastic("milstein"),
    stochastic("sra1", "additive"),
    stochastic("euler", "general"),
    stochastic("midpoint", interpretation="stratonovich"),
    stochastic("reversible_heun", "general", "stratonovich"),
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_around_a_solver_has_its_derivatives(program: Callable) -> None:
    x, h = 0.8, 1e-5
    value, slope = value_and_gradient(program)(x)
    assert value == program(x), "the value is the solver's own"
    assert slope == pytest.approx((program(x + h) - program(x - h)) / (2 * h), rel=1e-5, abs=1e-7)
    assert pushforward(program, x)[1](1.0) == pytest.approx(slope, rel=1e-9)
    by = gradient(program)
    assert gradient(by)(x) == pytest.approx((by(x + h) - by(x - h)) / (2 * h), rel=1e-4, abs=1e-6)


def test_adaptive_steps_have_the_gradient_that_torch_gives_them() -> None:
    def drift(t, y, r):
        return -r * y**3 + t * y

    def diffusion(t, y, r):
        return 0.3 * r * np.sin(y)

    def program(p):
        f, g = (lambda t, y: drift(t, y, p[0])), (lambda t, y: diffusion(t, y, p[1]))
        return np.sum(solve_sde(f, g, ROWS, [0, 0.3, 1.0], generator=noise()).ys ** 2)

    p = torch.tensor([0.8, 0.6], dtype=torch.float64, requires_grad=True)
    f, g = (torch_function(function) for function in (drift, diffusion))
    y0 = torch.tensor(ROWS, dtype=torch.float64)
    found = solve_sde(
        lambda t, y: f(t, y, p[0]), lambda t, y: g(t, y, p[1]), y0, [0, 0.3, 1.0], generator=noise()
    )
    found.ys.square().sum().backward()
    value, slope = value_and_gradient(program)(np.array([0.8, 0.6]))
    assert value == pytest.approx(found.ys.square().sum().item(), rel=1e-12)
    assert slope == pytest.approx(p.grad.numpy(), rel=1e-9)


def test_jacobians_and_hessians_of_arrays_of_parameters() -> None:
    def end(p):
        return solve_ode(lambda t, y: [-p[0] * y[1], p[1] * y[0]], [1.0, p[2]], [0, 1.0], **TIGHT).ys[-1]

    p = np.array([0.3, 0.4, 0.5])
    expected = np.stack([(end(p + d) - end(p - d)) / 2e-5 for d in 1e-5 * np.eye(3)], axis=1)
    for mode in ("forward", "reverse"):
        assert jacobian(end, mode=mode)(p) == pytest.approx(expected, rel=1e-5, abs=1e-7)
    curvature = hessian(lambda p: np.sum(end(p)))(p)
    assert curvature == pytest.approx(curvature.T, rel=1e-9, abs=1e-12)


def test_tensors_go_through_torch() -> None:
    def program(r):
        y0 = torch.as_tensor([[r, 2.0]], dtype=torch.float64)
        return solve_ode(lambda t, y: -r * y, y0, [0, 1.0], rtol=1e-8).ys[-1].sum().item()

    assert gradient(program)(0.5) == pytest.approx(-1.5 * np.exp(-0.5), rel=1e-6)


def test_a_solver_of_constants_is_one() -> None:
    found = []

    def program(r):
        found.append(solve_ode(lambda t, y: -y, 1.0, [0, 1.0]))
        return r * found[-1].ys[-1]

    assert gradient(program)(2.0) == pytest.approx(np.exp(-1.0), rel=1e-5)
    assert type(found[0].ys) is np.ndarray


def solved(r, **options):
    """A gradient by something that is refused."""
    return solve_sde(
        lambda t, y: -r * y, lambda t, y: 0.1 * y, 1.0, [0, 1.0], dt=0.1, generator=noise(), **options
    )


def ensemble(drift: Callable, start: float) -> float:
    """The mean of a few paths."""
    found = solve_ensemble(drift, lambda t, y: 0.1 * y, [start], [0, 1.0], paths=4, seed=0, dt=0.1)
    return np.mean(found.paths)


@pytest.mark.parametrize(
    ("program", "error", "message"),
    [
        (lambda r: solve_ode(lambda t, y: -y, 1.0, [0, r]).ys[-1], LostGradientError, "solver by ts"),
        (lambda r: solve_ode(lambda t, y: -y, 1.0, [0, 1.0], dt=r).ys[-1], LostGradientError, "solver by dt"),
        (lambda r: solve_ode(lambda t, y: -y, r, [0, 1.0], dense=True)(r), LostGradientError, "solver by t"),
        (lambda r: solved(r)(0.55), LostGradientError, "between two outputs"),
        (lambda r: solved(r, gradient="checkpoint").ys[-1], SolverOptionError, "a way back of torch's"),
        (
            lambda r: solved(r, method="torchsde:srk").ys[-1],
            SolverOptionError,
            "not differentiated by the engine",
        ),
        (lambda r: ensemble(lambda t, y: -r * y, 1.0), LostGradientError, "depends on a traced value"),
        (lambda r: ensemble(lambda t, y: -y, r), LostGradientError, "solver by y0"),
    ],
)
def test_what_has_no_derivative_is_refused(program: Callable, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        gradient(program)(0.5)


def test_torch_refuses_states_between_outputs_where_it_records() -> None:
    r = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    y0 = torch.ones(2, 1, dtype=torch.float64)
    found = solve_sde(lambda t, y: -r * y, lambda t, y: 0.1 * y, y0, [0, 1.0], dt=0.1, generator=noise())
    with pytest.raises(LostGradientError, match="between two outputs"):
        found(0.55)
    with torch.no_grad():
        assert found(0.55).shape == (2, 1)


def test_a_time_that_varies_is_refused_where_a_plain_solution_is_asked_for_it():
    solution = solve_ode(lambda t, y: -y, [1.0], [0.0, 5.0], dense=True)
    for program in (
        lambda k: solution(k)[0] * k,
        lambda k: solve_ode(lambda t, y: -y, [1.0], [0.0, 5.0], dense=True)(k)[0],
    ):
        with pytest.raises(LostGradientError, match="by t"):
            gradient(program)(1.3)


def _kept(solver, keep):
    """The end of a solution, and what its function has kept."""

    def program(r):
        log, count = [], 0

        def f(t, y):
            nonlocal count
            count += 1
            log.append(keep(y, r))
            return -r * y

        if solver is solve_ode:
            found = solver(f, [1.0, 2.0], [0, 1.0])
        else:
            found = solver(f, lambda t, y: 0.1 * r * y, [1.0, 2.0], [0, 1.0], dt=0.2, generator=noise())
        return np.sum(found.ys[-1]) + 0.01 * sum(log) + count * r

    return program


@pytest.mark.parametrize("solver", [solve_ode, solve_sde])
def test_what_functions_keep_is_what_the_solver_s_calls_have_left(solver):
    program = _kept(solver, lambda y, r: r * r)
    value, slope = value_and_gradient(program)(1.3)
    assert value == program(1.3)
    assert slope == pytest.approx((program(1.3 + 1e-5) - program(1.3 - 1e-5)) / 2e-5, rel=1e-4)


@pytest.mark.parametrize("solver", [solve_ode, solve_sde])
def test_states_that_functions_keep_are_refused_in_the_result(solver):
    with pytest.raises(MissingRuleError, match="hands to a function"):
        gradient(_kept(solver, lambda y, r: y[0] * r))(1.3)


@pytest.mark.parametrize("solver", [solve_ode, solve_sde])
def test_draws_and_text_of_functions_are_those_of_one_solution(solver):
    def program(r):
        draws, text, log = np.random.default_rng(3), io.StringIO(), []

        def f(t, y):
            log.append(draws.normal())
            print(".", end="", file=text)
            return -r * y

        given = (f,) if solver is solve_ode else (f, lambda t, y: 0.1 * r * y)
        options = {} if solver is solve_ode else {"generator": noise()}
        end = solver(*given, np.ones(1), [0.0, 1.0], dt=0.1, **options).ys[-1, 0]
        return end + r * (len(text.getvalue()) + draws.normal())

    assert value_and_gradient(program)(1.3)[0] == program(1.3)
    slope = (program(1.3 + 1e-5) - program(1.3 - 1e-5)) / 2e-5
    assert gradient(program)(1.3) == pytest.approx(slope, rel=1e-5)
