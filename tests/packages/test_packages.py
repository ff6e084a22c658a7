"""Packages from PyPI that know nothing of derivatives, unmodified: two programs or more of each.

Each is compared with central differences, and its pushforward with its pullback. What is not installed is skipped:
pip install -c constraints.txt -e '.[packages]'.
"""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest

from workbench.autodiff import gradient, pullback, pushforward
from workbench.checks import check_gradient
from workbench.errors import LostGradientError, RefusedError

PROGRAMS: dict[str, list] = {}


def program(package, *args):
    """Register a program that is called with its package and with ``args``, by which it is differentiated."""

    def register(function):
        PROGRAMS.setdefault(package, []).append((function, args))
        return function

    return register


# ------------------------------------------------------------------------------------------ uncertainties


@program("uncertainties", 1 / 3)
def polynomial_of_a_measurement(uncertainties, x):
    y = uncertainties.ufloat(x, 0.01)
    return (y**2 + 3 * y + 1).nominal_value


@program("uncertainties", 1 / 3, 0.01)
def deviation_of_a_polynomial(uncertainties, x, deviation):
    y = uncertainties.ufloat(x, deviation)
    return (y**2 + 3 * y + 1).std_dev


@program("uncertainties.umath", 0.7, 0.1)
def functions_of_measurements(umath, x, deviation):
    from uncertainties import ufloat

    y, z = ufloat(x, deviation), ufloat(2.0, 0.2)
    found = umath.sin(y) * z + umath.exp(y) / z
    return found.nominal_value + found.std_dev


# ------------------------------------------------------------------------------------------ colour


@program("colour", np.array([100.0, 21.57, 272.2]))
def difference_of_colours(colour, lab):
    return colour.delta_E(lab, np.array([100.0, 426.67, 72.39]), method="CIE 2000")


@program("colour", np.array([0.2, 0.4, 0.6]))
def from_srgb_to_lab(colour, rgb):
    return colour.XYZ_to_Lab(colour.sRGB_to_XYZ(rgb)) @ np.array([1.0, 2.0, 3.0])


@program("colour", np.array([0.2, 0.4, 0.6]))
def from_xyz_to_luv(colour, xyz):
    return colour.XYZ_to_Luv(xyz) @ np.array([1.0, 2.0, 3.0])


# ------------------------------------------------------------------------------------------ gymnasium


def environment(gymnasium, name, state):
    made = gymnasium.make(name).unwrapped
    made.reset(seed=0)
    made.state = state
    return made


@program("gymnasium", np.array([0.01, 0.02, 0.03, -0.04]))
def four_steps_of_a_cart_pole(gymnasium, state):
    made = environment(gymnasium, "CartPole-v1", state)
    for action in (1, 0, 1, 1):
        made.step(action)
    return made.state[0] + 2 * made.state[2]


@program("gymnasium", np.array([0.5, 0.3]), 0.7)
def rewards_of_a_pendulum(gymnasium, state, torque):
    made, total = environment(gymnasium, "Pendulum-v1", state), 0.0
    for _ in range(5):
        total += made.step(np.array([torque]))[1]
    return total


@program("gymnasium", np.array([0.1, 0.2, 0.05, -0.1]))
def two_steps_of_an_acrobot(gymnasium, state):
    made = environment(gymnasium, "Acrobot-v1", state)
    made.step(2)
    made.step(0)
    return made.state[0] + made.state[3]


# ------------------------------------------------------------------------------------------ networkx

WEIGHTS = np.array([1.0, 2.0, 4.0, 1.5, 5.0])


def graph(networkx, weights, name="weight"):
    made = networkx.DiGraph()
    for (a, b), weight in zip([(0, 1), (1, 2), (0, 2), (2, 3), (1, 3)], weights, strict=True):
        made.add_edge(a, b, **{name: weight})
    return made


@program("networkx", WEIGHTS)
def shortest_path_by_dijkstra(networkx, weights):
    return networkx.dijkstra_path_length(graph(networkx, weights), 0, 3)


@program("networkx", WEIGHTS)
def shortest_path_by_bellman_and_ford(networkx, weights):
    return networkx.bellman_ford_path_length(graph(networkx, weights), 0, 3)


@program("networkx", WEIGHTS)
def shortest_path_by_floyd_and_warshall(networkx, weights):
    return networkx.floyd_warshall(graph(networkx, weights))[0][3]


@program("networkx", WEIGHTS)
def greatest_flow(networkx, weights):
    return networkx.maximum_flow_value(graph(networkx, weights, "capacity"), 0, 3)


@program("networkx", WEIGHTS)
def rank_of_a_page(networkx, weights):
    made = graph(networkx, weights)
    made.add_edge(3, 0, weight=0.7)
    return networkx.pagerank(made, tol=1e-14, max_iter=1000)[2]


@program("networkx", WEIGHTS)
def smallest_tree(networkx, weights):
    return networkx.minimum_spanning_tree(graph(networkx, weights).to_undirected()).size(weight="weight")


@program("networkx", WEIGHTS)
def matrix_of_a_graph(networkx, weights):
    return (networkx.laplacian_matrix(graph(networkx, weights).to_undirected()).toarray() ** 2).sum()


# ------------------------------------------------------------------------------------------ numpy_financial


@program("numpy_financial", 0.05, np.array([-100.0, 30.0, 40.0, 50.0]))
def net_present_value(npf, rate, cash):
    return npf.npv(rate, cash)


@program("numpy_financial", np.array([-100.0, 39.0, 59.0, 55.0, 20.0]))
def internal_rate_of_return(npf, cash):
    return npf.irr(cash)


@program("numpy_financial", 0.01, 200.0)
def payment(npf, rate, loan):
    return npf.pmt(rate, 36, loan)


@program("numpy_financial", 36.0, -5.0, 150.0)
def rate_by_newton(npf, periods, paid, loan):
    return npf.rate(periods, paid, loan, 0.0)


# ------------------------------------------------------------------------------------------ others


@program("lmfit.lineshapes", 1.2, 0.3, 0.4, 0.2)
def voigt_profile(lineshapes, amplitude, center, sigma, gamma):
    return lineshapes.voigt(np.array([0.0, 0.5, 1.0]), amplitude, center, sigma, gamma) @ np.array([1, 2, 3])


@program("lmfit.lineshapes", 1.2, 0.3, 0.4)
def pearson_profile(lineshapes, amplitude, center, sigma):
    return lineshapes.pearson7(np.array([0.0, 0.5, 1.0]), amplitude, center, sigma, 1.4) @ np.array([1, 2, 3])


@program("geopy.distance", 48.85, 2.35, 52.5, 13.4)
def on_a_great_circle(distance, *degrees):
    return distance.great_circle(degrees[:2], degrees[2:]).km


@program("geopy.distance", 48.85, 2.35, 52.5, 13.4)
def on_the_ellipsoid(distance, *degrees):
    return distance.geodesic(degrees[:2], degrees[2:]).km


@program("sklearn.metrics", np.array([0.2, 0.7, 0.9]))
def squared_error(metrics, forecast):
    return metrics.mean_squared_error(np.array([0.0, 1.0, 1.0]), forecast)


@program("sklearn.metrics.pairwise", np.array([[0.2, 0.7], [0.9, 0.3], [0.5, 0.5]]))
def gaussian_kernel(pairwise, points):
    return np.sum(pairwise.rbf_kernel(points, gamma=0.5) * np.arange(9).reshape(3, 3))


@program("pint", 3.0, 4.0)
def energy_with_units(pint, mass, speed):
    units = pint.UnitRegistry()
    return (0.5 * mass * units.kg * (speed * units.m / units.s) ** 2).to(units.joule).magnitude


@program("pint", 20.0)
def temperature_with_units(pint, celsius):
    units = pint.UnitRegistry()
    return units.Quantity(celsius, units.degC).to(units.degF).magnitude


@program("filterpy.kalman", 0.3, 1.2)
def kalman_filter(kalman, measured_noise, process_noise):
    tracker = kalman.KalmanFilter(dim_x=2, dim_z=1)
    tracker.x = np.array([[2.0], [0.0]])
    tracker.F, tracker.H = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    tracker.P, tracker.R = tracker.P * 100.0, np.array([[measured_noise]])
    tracker.Q = np.eye(2) * 0.1 * process_noise
    for seen in (1.0, 2.1, 2.9):
        tracker.predict()
        tracker.update(seen)
    return tracker.x[0, 0] + tracker.x[1, 0]


@program("filterpy.kalman", np.array([2.0, 0.5]))
def kalman_forecast(kalman, state):
    found, spread = kalman.predict(state, np.eye(2), F=np.array([[1.0, 0.1], [0.0, 1.0]]), Q=0.1)
    return found @ np.array([1.0, 2.0]) + spread[0, 0]


@program("control", 1.5, 0.4)
def size_of_a_transfer_function(control, frequency, damping):
    return abs(control.tf([frequency**2], [1, 2 * damping * frequency, frequency**2])(2.0j))


@program("control", 1.5, 0.4)
def gain_of_two_systems_in_series(control, frequency, damping):
    first = control.tf([1.0], [1.0, frequency])
    second = control.tf([damping], [1.0, 2.0 * damping, frequency])
    return abs((first * second)(0.7j))


@program("sympy", 0.5, 1.5)
def lambdified_for_numpy(sympy, x, y):
    a, b = sympy.symbols("a b")
    return sympy.lambdify((a, b), sympy.sin(a) * b**2 + sympy.sqrt(a + b), "numpy")(x, y)


@program("sympy", 0.5, 1.5)
def lambdified_for_math(sympy, x, y):
    a, b = sympy.symbols("a b")
    return sympy.lambdify((a, b), sympy.sin(a) * b**2 + sympy.sqrt(a + b), "math")(x, y)


@program("cma", np.array([0.3, 0.4, 0.5]))
def rosenbrock(cma, x):
    return cma.ff.rosen(x)


@program("cma", np.array([0.3, 0.4, 0.5]))
def rastrigin(cma, x):
    return cma.ff.rastrigin(x)


@program("statsmodels.tsa.stattools", np.array([1.0, 2.1, 2.9, 4.2]))
def autocorrelation(stattools, series):
    return stattools.acf(series, nlags=2)[1]


@program("statsmodels.tools.eval_measures", np.array([1.0, 2.1, 2.9, 4.2]))
def root_of_the_mean_square(measures, series):
    return measures.rmse(series, np.arange(4.0))


@program("xarray", PROFILE := np.array([0.3, 0.7, 0.9, 0.2, 0.5]))
def profile_with_coordinates(xarray, profile):
    made = xarray.DataArray(profile, dims="t", coords={"t": np.arange(5.0)})
    parts = (made.sel(t=slice(1, 3)) ** 2).sum() + np.exp(made).isel(t=2) + made.diff("t").std()
    return (parts + made.interp(t=1.5) + made.cumsum("t").max()).item()


@program("xarray", PROFILE)
def groups_and_windows_of_a_profile(xarray, profile):
    made = xarray.Dataset(
        {"a": ("t", profile), "b": ("t", profile**2)}, coords={"kind": ("t", list("ababa"))}
    )
    groups = (made.a.groupby("kind").mean() * np.array([1.0, 2.0])).sum()
    return (groups + (made.a * made.b).sum() + made.a.rolling(t=2).mean().sum()).item()


@program("einops", np.arange(6.0) / 3)
def rearranged(einops, x):
    table = einops.rearrange(x, "(a b) -> a b", a=2)
    total = einops.repeat(table, "a b -> a b 2").sum() + einops.reduce(table**2, "a b -> a", "sum")[1]
    return total + einops.einsum(table, table, "a b, c b -> a c")[0, 1]


@program("einops", np.arange(1.0, 7.0) / 3)
def pooled(einops, x):
    table = einops.rearrange(x, "(a b) -> b a", a=3)
    return einops.reduce(table, "b a -> b", "prod")[0] * einops.reduce(table, "b a -> ", "max")


@program("simpy", 0.7, 0.4)
def a_tank_that_fills(simpy, pause, portion):
    environment = simpy.Environment()
    tank = simpy.Container(environment, capacity=10.0, init=0.5)

    def fill():
        while True:
            yield environment.timeout(pause)
            yield tank.put(portion * environment.now)

    environment.process(fill())
    environment.run(until=3.0)
    return tank.level


@program("simpy", 0.7)
def jobs_that_wait_for_a_machine(simpy, length):
    environment, ends = simpy.Environment(), []
    machine = simpy.Resource(environment, 1)

    def job(takes):
        with machine.request() as turn:
            yield turn
            yield environment.timeout(takes)
            ends.append(environment.now)

    for k in range(3):
        environment.process(job(length * (1 + k)))
    environment.run(until=20.0)
    return sum(end * end for end in ends)


@program("fluids", 1e5, 2.0)
def losses_in_a_pipe(fluids, reynolds, speed):
    friction = fluids.friction_factor(Re=reynolds, eD=1e-4)
    return fluids.K_from_f(friction, 10.0, 0.1) * speed**2 / 2


@program("fluids", 2.0, 0.1)
def numbers_of_a_flow(fluids, speed, width):
    found = fluids.core.Reynolds(V=speed, D=width, nu=1e-3) + fluids.core.Froude(V=speed, L=width)
    return found + fluids.core.Weber(V=speed, L=width, rho=1.2, sigma=0.07)


@program("sklearn.preprocessing", np.array([[0.2, 0.7], [0.9, 0.3], [0.5, 0.55]]))
def standardised(preprocessing, points):
    return np.sum(preprocessing.StandardScaler().fit_transform(points) * np.arange(6).reshape(3, 2))


@program("sklearn.linear_model", np.array([1.0, 2.0, 1.5, 0.3]), 0.3)
def ridge_regression(linear_model, responses, alpha):
    points = np.array([[0.2, 0.7], [0.9, 0.3], [0.5, 0.55], [0.1, 0.8]])
    ridge = linear_model.Ridge(alpha=alpha).fit(points, responses).coef_[0]
    return ridge + linear_model.LinearRegression().fit(points, responses).coef_[1]


@program("sklearn.gaussian_process", np.array([1.0, 2.0, 1.5]), 0.5)
def gaussian_process(gaussian_process, responses, scale):
    points = np.array([[0.2, 0.7], [0.9, 0.3], [0.5, 0.55]])
    kernel = gaussian_process.kernels.RBF(scale)
    made = gaussian_process.GaussianProcessRegressor(kernel, optimizer=None, alpha=0.1)
    return made.fit(points, responses).predict(np.array([[0.4, 0.4]]))[0]


RESPONSES = np.array([1.1, 1.9, 3.2, 3.9, 5.4])
DESIGN = np.array([[1.0, 0.5], [1.0, 1.5], [1.0, 2.2], [1.0, 3.1], [1.0, 4.3]])


@program("statsmodels.api", RESPONSES, DESIGN)
def least_squares_and_its_errors(api, y, x):
    found = api.OLS(y, x).fit()
    return found.params[1] + found.bse[0] + found.predict(np.array([[1.0, 2.0]]))[0]


@program("statsmodels.api", RESPONSES, np.arange(1.0, 6.0))
def weighted_least_squares(api, y, weights):
    return api.WLS(y, DESIGN, weights=weights).fit().params[1]


@program("statsmodels.api", RESPONSES)
def generalised_least_squares(api, y):
    return api.GLS(y, DESIGN, sigma=np.eye(5) + 0.2).fit().params[1]


@program("statsmodels.api", RESPONSES)
def a_generalised_linear_model(api, y):
    return api.GLM(y, DESIGN, family=api.families.Poisson()).fit(tol=1e-13).params[1]


# ------------------------------------------------------------------------------------------ pandas

PRICES = np.array([1.0, 1.3, 0.9, 1.6])


@program("pandas", PRICES)
def table_of_prices(pandas, prices):
    table = pandas.DataFrame({"price": prices, "weight": prices[::-1] ** 2, "kind": list("abab")})
    table["product"] = table["price"] * table["weight"]
    table.loc[1, "product"] = prices[0] ** 3
    dear = table[table["price"] > 0.95]
    return dear["product"].sum() + sum(row.price * row.weight for row in table.itertuples())


@program("pandas", PRICES)
def series_of_prices(pandas, prices):
    series = pandas.Series(prices, index=list("wxyz"))
    returns = (series / series.shift(1) - 1.0).dropna()
    doubled = series.apply(lambda price: price * price)
    return returns.std() + doubled["y"] + np.log(series).mean() + series.sort_values().iloc[0] ** 2


# ------------------------------------------------------------------------------------------ mpmath


@program("mpmath", 0.7, 1.9)
def functions_of_long_numbers(mpmath, x, y):
    z = mpmath.mpf(x) ** 2 / y - 1
    found = mpmath.gamma(y) * mpmath.besselj(0, z) + mpmath.pi * mpmath.zeta(y) - abs(z)
    return float(found if z < 0 else mpmath.log(x, 3)) + math.sin(z)


@program("mpmath", 0.7, 1.9)
def questions_to_long_numbers(mpmath, x, y):
    z = mpmath.mpf(x) * y
    return float(z**2 if math.isfinite(z) and not math.isnan(z) else y)


@program("mpmath", 0.7, 1.9)
def methods_of_long_numbers(mpmath, x, y):
    z = mpmath.mpf(x) * y
    return float(z.sqrt() * z.real + z.conjugate().real * (z.imag == 0) + mpmath.mpf(y).sqrt() * z)


@program("mpmath", 0.7, 1.9)
def an_integral_in_long_numbers(mpmath, x, y):
    found = mpmath.quad(lambda t: mpmath.exp(-x * t) * y, [0, 1]) + mpmath.quad(lambda t: t * t, [0, 2])
    return float(found + mpmath.quad(lambda t: mpmath.exp(-t * x), [0.5, mpmath.inf]))


@program("mpmath", 0.7, 1.9)
def an_integral_between_long_numbers(mpmath, x, y):
    return float(mpmath.quad(lambda t: mpmath.sin(t) * y, [0.1, mpmath.mpf(x), y]))


@program("mpmath", 0.7, 1.9)
def lists_of_long_numbers(mpmath, x, y):
    found = mpmath.fsum([x, y, 2], squared=True) * mpmath.fprod([x, y + 1]) - mpmath.fdot([(x, 2), (1, y)])
    return float(found + mpmath.polyval([1, x, y], 2) + mpmath.norm([x, y]) + mpmath.frexp(mpmath.mpf(x))[0])


@program("mpmath", 0.7, 1.9)
def matrices_of_long_numbers(mpmath, x, y):
    matrix = mpmath.matrix([[x, 1], [0.5, y]])
    solved = mpmath.lu_solve(matrix, mpmath.matrix([y, 1]))
    return float(
        solved[0]
        + mpmath.det(matrix) * (matrix**-1)[0, 1]
        + mpmath.qr(matrix)[1][0, 0]
        + (matrix * solved)[1]
    )


@program("mpmath", 0.7, 1.9)
def a_root_in_long_numbers(mpmath, x, y):
    return float(mpmath.findroot(lambda t: mpmath.cos(t * x) - t * y, 0.5))


@program("mpmath", 0.7)
def a_series_in_fifty_digits(mpmath, x):
    with mpmath.workdps(50):
        total, term = mpmath.mpf(0), mpmath.mpf(1)
        for n in range(30):
            total += term
            term = -term * x / (n + 1)
        return float(((1 + total * mpmath.mpf("1e-30")) - 1) * 10**30)


CASES = [
    pytest.param(package, function, args, id=f"{package}-{function.__name__}")
    for package, programs in PROGRAMS.items()
    for function, args in programs
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("package", "function", "args"), CASES)
def test_a_package_is_differentiated_as_it_stands(package, function, args):
    module = importlib.import_module(package) if _installed(package) else pytest.importorskip(package)

    def alone(*numbers):
        return function(module, *numbers)

    check_gradient(alone, *args)
    value, pull = pullback(alone, *args)
    pushed_value, push = pushforward(alone, *args)
    tangents = tuple(np.full(np.shape(arg), 0.3 + 0.1 * k)[()] for k, arg in enumerate(args))
    expected = sum(np.sum(c * t) for c, t in zip(pull(1.0), tangents, strict=True))
    assert float(push(*tangents)) == pytest.approx(float(expected), rel=1e-9)
    assert float(pushed_value) == pytest.approx(float(value))


def _installed(package):
    return importlib.util.find_spec(package.split(".")[0]) is not None


def test_there_are_ten_packages_with_two_programs_each():
    families: dict[str, int] = {}
    for package, programs in PROGRAMS.items():
        top = package.split(".")[0]
        families[top] = families.get(top, 0) + len(programs)
    assert len(families) >= 10
    assert min(families.values()) >= 2


def test_the_measurement_of_the_paper():
    uncertainties = pytest.importorskip("uncertainties")

    def measured(x):
        return x**2 + 3 * x + 1

    slope = gradient(lambda x: measured(uncertainties.ufloat(x, 0.01)).nominal_value)(1 / 3)
    assert slope == pytest.approx(2 / 3 + 3)
    # the deviation of y is |dy/dx| times that of x
    assert measured(uncertainties.ufloat(1 / 3, 0.01)).std_dev == pytest.approx(slope * 0.01)


def test_long_numbers_leave_no_trace_unseen():
    mpmath = pytest.importorskip("mpmath")
    for lost in (
        lambda x: float("0" + mpmath.nstr(mpmath.mpf(x), 20)),
        lambda x: float(mpmath.sqrt(-x).imag),
        lambda x: float(mpmath.quad(lambda t: mpmath.exp(-x * t), [0, 1], method="gauss-legendre")),
        lambda x: float(mpmath.quad(lambda t: mpmath.exp(-t), [mpmath.mpf(x), mpmath.inf])),
        lambda x: float(mpmath.diff(mpmath.sin, mpmath.mpf(x))),
        lambda x: float(mpmath.taylor(mpmath.sin, mpmath.mpf(x), 2)[1]),
        lambda x: int(mpmath.mpf(x) * 2**60) / 2**60,
        lambda x: float(mpmath.floor(mpmath.mpf(x) * 2**60)) / 2**60,
        lambda x: float(mpmath.mpc(x, 1).real),
        lambda x: float((mpmath.mpf(x) + mpmath.mpc(0, 1)).real),
        lambda x: float(mpmath.svd(mpmath.matrix([[x, 1], [1, 2]]))[1][0]),
        lambda x: float(mpmath.sumem(lambda n: mpmath.exp(-x * n), [1, 10])),
        lambda x: float(mpmath.mpf(x).man) / 2**53,
        lambda x: float(pytest.importorskip("sympy").Rational(x)),
    ):
        with pytest.raises((RefusedError, TypeError)):
            gradient(lost)(0.7)


def test_text_that_is_one_long_number_is_that_number():
    mpmath = pytest.importorskip("mpmath")
    for written in (str, mpmath.nstr, lambda number: mpmath.nstr(number, 20)):
        assert gradient(lambda x, w=written: float(w(mpmath.mpf(x) ** 2)))(0.7) == pytest.approx(
            1.4, rel=1e-12
        )


@pytest.mark.parametrize(
    "chosen",
    [
        lambda pandas, table: table.sum(numeric_only=True).sum(),
        lambda pandas, table: table.select_dtypes("number").sum().sum(),
        lambda pandas, table: 2 * table.describe().loc["mean"].sum(),
        lambda pandas, table: table["a"].sum() if pandas.api.types.is_numeric_dtype(table["a"]) else 0.0,
    ],
)
def test_columns_chosen_by_their_type_leave_no_trace_unseen(chosen):
    pandas = pytest.importorskip("pandas")

    def program(x, kind=None):
        return chosen(pandas, pandas.DataFrame({"a": [x, x * x], "b": [1.0, 2.0]}, dtype=kind))

    assert gradient(program)(0.7) == pytest.approx(2.4)
    with pytest.raises((LostGradientError, KeyError), match=r"by their types|mean"):
        gradient(lambda x: program(x, object))(0.7)


def test_steps_of_long_numbers():
    mpmath = pytest.importorskip("mpmath")

    def stepped(x):
        y = mpmath.mpf(x)
        found = (
            y * mpmath.floor(y)
            + mpmath.ceil(y)
            + mpmath.sign(y)
            + mpmath.frac(y) * 2
            + (y + 0.5) % 1
            + abs(y - 2)
        )
        return float(found + mpmath.fmod(y, 0.7))

    assert gradient(stepped)(2.0) == pytest.approx(2.0 + 2.0 + 1.0 + 0.0 + 1.0)


def test_derivatives_of_long_numbers_nest():
    mpmath = pytest.importorskip("mpmath")

    def curved(x):
        return float(mpmath.gamma(x) * mpmath.log(x, 3))

    expected = mpmath.diff(lambda t: mpmath.gamma(t) * mpmath.log(t, 3), 1.7, 2)
    assert gradient(lambda x: gradient(curved)(x))(1.7) == pytest.approx(float(expected), rel=1e-12)
