"""pandas: rows that are chosen, ranked or compared by their values, values moved about, and missing ones filled.

What is chosen does not vary. Where pandas' compiled code moves values, it is asked where each came from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas
from pandas._libs import algos, index, join, lib, reshape
from pandas._libs.internals import BlockManager, BlockPlacement
from pandas.core import algorithms
from pandas.core.array_algos import take
from pandas.core.arrays.numpy_ import NumpyExtensionArray
from pandas.core.groupby.ops import BaseGrouper
from pandas.core.internals import blocks, concat
from pandas.core.methods import selectn
from pandas.core.reshape import tile
from pandas.io.formats import format as formats

from workbench.autodiff.calls import forget, resolve
from workbench.autodiff.indexing import get_item, iterate
from workbench.autodiff.registry import DOORS, add_constant, door
from workbench.autodiff.scalars import lost
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.writing import set_item
from workbench.rules.stand_ins import no_rule

for _function in (
    *(
        algos.rank_1d,
        algos.rank_2d,
        algos.kth_smallest,
        lib.array_equivalent_float,
        algos.pad,
        algos.backfill,
    ),
    *(algorithms.isin, algorithms.duplicated, index.Float64Engine, formats.format_array),
    join.left_join_indexer_unique,
    *(index.IndexEngine.get_indexer, index.IndexEngine.get_indexer_non_unique, index.IndexEngine.get_loc),
):
    add_constant(_function)


def instead(function: Callable, traced: Callable) -> Callable:
    """Decorator: what a method of pandas does where ``traced(receiver, …)`` says that traced values take part."""

    def register(form: Callable) -> Callable:
        followed = resolve(function)
        forget(function)

        def call(*args: Any, **kwargs: Any) -> Any:
            return (form if traced(*args) else followed)(*args, **kwargs)

        DOORS[function] = call
        return form

    return register


def _moved(values: Any, move: Callable) -> Any:
    """``values`` moved about as ``move`` does it with an array of numbers, NaN where nothing is moved to."""
    numbers = plain(values)
    places = np.arange(numbers.size, dtype=float).reshape(numbers.shape)
    found = move(np.where(np.isnan(numbers), np.nan, places))
    gaps = np.isnan(found)
    source = np.where(gaps, 0.0, found).astype(int)
    return resolve(np.where)(gaps, np.nan, get_item(resolve(np.ravel)(values), source))


# ------------------------------------------------------------------------------------ missing values


def _traced_block(block: Any, *_: Any) -> bool:
    return contains_traced(block.values)


@instead(blocks.Block.pad_or_backfill, _traced_block)
def _pad_or_backfill(self: Any, **options: Any) -> list:
    """``ffill`` and ``bfill``."""

    def move(places: np.ndarray) -> np.ndarray:
        return self.make_block_same_class(places).pad_or_backfill(**options)[0].values

    return [self.make_block_same_class(_moved(self.values, move))]


# interpolation that is linear in the values
_LINEAR = frozenset(
    "linear time index values nearest zero slinear quadratic cubic barycentric krogh polynomial cubicspline".split()
)


@instead(blocks.Block.interpolate, _traced_block)
def _interpolate(self: Any, *, method: str, index: Any, inplace: bool = False, **options: Any) -> list:
    """``interpolate``: each column by the matrix of what is made of the unit vectors."""
    if method not in _LINEAR:
        raise no_rule(blocks.Block.interpolate, f"method={method!r}")
    columns = resolve(np.atleast_2d)(self.values)
    rows = [_interpolated(get_item(columns, k), method, index, options) for k in range(len(columns))]
    found = rows[0] if self.ndim == 1 else resolve(np.stack)(rows)
    return [self.make_block_same_class(found)]


def _interpolated(column: Any, method: str, index: Any, options: dict) -> Any:
    present = ~np.isnan(plain(column))
    units = np.full((present.size, np.count_nonzero(present)), np.nan)
    units[present] = np.eye(units.shape[1])
    if not units.shape[1]:
        return column
    made = pandas.DataFrame(units, index=index).interpolate(method=method, **options).to_numpy()
    gaps = np.isnan(made).any(axis=1)
    found = resolve(np.matmul)(np.where(gaps[:, None], 0.0, made), get_item(column, present))
    return resolve(np.where)(gaps, np.nan, found)


# ------------------------------------------------------------------------------------ choosing


@instead(selectn.SelectNSeries.compute, lambda self, *_: contains_traced(self.obj._values))
def _largest(self: Any, method: str) -> Any:
    """``nlargest`` and ``nsmallest``."""
    chosen = getattr(pandas.Series(plain(self.obj._values)), method)(self.n, keep=self.keep)
    return resolve(self.obj.take)(chosen.index.to_numpy())


@instead(algorithms.unique_with_mask, lambda values, *_: contains_traced(values))
def _unique(values: Any, mask: Any = None) -> Any:
    """``unique``: of equal values the first one."""
    return get_item(values, ~pandas.Series(plain(values)).duplicated().to_numpy())


@instead(algorithms.factorize_array, lambda values, *_: contains_traced(values))
def _factorize(values: Any, *args: Any, **options: Any) -> tuple[np.ndarray, Any]:
    """The groups of equal values, and the values: of equal ones the first one."""
    codes, _ = algorithms.factorize_array(plain(values), *args, **options)
    group, first = np.unique(codes, return_index=True)
    return codes, get_item(values, first[group >= 0])


def _joining(function: Callable) -> None:
    @instead(function, lambda left, right: contains_traced((left, right)))
    def call(left: Any, right: Any) -> tuple:
        """The labels of two sorted indices as one, and where in each they are."""
        _, left_at, right_at = function(plain(left), plain(right))
        if left_at is None:
            return get_item(right, slice(None)), left_at, right_at
        mine = get_item(left, left_at)
        if right_at is None or (left_at >= 0).all():
            return mine, left_at, right_at
        return resolve(np.where)(left_at >= 0, mine, get_item(right, right_at)), left_at, right_at


for _function in (join.inner_join_indexer, join.left_join_indexer, join.outer_join_indexer):
    _joining(_function)


def _varying_labels(manager: Any, *_: Any) -> list:
    return [axis for axis in manager.axes if contains_traced(getattr(axis, "_data", None))]


@instead(BlockManager.get_slice, _varying_labels)
def _get_slice(self: Any, *args: Any, **options: Any) -> Any:
    """Rows of a table: what finds its labels is made anew, where it is needed."""
    for axis in _varying_labels(self):
        axis._cache.pop("_engine", None)
    return BlockManager.get_slice(self, *args, **options)


@instead(lib.fast_zip, contains_traced)
def _fast_zip(arrays: list) -> np.ndarray:
    """The rows of several arrays as tuples."""
    rows = [*zip(*map(iterate, arrays), strict=True)]
    made = np.empty(len(rows), object)
    for k, row in enumerate(rows):
        made[k] = row
    return made


def _by_bins(function: Callable) -> None:
    """``cut`` and ``qcut``: the bin that a value lies in, and its name, which the values must not have a part in."""

    def _holds(x: Any, *_: Any) -> bool:
        return contains_traced(getattr(x, "_values", x))

    @instead(function, _holds)
    def call(x: Any, bins: Any, *args: Any, **options: Any) -> Any:
        chosen = function is tile.qcut or isinstance(bins, int)
        if options.get("retbins") or (chosen and options.get("labels") is None):
            raise no_rule(
                function, "bins that depend on what varies: give edges that do not vary, or labels=False"
            )
        numbers = np.array(plain(getattr(x, "_values", x)))
        if hasattr(x, "_values"):
            numbers = pandas.Series(numbers, index=x.index, name=x.name)
        return function(numbers, bins, *args, **options)


_by_bins(tile.cut)
_by_bins(tile.qcut)

# ------------------------------------------------------------------------------------ moving


@instead(
    concat._concat_homogeneous_fastpath, lambda tables, *_: any(_traced_block(m.blocks[0]) for m, _ in tables)
)
def _concatenated(tables: list, shape: tuple, kind: Any) -> Any:
    """Tables below each other, whose columns are not the same."""
    parts = []
    for manager, places in tables:
        values = manager.blocks[0].values
        if 0 in places:
            values = resolve(take._take_nd_ndarray)(values, places[0], 0, np.nan, True)
        parts.append(values)
    return blocks.new_block_2d(resolve(np.concatenate)(parts, axis=1), BlockPlacement(slice(shape[0])))


_unstack = reshape.unstack


@door(_unstack)
def unstack(
    values: Any, mask: Any, stride: int, length: int, width: int, new_values: Any, *new_mask: Any
) -> None:
    """Rows of a table, placed side by side."""
    if not contains_traced(values):
        _unstack(values, mask, stride, length, width, new_values, *new_mask)
        return
    places = np.full(np.shape(plain(new_values)), np.nan)
    numbered = np.arange(np.size(plain(values)), dtype=float).reshape(np.shape(plain(values)))
    _unstack(numbered, mask, stride, length, width, places, *new_mask)
    gaps = np.isnan(places)
    source = np.where(gaps, 0.0, places).astype(int)
    moved = get_item(resolve(np.ravel)(values), source)
    set_item(resolve(np.where)(gaps, plain(new_values), moved), new_values, ...)


@instead(BaseGrouper.agg_series, lambda self, column, *_: contains_traced(column._values))
def _agg_series(self: Any, obj: Any, func: Callable) -> Any:
    """A function of each group."""
    found = resolve(self._aggregate_series_pure_python)(obj, func).tolist()
    return resolve(np.array)(found)


@instead(NumpyExtensionArray.__init__, lambda self, values, *_: contains_traced(values))
def _refused(self: Any, values: Any, copy: bool = False) -> None:
    raise lost(
        "pandas was about to put a column of traced numbers into an array of its own",
        fix="take the numbers out with to_numpy(), compute with NumPy, and make a new Series of the result",
    )


def _filled_in_place(fill: Callable) -> None:
    """Missing values of columns that are set to one value: which these are, pandas is asked."""

    @door(fill)
    def call(values: Any, value: Any, *args: Any, **options: Any) -> int:
        if not contains_traced([values, value]) or plain(values).dtype.hasobject:
            return fill(values, value, *args, **options)
        filled = plain(values).copy()
        count = fill(filled, 0.0, *args, **options)
        set_item(value, values, np.isnan(plain(values)) & ~np.isnan(filled))
        return count


for _name in ("scalar_fillna_inplace", "scalar_fillna_2d_inplace"):
    if hasattr(algos, _name):
        _filled_in_place(getattr(algos, _name))
