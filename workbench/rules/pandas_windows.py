"""pandas: quantiles, ranks and correlations of windows, and quantiles of groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pandas._libs import groupby
from pandas._libs.window import aggregations

from workbench.autodiff.calls import resolve
from workbench.autodiff.indexing import get_item
from workbench.autodiff.registry import DOORS, add_constant, door
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.writing import set_item

add_constant(aggregations.roll_rank)
_of_group = groupby.group_quantile


@door(aggregations.roll_quantile)
def roll_quantile(values: Any, start: Any, end: Any, minp: int, quantile: float, interpolation: str) -> Any:
    """Quantiles of the rows of each window."""
    if not contains_traced(values):
        return aggregations.roll_quantile(values, start, end, minp, quantile, interpolation)
    found = []
    for first, stop in zip(start.tolist(), end.tolist(), strict=True):
        rows = get_item(values, slice(first, stop))
        rows = get_item(rows, ~np.isnan(plain(rows)))
        count = np.size(plain(rows))
        few = count < max(minp, 1)
        found.append(np.nan if few else resolve(np.quantile)(rows, quantile, method=interpolation))
    return resolve(np.array)(found, dtype=float)


@door(_of_group)
def group_quantile(
    out: Any,
    values: Any,
    labels: Any,
    mask: Any,
    qs: Any,
    starts: Any,
    ends: Any,
    interpolation: str,
    **options: Any,
) -> None:
    """Quantiles of each group, written into ``out``. Shape (groups, quantiles)."""
    if not contains_traced(values):
        _of_group(out, values, labels, mask, qs, starts, ends, interpolation, **options)
        return
    for k in range(len(starts)):
        inside = np.arange(starts[k], ends[k])  # the rows are in the order of their groups
        rows = get_item(values, inside[np.asarray(mask)[inside] == 0])
        for j, q in enumerate(qs):
            empty = not np.size(plain(rows))
            set_item(np.nan if empty else resolve(np.quantile)(rows, q, method=interpolation), out, (k, j))


def _pairs(original: Callable, of_rows: Callable) -> None:
    """A function of the rows of each window where both columns are present."""

    def call(x: Any, y: Any, start: Any, end: Any, minp: int, *options: Any) -> Any:
        if not (contains_traced(x) or contains_traced(y)):
            return original(x, y, start, end, minp, *options)
        present = ~(np.isnan(plain(x)) | np.isnan(plain(y)))
        found = []
        for first, stop in zip(start.tolist(), end.tolist(), strict=True):
            rows = first + np.flatnonzero(present[first:stop])
            if rows.size < max(minp, 1):
                found.append(np.nan)
                continue
            one, other = (c - resolve(np.mean)(c) for c in (get_item(x, rows), get_item(y, rows)))
            found.append(of_rows(one, other, rows.size, *options))
        return resolve(np.array)(found, dtype=float)

    DOORS[original] = call


def _covariance(x: Any, y: Any, count: int, ddof: int = 1) -> Any:
    return resolve(np.sum)(x * y) / (count - ddof) if count > ddof else np.nan


def _correlation(x: Any, y: Any, count: int) -> Any:
    scale = resolve(np.sum)(x * x) * resolve(np.sum)(y * y)
    return resolve(np.sum)(x * y) / resolve(np.sqrt)(scale) if count > 1 and plain(scale) else np.nan


_pairs(aggregations.roll_cov, _covariance)
_pairs(aggregations.roll_corr, _correlation)
