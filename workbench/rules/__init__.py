"""Derivative knowledge, one file per domain. Importing this package fills the engine's registry.

To add a rule, put it in the file of its domain and a case for it into ``tests/rules``; a rule without a case fails
the tests. Users add rules of their own with ``@workbench.rule``.
"""

from types import BuiltinFunctionType

import numpy

from workbench.autodiff.registry import DOORS, WAITING
from workbench.rules import (  # noqa: F401
    accessors,
    applied,
    builtins,
    clocks,
    complex_numbers,
    constants,
    copying,
    elementwise,
    files,
    gathering,
    handed_out,
    hips,
    in_place,
    iterators,
    linalg,
    making_arrays,
    number_types,
    numbers,
    polynomials,
    products,
    programs_in_text,
    pseudoinverses,
    random_draws,
    rearranging,
    reductions,
    reformulated,
    rounding,
    sequences,
    singular_values,
    statistics,
    tables_of_text,
    text,
    threads,
    typed_arrays,
)

# packages that override NumPy's functions call those that are written in C by themselves
for _function in vars(numpy).values():
    _implementation = getattr(_function, "_implementation", None)
    if type(_implementation) is BuiltinFunctionType and _function in DOORS:
        DOORS[_implementation] = DOORS[_function]

# SciPy, pandas, torch and processes are not imported before a program uses them, and neither are these.
WAITING.update(
    {
        "asyncio": "workbench.rules.event_loops",
        "concurrent.futures.process": "workbench.rules.processes",
        "dask": "workbench.rules.dask",
        "dask.array": "workbench.rules.dask_arrays",
        "matplotlib": "workbench.rules.pictures",
        "mpl_toolkits": "workbench.rules.pictures",
        "mpmath": "workbench.rules.mpmath",
        "multiprocessing": "workbench.rules.processes",
        "numba": "workbench.rules.numba",
        "pandas": "workbench.rules.pandas",
        "plotly": "workbench.rules.pictures",
        "scipy.cluster": "workbench.rules.scipy_cluster",
        "scipy.integrate": "workbench.rules.scipy_integrate",
        "scipy.interpolate": "workbench.rules.scipy_interpolate",
        "scipy.linalg": "workbench.rules.scipy_linalg",
        "scipy.fft": "workbench.rules.scipy_fft",
        "scipy.ndimage": "workbench.rules.scipy_ndimage",
        "scipy.optimize": "workbench.rules.scipy_optimize",
        "scipy.signal": "workbench.rules.scipy_signal",
        "scipy.sparse": "workbench.rules.scipy_sparse",
        "scipy.spatial": "workbench.rules.scipy_spatial",
        "scipy.special": "workbench.rules.scipy_special",
        "scipy.stats": "workbench.rules.scipy_stats",
        "sqlite3": "workbench.rules.sqlite",
        "sympy": "workbench.rules.sympy",
        "torch": "workbench.rules.torch_bridge",
    }
)
