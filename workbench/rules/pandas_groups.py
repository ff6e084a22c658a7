"""pandas: what is computed in groups and in windows, by NumPy's functions on the rows of each.

Missing values are left out, as pandas does; a group or window with too few rows left is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pandas._libs import algos
from pandas._libs.window import aggregations
from pandas.core import algorithms
from pandas.core.groupby.ops import BinGrouper, WrappedCythonOp

from workbench.autodiff.application import converted
from workbench.autodiff.calls import resolve
from workbench.autodiff.indexing import get_item
from workbench.autodiff.refusing import without_rule
from workbench.autodiff.registry import DOORS, door
from workbench.autodiff.telling import contains_traced, plain


@door(algos.ensure_float64)
def ensure_float64(values: Any) -> Any:
    """``values`` in double precision."""
    values = converted(values)
    return values.astype(float) if contains_traced(values) else algos.ensure_float64(values)


def _present(column: Any) -> Any:
    """The rows of a column that are not missing."""
    missing = np.isnan(plain(column))
    return get_item(column, ~missing) if missing.any() else column


def _variance(rows: Any, ddof: int = 1) -> Any:
    return resolve(np.var)(rows, ddof=ddof) if np.size(plain(rows)) > ddof else np.nan


def _deviation(rows: Any, ddof: int = 1) -> Any:
    return resolve(np.sqrt)(_variance(rows, ddof))


def _of_mean(rows: Any, ddof: int = 1) -> Any:
    """The standard error of the mean."""
    return _deviation(rows, ddof) / np.sqrt(np.size(plain(rows)))


def _first(rows: Any) -> Any:
    return get_item(rows, 0)


def _last(rows: Any) -> Any:
    return get_item(rows, -1)


_AGGREGATES: dict[str, Callable] = {
    **{name: resolve(getattr(np, name)) for name in ("sum", "prod", "mean", "min", "max", "median")},
    **{"var": _variance, "std": _deviation, "sem": _of_mean, "first": _first, "last": _last},
}
_CUMULATED = {
    "cumsum": (np.cumsum, 0.0),
    "cumprod": (np.cumprod, 1.0),
    "cummax": (np.maximum.accumulate, -np.inf),
    "cummin": (np.minimum.accumulate, np.inf),
}
_OHLC = ("first", "max", "min", "last")
_EMPTY = {"sum": 0.0, "prod": 1.0}

# ------------------------------------------------------------------------------------ groups

_compute_groups = WrappedCythonOp._call_cython_op


@door(_compute_groups)
def _call_cython_op(
    operation: Any, values: Any, *, ngroups: int, comp_ids: Any, min_count: int, **kwargs: Any
) -> Any:
    """Sums and their like over groups of columns.

    Args:
        operation: says ``how``.
        values: the columns, as rows. Shape (columns, rows).
        ngroups: how many groups.
        comp_ids: the group of each row, -1 for none. Shape (rows,).
        min_count: a group with fewer values present is NaN.
    """
    how = operation.how
    if not contains_traced(values):
        given = {"ngroups": ngroups, "comp_ids": comp_ids, "min_count": min_count}
        return _compute_groups(operation, values, **given, **kwargs)
    columns = [get_item(values, k) for k in range(np.shape(plain(values))[0])]
    groups = [np.flatnonzero(comp_ids == k) for k in range(ngroups)]
    options = {name: kwargs[name] for name in ("ddof",) if name in kwargs}
    if how in _AGGREGATES and kwargs.get("skipna", True):
        return resolve(np.array)(
            [[_aggregated(how, get_item(c, g), min_count, options) for g in groups] for c in columns]
        )
    if how == "ohlc":
        return resolve(np.array)(
            [[_aggregated(part, get_item(columns[0], g), 1, {}) for g in groups] for part in _OHLC]
        )
    if how in ("rank", "idxmax", "idxmin"):
        given = {"ngroups": ngroups, "comp_ids": comp_ids, "min_count": min_count}
        return _compute_groups(operation, plain(values), **given, **kwargs)
    if how in _CUMULATED and kwargs.get("skipna", True):
        return resolve(np.stack)([_cumulated(how, column, groups) for column in columns])
    raise without_rule(_compute_groups)


def _aggregated(how: str, rows: Any, least: int, options: dict) -> Any:
    rows = _present(rows)
    count = np.size(plain(rows))
    if count < max(least, how not in _EMPTY):
        return np.nan
    return _AGGREGATES[how](rows, **options) if count else _EMPTY[how]


def _cumulated(how: str, column: Any, groups: list[np.ndarray]) -> Any:
    function, neutral = _CUMULATED[how]
    missing = np.isnan(plain(column))
    filled = resolve(np.where)(missing, neutral, column)
    order = np.concatenate(groups)
    parts = [resolve(function)(get_item(filled, group)) for group in groups if group.size]
    places = np.full(missing.size, -1)
    places[order] = np.arange(order.size)
    found = get_item(resolve(np.concatenate)(parts), places)
    return resolve(np.where)(missing | (places < 0), np.nan, found)


if hasattr(BinGrouper, "_reduceat_aggregate"):  # a shortcut for rows that are sorted already
    _shortcut = BinGrouper._reduceat_aggregate

    @door(_shortcut)
    def _reduceat_aggregate(grouper: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
        """None, which sends traced columns the ordinary way."""
        return None if contains_traced(values) else _shortcut(grouper, values, *args, **kwargs)


# ------------------------------------------------------------------------------------ windows


def _rolling(original: Callable, reduce: Callable, empty: float = np.nan) -> None:
    def call(values: Any, start: Any, end: Any, minp: int, *args: Any, **kwargs: Any) -> Any:
        if not contains_traced(values):
            return original(values, start, end, minp, *args, **kwargs)
        found = []
        for first, stop in zip(start.tolist(), end.tolist(), strict=True):
            rows = _present(get_item(values, slice(first, stop)))
            count = np.size(plain(rows))
            few = count < minp or (not count and np.isnan(empty))
            found.append(np.nan if few else reduce(rows, *args, **kwargs) if count else empty)
        return resolve(np.array)(found, dtype=float)

    DOORS[original] = call


for _name, _reduce in _AGGREGATES.items():
    _own = {"median": "roll_median_c"}.get(_name, f"roll_{_name}")
    if hasattr(aggregations, _own):
        _rolling(getattr(aggregations, _own), _reduce, _EMPTY.get(_name, np.nan))


@door(aggregations.roll_apply)
def roll_apply(
    obj: Any, start: Any, end: Any, minp: int, function: Callable, raw: bool, args: tuple, kwargs: dict
) -> Any:
    """``function`` of each window with enough values."""
    found = []
    for first, stop in zip(start.tolist(), end.tolist(), strict=True):
        window = get_item(obj, slice(first, stop)) if raw else obj.iloc[first:stop]
        values = window if raw else resolve(window.to_numpy)()
        enough = np.count_nonzero(~np.isnan(plain(values))) >= minp
        found.append(resolve(function)(window, *args, **kwargs) if enough else np.nan)
    return resolve(np.array)(found, dtype=float)


@door(aggregations.ewm)
def ewm(
    vals: Any,
    start: Any,
    end: Any,
    minp: int,
    com: Any,
    adjust: bool,
    ignore_na: bool,
    deltas: Any = None,
    normalize: bool = True,
) -> Any:
    """Exponentially weighted means, or sums where ``normalize`` is false, as pandas' own loop goes.

    y ← (w y + v x) / (w + v), w ← (1 − α) (w + v), with α = 1 / (1 + com) and v = 1, or v = α and w = 1 − α.
    """
    if not any(map(contains_traced, (vals, com))):
        return aggregations.ewm(vals, start, end, minp, com, adjust, ignore_na, deltas, normalize)
    rate = 1.0 / (1.0 + com)
    found = []
    for first, stop in zip(start.tolist(), end.tolist(), strict=True):
        mean, weight, count = np.nan, 1.0, 0
        for k in range(first, stop):
            x = get_item(vals, k)
            seen, begun = not np.isnan(plain(x)), not np.isnan(plain(mean))
            count += seen
            if begun and (seen or not ignore_na):
                steps = 1.0 if deltas is None or k == first else deltas[k - 1]
                if not normalize:
                    mean = mean * (1.0 - rate) + (x if seen else 0.0)
                else:
                    weight = weight * (1.0 - rate) ** steps
                    if seen:
                        new = 1.0 if adjust else rate
                        mean = (weight * mean + new * x) / (weight + new)
                        weight = weight + new if adjust else 1.0
            elif seen and not begun:
                mean = x
            found.append(mean if count >= max(minp, 1) else np.nan)
    return resolve(np.array)(found, dtype=float)


@door(aggregations.ewmcov)
def ewmcov(
    input_x: Any,
    start: Any,
    end: Any,
    minp: int,
    input_y: Any,
    com: Any,
    adjust: bool,
    ignore_na: bool,
    bias: bool,
) -> Any:
    """Exponentially weighted covariances: of the weighted means of x y, x and y, over the rows where both are present.

    cov = ⟨x y⟩ − ⟨x⟩⟨y⟩, times (Σw)² / ((Σw)² − Σw²) unless ``bias``.
    """
    if not any(map(contains_traced, (input_x, input_y, com))):
        return aggregations.ewmcov(input_x, start, end, minp, input_y, com, adjust, ignore_na, bias)
    rate, found = 1.0 / (1.0 + com), []
    for first, stop in zip(start.tolist(), end.tolist(), strict=True):
        weights: list[Any] = []
        rows: list[int] = []
        for k in range(first, stop):
            present = not (np.isnan(plain(input_x)[k]) or np.isnan(plain(input_y)[k]))
            if rows and (present or not ignore_na):
                weights = [w * (1.0 - rate) for w in weights]
            if present:
                weights.append(1.0 if adjust or not rows else rate)
                rows.append(k)
                if not adjust:
                    weights = [w / sum(weights) for w in weights]
            found.append(_weighted_covariance(input_x, input_y, rows, weights, max(minp, 1), bias))
    return resolve(np.array)(found, dtype=float)


def _weighted_covariance(x: Any, y: Any, rows: list[int], weights: list[Any], least: int, bias: bool) -> Any:
    if len(rows) < least:
        return np.nan
    if len(rows) < 2:
        return 0.0 if bias else np.nan
    w = resolve(np.array)(weights)
    w = w / resolve(np.sum)(w)
    x, y = get_item(x, rows), get_item(y, rows)
    x, y = x - resolve(np.sum)(w * x), y - resolve(np.sum)(w * y)
    covariance = resolve(np.sum)(w * x * y)
    return covariance if bias else covariance / (1.0 - resolve(np.sum)(w * w))


# ------------------------------------------------------------------------------------ shapes of distributions


def _skewness(rows: Any) -> Any:
    """The unbiased third moment, as pandas has it: n √(n − 1) / (n − 2) · m₃ / m₂^(3/2), with sums m."""
    n, centred = np.size(plain(rows)), rows - resolve(np.mean)(rows)
    second, third = (resolve(np.sum)(centred**k) for k in (2, 3))
    return n * np.sqrt(n - 1) / (n - 2) * third / second**1.5 if n > 2 else np.nan


def _kurtosis(rows: Any) -> Any:
    """The unbiased excess of the fourth moment, with sums m: n (n + 1) (n − 1) m₄ / ((n − 2) (n − 3) m₂²) − …"""
    n, centred = np.size(plain(rows)), rows - resolve(np.mean)(rows)
    if n < 4:
        return np.nan
    second, fourth = (resolve(np.sum)(centred**k) for k in (2, 4))
    whole = n * (n + 1) * (n - 1) * fourth / ((n - 2) * (n - 3) * second**2)
    return whole - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))


def _moment(original: Callable, reduce: Callable) -> None:
    def call(values: Any, skipna: bool, mask: Any) -> Any:
        if not contains_traced(values):
            return original(values, skipna, mask)
        missing = np.isnan(plain(values)) if mask is None else mask
        if missing.any() and not skipna:
            return np.nan
        return reduce(get_item(values, ~missing))

    DOORS[original] = call


for _own, _reduce in (("skew", _skewness), ("kurt", _kurtosis)):
    _AGGREGATES[_own] = _reduce
    _rolling(getattr(aggregations, f"roll_{_own}"), _reduce)
    if hasattr(algos, f"scalar_{_own}"):
        _moment(getattr(algos, f"scalar_{_own}"), _reduce)

# ------------------------------------------------------------------------------------ differences and correlations

_difference = algorithms.diff


@door(_difference)
def diff(arr: Any, n: int, axis: int = 0) -> Any:
    """``arr`` less itself ``n`` places before, along an axis."""
    if not contains_traced(arr):
        return _difference(arr, n, axis)
    size = np.shape(plain(arr))[axis]
    places = np.arange(size)
    before = places - int(n)
    inside = ((before >= 0) & (before < size)).reshape(
        [-1 if k == axis else 1 for k in range(np.ndim(plain(arr)))]
    )
    earlier = resolve(np.take)(arr, np.clip(before, 0, max(size - 1, 0)), axis=axis)
    return resolve(np.where)(inside, resolve(np.subtract)(arr, earlier), np.nan)


@door(algos.nancorr)
def nancorr(mat: Any, cov: bool = False, minp: int | None = None) -> Any:
    """Correlations or covariances between columns, each pair of columns over the rows where both are present."""
    if not contains_traced(mat):
        return algos.nancorr(mat, cov=cov, minp=minp)
    count = np.shape(plain(mat))[1]
    found = [[np.nan] * count for _ in range(count)]
    for i in range(count):
        for j in range(i + 1):
            rows = get_item(mat, ~np.isnan(plain(mat)[:, [i, j]]).any(axis=1))
            x, y = (get_item(rows, (slice(None), k)) for k in (i, j))
            if np.size(plain(x)) < max(minp or 1, 1):
                continue
            x, y = (resolve(np.subtract)(part, resolve(np.mean)(part)) for part in (x, y))
            product = resolve(np.sum)(x * y)
            if cov:
                product = product / (np.size(plain(x)) - 1) if np.size(plain(x)) > 1 else np.nan
            elif i != j:
                product = product / resolve(np.sqrt)(resolve(np.sum)(x * x) * resolve(np.sum)(y * y))
            else:
                product = 1.0 if plain(product) else np.nan
            found[i][j] = found[j][i] = product
    return resolve(np.array)(found)
