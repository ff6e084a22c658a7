"""pandas: its own Python code is followed like any other; here is what its compiled code does to traced arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
from pandas._libs import lib, ops
from pandas._libs.properties import CachedProperty
from pandas.core.array_algos import take
from pandas.core.dtypes import cast, common, missing
from pandas.core.frame import DataFrame
from pandas.core.internals.managers import BlockManager

from workbench.autodiff.attributes import COMPILED_PROPERTIES
from workbench.autodiff.calls import forget, resolve
from workbench.autodiff.location import running_frame
from workbench.autodiff.registry import DOORS, door
from workbench.autodiff.scalars import TRACED, lost
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.text import lost_in_text, tape_in
from workbench.rules import pandas_groups, pandas_windows  # noqa: F401
from workbench.rules.pandas_choosing import instead
from workbench.rules.text import reads


def _kept_property(obj: Any, name: str, member: Any) -> Any:
    """A property that is computed once, kept where pandas itself looks for it."""
    if getattr(obj, "_cache", None) is None:
        object.__setattr__(obj, "_cache", {})
    if name not in obj._cache:
        obj._cache[name] = resolve(member.fget)(obj)
    return obj._cache[name]


COMPILED_PROPERTIES[CachedProperty] = _kept_property

_original = take._take_nd_ndarray


@door(_original)
def _take_nd_ndarray(arr: Any, indexer: Any, axis: int, fill_value: Any, allow_fill: bool) -> Any:
    """Rows or columns of a table by their positions, those at -1 filled with ``fill_value``."""
    if not contains_traced(arr):
        return _original(arr, indexer, axis, fill_value, allow_fill)
    places = np.arange(np.shape(arr)[axis]) if indexer is None else np.asarray(indexer)
    taken = resolve(np.take)(arr, places, axis=axis)
    if not allow_fill or not (places < 0).any():
        return taken
    shape = [-1 if k == axis else 1 for k in range(np.ndim(arr))]
    return resolve(np.where)((places < 0).reshape(shape), np.nan if fill_value is None else fill_value, taken)


# They know the operators of the standard library by identity.
for _function in (ops.scalar_compare, ops.vec_compare, ops.scalar_binop, ops.vec_binop):
    DOORS[_function] = _function

# Columns that hold traced numbers are columns of objects to pandas. What looks at the type of a column would leave them
# out, and what looks for missing values would not see a traced NaN.


def _holds_traced(values: Any) -> bool:
    values = getattr(values, "values", values)
    if type(values) is not np.ndarray or not values.dtype.hasobject:
        return False
    return any(type(x) in TRACED and x.tape.open for x in values.ravel())


def _refuse_types(function: Any, where: Any) -> None:
    """Let ``function`` be an error where columns of objects hold traced numbers."""

    def call(owner: Any, *args: Any, **kwargs: Any) -> Any:
        if any(map(_holds_traced, where(owner))):
            raise lost("pandas was about to choose columns by their types, and to leave traced numbers out")
        return resolved(owner, *args, **kwargs)

    resolved = resolve(function)
    forget(function)
    DOORS[function] = call


_refuse_types(BlockManager.get_numeric_data, lambda manager: [block.values for block in manager.blocks])
for _method in (DataFrame.select_dtypes, DataFrame.describe):
    _refuse_types(_method, lambda frame: [block.values for block in frame._mgr.blocks])
_refuse_types(common.is_numeric_dtype, lambda values: [values])


def _in_its_frame(function: Any) -> None:
    """Let ``function``, which looks for variables in a frame so many calls above its own, look in the program's.

    It computes by Python's operators, not by those of numexpr, which are compiled.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        frame = running_frame()
        if OPEN and frame is not None and len(args) < 3 and "local_dict" not in kwargs:
            names = {"local_dict": frame.f_locals, "global_dict": frame.f_globals}
            kwargs = {"engine": "python", **names, **kwargs}
        return resolved(*args, **kwargs)

    resolved = resolve(function)
    forget(function)
    DOORS[function] = call


for _function in (DataFrame.query, DataFrame.eval, pandas.eval):
    _in_its_frame(_function)

_original_isna = missing._isna_array


@door(_original_isna)
def _isna_array(values: Any, *args: Any, **kwargs: Any) -> Any:
    """Which elements are missing: a constant, for traced numbers too."""
    if _holds_traced(values):
        values = np.array([plain(x) for x in values.ravel()], object).reshape(values.shape)
    return _original_isna(plain(values), *args, **kwargs)


_converted = lib.maybe_convert_objects
_NUMBERS = (
    float,
    int,
    np.floating,
    np.integer,
    type(None),
    *TRACED,
)  # None is a missing number beside others


@door(_converted)
def maybe_convert_objects(objects: Any, *args: Any, **options: Any) -> Any:
    """A column of objects as one of numbers, where it holds traced ones and no others."""
    numbers = _holds_traced(objects) and options.get("convert_numeric", True)
    if not numbers or any(isinstance(x, bool) or not isinstance(x, _NUMBERS) for x in objects.ravel()):
        return _converted(objects, *args, **options)
    return resolve(np.array)([np.nan if x is None else x for x in objects.tolist()], float)


_mapped, _mapped_but = lib.map_infer, lib.map_infer_mask


@door(_mapped)
def map_infer(values: Any, function: Any, *, convert: bool = True, ignore_na: bool = False) -> Any:
    """A column of what ``function`` gives for each value."""
    found = _mapped(values, resolve(function), convert=False, ignore_na=ignore_na)
    return maybe_convert_objects(found) if convert else found


@door(_mapped_but)
def map_infer_mask(values: Any, function: Any, mask: Any, *, convert: bool = True, **options: Any) -> Any:
    """The same for values that are not missing."""
    found = _mapped_but(values, resolve(function), mask, convert=False, **options)
    return maybe_convert_objects(found) if convert else found


_can_hold = cast.np_can_hold_element


@instead(_can_hold, lambda dtype, element: type(element) in TRACED and dtype.kind == "f")
def _held(dtype: Any, element: Any) -> Any:
    """What a column of floats can hold as it is; pandas' own error otherwise."""
    _can_hold(dtype, plain(element))
    return element


@instead(cast.construct_1d_arraylike_from_scalar, lambda value, *_: contains_traced(value))
def _repeated(value: Any, length: int, dtype: Any) -> Any:
    """A column of one number."""
    return resolve(np.full)(length, value, dtype)


for _function in (pandas.read_csv, pandas.read_table, pandas.read_fwf, pandas.read_json):
    reads(_function, "a table")

_numeric = lib.maybe_convert_numeric


@door(_numeric)
def maybe_convert_numeric(values: np.ndarray, *args: Any, **options: Any) -> Any:
    """A column of texts as numbers."""
    if tape_in(values.tolist()) is not None:
        raise lost_in_text("a column of numbers")
    return _numeric(values, *args, **options)
