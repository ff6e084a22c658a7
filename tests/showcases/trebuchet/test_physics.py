"""The throw against reference ranges, ballistics, SciPy's integrator, and its own limits."""

import ast
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from workbench.errors import SimulationError
from workbench.showcases.trebuchet import physics
from workbench.showcases.trebuchet.machine import POUND, PUBLISHED, STANDARD
from workbench.showcases.trebuchet.motion import drag_of, swing_energy, swing_of
from workbench.showcases.trebuchet.physics import throw, throw_distance

from . import published

VACUUM = replace(STANDARD, air_density=0.0)


def distance(wind, degrees, pounds, machine=STANDARD, resolution=1.0):
    return throw_distance(wind, math.radians(degrees), pounds * POUND, machine, resolution)


# The first two of each convention are also known from elsewhere; all were computed with the published
# equations, with SciPy's DOP853 at 1e-11 and with these steps at resolution 10, which agree to 1e-6.
REFERENCES = [
    (1, 45, 98.09, PUBLISHED, 72.40623),
    (1, 45, 98.09, STANDARD, 66.75726),
    (0, 30, 200, PUBLISHED, 89.88905),
    (0, 30, 200, STANDARD, 85.75914),
    (0, 45, 400, PUBLISHED, 90.99544),
    (0, 45, 400, STANDARD, 88.68654),
]


@pytest.mark.parametrize(("wind", "degrees", "pounds", "machine", "expected"), REFERENCES)
def test_ranges_of_both_conventions(wind, degrees, pounds, machine, expected):
    assert distance(wind, degrees, pounds, machine) == pytest.approx(expected, abs=1e-3)


def test_gradient_by_differences_in_the_published_convention():
    h = 1e-3
    at = np.array([-2.0, 45.0, 200.0])
    slopes = [
        (distance(*(at + h * e), PUBLISHED, 6) - distance(*(at - h * e), PUBLISHED, 6)) / (2 * h)
        for e in np.eye(3)
    ]
    assert slopes == pytest.approx([4.01299, -1.00238, 0.0673806], rel=1e-4)


def witness(wind, degrees, pounds, machine):
    """The same throw by the published equations and SciPy, sharing nothing with the package."""
    weight, release = pounds * POUND, math.radians(degrees)

    def ends(function, direction):
        function.terminal, function.direction = True, direction
        return function

    def run(rates, start, event, seconds):
        solution = solve_ivp(
            rates, (0, seconds), start, method="DOP853", events=event, rtol=1e-10, atol=1e-11
        )
        return solution.y_events[0][0]

    def velocity(y):
        a, u, c, w = y[0], y[3], y[0] + y[2], y[3] + y[5]
        return np.array(
            [
                -machine.long_arm * math.cos(a) * u - machine.sling * math.cos(c) * w,
                -machine.long_arm * math.sin(a) * u - machine.sling * math.sin(c) * w,
            ]
        )

    theta = math.asin(machine.pivot_height / machine.long_arm)
    start = [math.pi / 2 + theta, -math.pi / 2 - theta, math.pi - theta, 0, 0, 0]
    push = ends(lambda t, y: published.ground(y, weight, machine)[1], -1)
    y = run(lambda t, y: published.ground(y, weight, machine)[0], start, push, 3)
    across = ends(lambda t, y: np.cross([*velocity(y), 0], [math.cos(release), math.sin(release), 0])[2], 1)
    y = run(lambda t, y: published.swing(y, weight, machine), y, across, 3)
    c = y[0] + y[2]
    x0 = -machine.long_arm * math.sin(y[0]) - machine.sling * math.sin(c)
    y0 = machine.long_arm * math.cos(y[0]) + machine.sling * math.cos(c)
    k = drag_of(machine)

    def flight(t, s):
        speed = math.hypot(s[2] - wind, s[3])
        return [s[2], s[3], -k * speed * (s[2] - wind), -machine.gravity - k * speed * s[3]]

    ground = ends(lambda t, s: s[1] + machine.pivot_height, -1)
    return run(flight, [x0, y0, *velocity(y)], ground, 60)[0]


@pytest.mark.parametrize(
    ("wind", "degrees", "pounds", "machine"),
    [(-4, 20, 60, STANDARD), (7, 65, 150, PUBLISHED), (0, 80, 390, STANDARD)],
)
def test_the_published_equations_and_scipy_throw_as_far(wind, degrees, pounds, machine):
    expected = witness(wind, degrees, pounds, machine)
    assert distance(wind, degrees, pounds, machine) == pytest.approx(expected, abs=1e-3)
    assert distance(wind, degrees, pounds, machine, 10) == pytest.approx(expected, abs=1e-6)


def test_energy_of_the_swing_is_what_the_counterweight_gave():
    weight = 200 * POUND
    c = swing_of(weight, STANDARD)
    result = throw(0.0, math.radians(40), weight, STANDARD, 4.0)
    alpha, beta, _, _ = physics.start_on_ground(c)
    start = (alpha, beta, 1.5 * math.pi, 0.0, 0.0, 0.0)
    begin = sum(swing_energy(start, weight, STANDARD))
    for state in (result.lift_off, result.release):
        assert sum(swing_energy(state, weight, STANDARD)) == pytest.approx(begin, abs=2e-4)


def test_lift_off_keeps_the_projectile_on_the_ground_until_then():
    c = swing_of(100 * POUND, STANDARD)
    _, state = physics.until_lift_off(c, 1.0)
    _, y, _, y_dot = physics.projectile(state, c)
    assert y == pytest.approx(-STANDARD.pivot_height, abs=1e-12)
    assert y_dot == pytest.approx(0.0, abs=1e-9)


def test_release_is_at_the_release_angle():
    for degrees in (0, 1, 30, 89, 90):
        _, _, x_dot, y_dot = throw(0, math.radians(degrees), 150 * POUND).launch
        assert math.degrees(math.atan2(y_dot, x_dot)) == pytest.approx(degrees, abs=1e-6)


@pytest.mark.parametrize("degrees", [0, 15, 45, 75])
def test_flight_in_vacuum_is_ballistic_whatever_the_wind(degrees):
    for wind in (-10.0, 0.0, 10.0):
        result = throw(wind, math.radians(degrees), 150 * POUND, VACUUM)
        x, y, u, v = result.launch
        g = VACUUM.gravity
        time = (v + math.sqrt(v * v + 2 * g * (y + VACUUM.pivot_height))) / g
        assert result.distance == pytest.approx(x + u * time, rel=1e-12)
        assert result.landing_time - result.release_time == pytest.approx(time, rel=1e-12)


def test_drag_and_headwind_shorten_a_throw():
    assert distance(0, 45, 200, VACUUM) > distance(0, 45, 200) > distance(-5, 45, 200)


def test_the_throw_converges_with_the_order_of_its_steps():
    exact = distance(2, 40, 120, resolution=20)
    errors = [abs(distance(2, 40, 120, resolution=r) - exact) for r in (0.6, 1.2, 2.4)]
    slopes = [math.log2(a / b) for a, b in pairwise(errors)]
    assert min(slopes) > 3.0, (errors, slopes)


def test_the_default_resolution_is_right_to_a_millimetre():
    for degrees in (5, 25, 45, 65, 85):
        for pounds in (50, 130, 250, 400):
            exact = distance(-3, degrees, pounds, resolution=6)
            assert distance(-3, degrees, pounds) == pytest.approx(exact, abs=1e-3)


def test_the_distance_is_smooth_across_changes_of_the_number_of_steps():
    angles = np.linspace(44.0, 46.0, 401)
    distances = np.array([distance(0, a, 300) for a in angles])
    assert np.abs(np.diff(distances, 2)).max() < 2e-4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 45, 0.0), "counterweight is too light"),
        ((0.0, 45, 10.0), "the arm does not start to turn"),
        ((0.0, 91, 200), "between 0 and 90 degrees, got 91"),
        ((0.0, -1, 200), "release angle between 0 and 90"),
        ((math.nan, 45, 200), "finite wind"),
        ((0.0, math.nan, 200), "release angle"),
        ((0.0, 45, math.nan), "too light"),
        ((0.0, 45, math.inf), "too light"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(SimulationError, match=message):
        distance(*arguments)


def test_a_coarse_resolution_is_refused():
    with pytest.raises(SimulationError, match="resolution that its steps can follow"):
        distance(0, 45, 200, resolution=0.01)


def test_an_arm_that_comes_to_rest_is_too_light():
    stiff = replace(STANDARD, sling=STANDARD.long_arm * 1.6)
    with pytest.raises(SimulationError, match="comes to rest before the projectile leaves"):
        throw_distance(0.0, math.radians(45), 15.4 * POUND, stiff)


def test_a_projectile_too_heavy_to_leave_the_ground():
    heavy = replace(STANDARD, projectile_mass=92 * STANDARD.projectile_mass)
    with pytest.raises(SimulationError, match="stands upright before the projectile leaves the ground"):
        throw_distance(0.0, math.radians(70), 45 * POUND, heavy)


def test_a_release_under_the_ground():
    long = replace(STANDARD, sling=1.78 * STANDARD.sling, long_arm=1.02 * STANDARD.long_arm)
    with pytest.raises(SimulationError, match="lets go under the ground"):
        throw_distance(0.0, math.radians(31), 131 * POUND, long)


def test_a_projectile_that_turns_back_is_never_released():
    slow = replace(
        STANDARD,
        sling=1.5617 * STANDARD.sling,
        long_arm=1.1265 * STANDARD.long_arm,
        short_arm=1.2136 * STANDARD.short_arm,
        weight_arm=0.2577 * STANDARD.weight_arm,
        projectile_mass=11.5 * STANDARD.projectile_mass,
    )
    with pytest.raises(SimulationError, match="turned back and moved the opposite way"):
        throw_distance(0.0, math.radians(4.7), 27 * POUND, slow)


def test_an_arm_that_does_not_reach_the_ground():
    with pytest.raises(SimulationError, match="does not reach the ground"):
        throw_distance(0.0, 0.7, 90.0, replace(STANDARD, pivot_height=3.0))


def test_numbers_that_are_not_finite_end_the_simulation():
    broken = replace(STANDARD, projectile_radius=math.nan)
    with pytest.raises(SimulationError, match="found no landing"):
        throw_distance(0.0, math.radians(45), 200 * POUND, broken)


def test_the_simulator_knows_of_no_framework():
    allowed = {"__future__", "math", "dataclasses", "workbench"}
    for name in ("machine", "motion", "physics", "trajectory"):
        tree = ast.parse((Path(physics.__file__).parent / f"{name}.py").read_text())
        for node in ast.walk(tree):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            for module in modules:
                assert module.split(".")[0] in allowed
                assert "autodiff" not in module
                assert "training" not in module
