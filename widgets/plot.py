"""Curves and points as a small SVG picture: the same text is a live view, a static picture and a thumbnail.

Colours are CSS variables with fixed fall-backs: a picture inside a page follows the page's theme, and one on its
own, which hears of no theme, is readable on white and on black. The palette is Okabe and Ito's; lines also differ
in dashes and markers in shape, so that nothing hangs on colour alone.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 34, 42
LETTER = 5.8  # width of one, about
MOST_POINTS = 600
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#3A9BD9")
DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 4", "4 4")
INK, GRID, PAPER = "var(--wb-ink,#767676)", "var(--wb-grid,#76767640)", "var(--wb-paper,none)"

Limits = tuple[float, float]


@dataclass(frozen=True)
class Plot:
    """What to draw: curves (n, 2) joined by lines, points (n, 2) as markers, both by name.

    ``faint`` names curves to be drawn thin and pale. ``log_y`` is a wish: with a value that is not positive
    the axis is linear. ``equal`` gives both axes the same scale.
    """

    title: str = ""
    x_label: str = ""
    y_label: str = ""
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    points: Mapping[str, np.ndarray] = field(default_factory=dict)
    faint: frozenset[str] = frozenset()
    log_y: bool = False
    equal: bool = False

    def data(self) -> np.ndarray:
        """All finite points, (n, 2)."""
        arrays = [*self.curves.values(), *self.points.values()]
        data = np.concatenate([np.empty((0, 2)), *arrays])
        return data[np.isfinite(data).all(axis=1)]

    def summary(self) -> str:
        """The picture in a sentence or two, for those who do not see it."""
        labels = f"{self.y_label} over {self.x_label}" if self.x_label and self.y_label else ""
        parts = [self.title or labels] if self.title or labels else []
        for name, points in self.curves.items():
            there = points[np.isfinite(points).all(axis=1)]
            if len(there):
                top = there[there[:, 1].argmax()]
                parts.append(
                    f"curve {name}: from {_pair(there[0])} to {_pair(there[-1])}, highest at {_pair(top)}"
                )
        for name, points in self.points.items():
            parts.append(f"{name} at {', '.join(_pair(point) for point in points[:5])}")
        return "; ".join(parts) + "." if parts else "Nothing to show yet."


def plot_of(snapshot: Mapping[str, np.ndarray | str]) -> Plot:
    """The plot that a snapshot describes (see ``workbench.training.Problem.snapshot``)."""

    def named(kind: str) -> dict[str, np.ndarray]:
        return {
            key.removeprefix(kind): np.asarray(value, float).reshape(-1, 2)
            for key, value in snapshot.items()
            if key.startswith(kind)
        }

    texts = {key: str(value) for key, value in snapshot.items() if key.startswith("text:")}
    return Plot(
        title=texts.get("text:title", ""),
        x_label=texts.get("text:x", ""),
        y_label=texts.get("text:y", ""),
        curves=named("curve:"),
        points=named("point:"),
        equal=texts.get("text:aspect") == "equal",
    )


class Picture:
    """Draws one plot after the other in axes that stay put while the data stay about the same size."""

    def __init__(self) -> None:
        self._limits: tuple[Limits, Limits] | None = None
        self._log = False

    def svg(self, plot: Plot) -> str:
        """The plot as SVG text."""
        data = plot.data()
        log = plot.log_y and len(data) > 0 and data[:, 1].min() > 0
        axes = _Axes(*self._settled_limits(data, plot.equal, log), log)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="system-ui,sans-serif" font-size="11" fill="{INK}">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
            *_axes_parts(plot, axes),
            # An inner svg clips what it holds without needing an id.
            f'<svg x="{LEFT}" y="{TOP}" width="{axes.width}" height="{axes.height}" '
            f'viewBox="{LEFT} {TOP} {axes.width} {axes.height}">',
            *_curve_parts(plot, axes),
            "</svg>",
            *_legend_parts(plot),
            "</svg>",
        ]
        return "".join(parts)

    def _settled_limits(self, data: np.ndarray, equal: bool, log: bool) -> tuple[Limits, Limits]:
        """The limits of before if the data still fill them well, otherwise new ones with some room."""
        if len(data) == 0 or log != self._log:
            self._limits, self._log = None, log
        if len(data) == 0:
            return (0.0, 1.0), (0.0, 1.0)
        values = np.column_stack([data[:, 0], np.log10(data[:, 1]) if log else data[:, 1]])
        low, high = values.min(axis=0), values.max(axis=0)
        if self._limits is not None:
            before = np.array(self._limits).T
            inside = (low >= before[0] - 1e-12).all() and (high <= before[1] + 1e-12).all()
            span = before[1] - before[0]
            fills = (high - low) >= 0.45 * span
            if inside and (fills.any() if equal else fills.all()):
                return self._limits
        self._limits = _roomy(low, high, equal)
        return self._limits


@dataclass(frozen=True)
class _Axes:
    """Where a value lands in the picture; ``y`` limits are decades when ``log``."""

    x: Limits
    y: Limits
    log: bool
    width: int = WIDTH - LEFT - RIGHT
    height: int = HEIGHT - TOP - BOTTOM

    def across(self, x: float | np.ndarray) -> float | np.ndarray:
        return LEFT + (x - self.x[0]) / (self.x[1] - self.x[0]) * self.width

    def down(self, y: float | np.ndarray) -> float | np.ndarray:
        y = np.log10(y) if self.log else y
        return TOP + self.height - (y - self.y[0]) / (self.y[1] - self.y[0]) * self.height


def _pair(point: np.ndarray) -> str:
    return f"({point[0]:.3g}, {point[1]:.3g})"


def _roomy(low: np.ndarray, high: np.ndarray, equal: bool) -> tuple[Limits, Limits]:
    size = np.where(high == 0, 1.0, np.abs(high))
    span = np.where(high == low, size, np.maximum(high - low, np.maximum(1e-9, 1e-6 * np.abs(high))))
    low, high = low - 0.06 * span, high + 0.06 * span
    if equal:
        shape = np.array([WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM])
        units = ((high - low) / shape).max() * shape
        middle = (low + high) / 2
        # The ground stays at the bottom: extra height goes on top.
        low = np.array([middle[0] - units[0] / 2, low[1]])
        high = low + units
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


# -------------------------------------------------------------------------------------------- parts


def _axes_parts(plot: Plot, axes: _Axes) -> list[str]:
    bottom, right = TOP + axes.height, LEFT + axes.width
    parts = []
    for value, text in _ticks(axes.x):
        x = f"{axes.across(value):.1f}"
        parts.append(f'<path d="M{x} {TOP}V{bottom}" stroke="{GRID}"/>')
        parts.append(f'<text x="{x}" y="{bottom + 15}" text-anchor="middle">{text}</text>')
    for value, text in _log_ticks(axes.y) if axes.log else _ticks(axes.y):
        y = f"{axes.down(value):.1f}"
        parts.append(f'<path d="M{LEFT} {y}H{right}" stroke="{GRID}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y}" dy="4" text-anchor="end">{text}</text>')
    parts.append(f'<path d="M{LEFT} {TOP}V{bottom}H{right}" stroke="{INK}" fill="none"/>')
    middle = LEFT + axes.width / 2
    label = _fitting(plot.x_label, axes.width)
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{label}</text>')
    turned = f'transform="translate(13 {TOP + axes.height / 2}) rotate(-90)"'
    parts.append(f'<text {turned} text-anchor="middle">{_fitting(plot.y_label, axes.height)}</text>')
    return parts


def _fitting(label: str, room: float) -> str:
    """The label, or its beginning where it is longer than its axis."""
    most = int(room / LETTER)
    return html.escape(label if len(label) <= most else f"{label[: most - 1]}…")


def _curve_parts(plot: Plot, axes: _Axes) -> list[str]:
    parts = []
    for index, (name, points) in enumerate(plot.curves.items()):
        style = 'stroke-width="1" opacity="0.4"' if name in plot.faint else 'stroke-width="2"'
        dash = f'stroke-dasharray="{_dash(plot, index)}"' if _dash(plot, index) else ""
        path = _path(axes, points)
        parts.append(
            f'<path class="wb-curve" d="{path}" fill="none" stroke="{_colour(index)}" {style} {dash} '
            'stroke-linejoin="round"/>'
        )
    for index, points in enumerate(plot.points.values(), start=len(plot.curves)):
        for x, y in points[np.isfinite(points).all(axis=1)]:
            parts.append(_marker(index, float(axes.across(x)), float(axes.down(y))))
    return parts


def _path(axes: _Axes, points: np.ndarray) -> str:
    if len(points) > MOST_POINTS:
        points = points[np.linspace(0, len(points) - 1, MOST_POINTS).astype(int)]
    there = np.isfinite(points).all(axis=1)
    if axes.log:
        there &= points[:, 1] > 0
    first, *others = np.split(points, np.flatnonzero(~there))
    commands = []
    for kept in (first, *(piece[1:] for piece in others)):
        if len(kept):
            xs, ys = axes.across(kept[:, 0]).tolist(), axes.down(kept[:, 1]).tolist()
            commands.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True)))
    return "".join(commands)


def _legend_parts(plot: Plot) -> list[str]:
    """Title and names in one row above the axes, or in two where they are long."""
    parts, x, y = [], float(LEFT), 14
    if plot.title:
        parts.append(f'<text x="{LEFT}" y="{y}" font-weight="600">{html.escape(plot.title)}</text>')
        x += 6.6 * len(plot.title) + 14
    for index, name in enumerate([*plot.curves, *plot.points]):
        width = 23 + LETTER * len(name)
        if x + width > WIDTH and x > LEFT:
            x, y = float(LEFT), y + 14
        if index < len(plot.curves):
            dash = f'stroke-dasharray="{_dash(plot, index)}"' if _dash(plot, index) else ""
            faint = 'opacity="0.4"' if name in plot.faint else ""
            line = f'stroke="{_colour(index)}" stroke-width="2" {dash} {faint}'
            parts.append(f'<path d="M{x:.0f} {y - 4}h18" {line}/>')
        else:
            parts.append(_marker(index, x + 9, y - 4))
        parts.append(f'<text x="{x + 23:.0f}" y="{y}">{html.escape(name)}</text>')
        x += width + 14
    return parts


def _marker(index: int, x: float, y: float) -> str:
    shapes = (
        f"M{x - 4.5:.1f} {y:.1f}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
        f"M{x - 4:.1f} {y - 4:.1f}h8v8h-8z",
        f"M{x:.1f} {y - 5:.1f}l5 9h-10z",
        f"M{x:.1f} {y - 5.5:.1f}l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
    )
    shape = shapes[index % len(shapes)]
    return f'<path class="wb-point" d="{shape}" fill="{_colour(index)}" stroke="{PAPER}"/>'


def _colour(index: int) -> str:
    index %= len(PALETTE)
    return f"var(--wb-colour-{index},{PALETTE[index]})"


def _dash(plot: Plot, index: int) -> str:
    """Another dash too where the colours begin anew."""
    return "" if plot.faint else DASHES[(index + index // len(PALETTE)) % len(DASHES)]


# -------------------------------------------------------------------------------------------- ticks


def _ticks(limits: Limits, wanted: int = 6) -> list[tuple[float, str]]:
    """Round values between the limits, and how to write them."""
    low, high = limits
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    values = [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
    # A true minus sign is as wide as a digit.
    exotic = decimals > 4 or max(abs(low), abs(high)) >= 1e6
    digits = max(3, math.ceil(math.log10(max(abs(low), abs(high)) / step)) + 1)
    texts = [f"{value:.{digits}g}" if exotic else f"{value + 0.0:,.{decimals}f}" for value in values]
    return [(value, text.replace("-", "−")) for value, text in zip(values, texts, strict=True)]


def _log_ticks(limits: Limits) -> list[tuple[float, str]]:
    """Decades between the limits (given as decades); fewer than two get 2 and 5 in between."""
    first, last = math.ceil(limits[0]), math.floor(limits[1])
    if last - first < 1:
        factors: Sequence[int] = (1, 2, 5)
        decades: Sequence[int] = range(math.floor(limits[0]), last + 1)
    else:
        factors = (1,)
        decades = range(first, last + 1, max(1, (last - first) // 6 + (last - first > 6)))
    values = [factor * 10.0**decade for decade in decades for factor in factors]
    inside = [value for value in values if limits[0] <= math.log10(value) <= limits[1]]
    return [(value, f"{value:g}") for value in inside]
