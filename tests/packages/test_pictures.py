"""Pictures that a program draws on the way: with plain numbers, and no derivative through what is read from them."""

import warnings

import numpy as np
import plotly.graph_objects as go
import pytest

from workbench.autodiff import gradient, pushforward
from workbench.errors import MissingRuleError

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _closed():
    with warnings.catch_warnings(action="ignore"):
        yield
    plt.close("all")


def lines(x):
    ts = np.linspace(0.0, 1.0, 20)
    ys = np.sin(x * ts)
    plt.plot(ts, ys, color=plt.cm.viridis(x / 3), label=f"{x:.2f}")
    plt.legend()
    plt.fill_between(ts, ys, x * ys)
    plt.gca().spines["left"].set_position(("axes", x))
    plt.pause(0.001)
    return ys.sum()


def axes(x):
    figure, ax = plt.subplots()
    heights = np.zeros(4)
    heights[1] = x
    ax.bar(range(4), heights)
    ax.scatter([x], [x**2])
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.1 * x, high * 1.1)
    ax.add_patch(plt.Rectangle((x, x), x, 0.1 * x))
    ax.text(x, x, f"{x:.3f}")
    figure.canvas.draw()
    return np.sum(heights**2)


def surface(x):
    ax = plt.figure().add_subplot(projection="3d")
    first, second = np.meshgrid(np.arange(3.0) * x, np.arange(3.0))
    ax.plot_surface(first, second, first * second)
    return first.sum()


def shapes(x):
    with plt.rc_context({"lines.linewidth": x}):
        plt.imshow(np.outer([x, 1.0], [x, 2.0]))
        plt.contour(x * np.outer([1.0, 2.0], [1.0, 3.0]))
        plt.hist(x * np.arange(5.0))
    return x**2


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (lines, np.sum(np.cos(1.5 * np.linspace(0, 1, 20)) * np.linspace(0, 1, 20))),
        (axes, 3.0),
        (surface, 9.0),
        (shapes, 3.0),
    ],
)
def test_programs_that_draw(program, expected):
    assert gradient(program)(1.5) == pytest.approx(expected)
    assert pushforward(program, 1.5)[1](1.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: plt.hist(x * np.arange(5.0))[1].sum(),
        lambda x: plt.plot([0, 1], [x, 2 * x])[0].get_ydata()[1],
        lambda x: x * plt.Rectangle((x, x), x, x).get_width(),
        lambda x: matplotlib.colors.hsv_to_rgb(np.array([0.3, x / 3, 0.7])).sum(),
    ],
)
def test_what_is_read_from_a_picture_has_no_derivative(program):
    assert program(1.5) != 0.0
    with pytest.raises(MissingRuleError, match="package for pictures"):
        gradient(program)(1.5)


def figure_of_plotly(x):
    ys = x * np.arange(4.0)
    figure = go.Figure(go.Scatter(x=[0, 1, 2, 3], y=ys))
    figure.add_trace(go.Surface(z=np.outer(ys, ys)))
    figure.data[0].y = [x, 2 * x]
    figure.update_layout(title=f"{x:.2f}", width=300 + 100 * x)
    return ys.sum() * (len(figure.to_json()) > 0)


def test_programs_that_draw_with_plotly():
    assert gradient(figure_of_plotly)(1.5) == 6.0
    with pytest.raises(MissingRuleError, match="package for pictures"):
        gradient(lambda x: go.Figure(go.Scatter(y=[x, 2 * x])).data[0].y[1])(1.5)
