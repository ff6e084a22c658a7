"""What programs must be able to do, in words, and the program of the corpus that does it."""

import importlib
import pkgutil

import pytest

from tests.autodiff import corpus

for _module in pkgutil.iter_modules(corpus.__path__):
    importlib.import_module(f"{corpus.__name__}.{_module.name}")

CAPABILITIES = {
    "loops whose length depends on values": "control_flow.sine control_flow.newton",
    "branches, early returns, short circuits": "control_flow.branches control_flow.ternary_and_short_circuit",
    "exceptions raised and caught": "control_flow.raised_and_caught",
    "generators and tasks": "control_flow.generators control_flow.sent_to scipy_calls.tasks",
    "a swap carried by a loop": "control_flow.swap",
    "recursion as deep as values say": "functions.adaptive_simpson functions.mutual",
    "variables bound again in closures and globals": "functions.nonlocal_rebinding functions.global_rebinding",
    "memoisation and threads": "functions.cached protocols.caches functions.threads functions.pools",
    "lists and dictionaries that change": "data.tuples_and_lists data.dictionaries",
    "objects that change, trees, deep copies": "data.mutable_object data.trees",
    "gradients by containers and objects": "data.nested_argument data.object_argument data.dataclass_argument",
    "heaps and sorted lists of values": "functions.heaps",
    "writes into arrays and views": "mutation.items mutation.slices mutation.view_aliasing mutation.masks",
    "the argument written, an operand overwritten": "mutation.argument_written mutation.overwritten_operand",
    "out=, add.at, fill, put, sort in place": "mutation.out_argument mutation.add_at mutation.sort_in_place",
    "arrays without axes written": "mutation.without_axes",
    "memory order": "mutation.written_along_columns",
    "math, conversions, division, complex": "numbers.whole_math numbers.conversions numbers.division",
    "other number types": "scipy_calls.fractions scipy_calls.measurements numbers.complex_numbers",
    "statistics of the standard library": "numbers.statistics_module",
    "NumPy's functions": "numpy_functions.reductions numpy_functions.linear_algebra numpy_functions.transforms",
    "integrals, roots, splines": "scipy_calls.integral_by_quad scipy_calls.root_by_brentq scipy_calls.spline",
    "filters, sparse matrices, distances": "scipy_calls.filtered scipy_calls.sparse_matrices scipy_calls.distances",
    "pure Python packages": "numbers.colours",
    "singularities behind a branch": "numbers.guarded_singularity numpy_functions.no_nan_from_branch_not_taken",
}


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_the_corpus_has_the_program(capability):
    programs = {name for name, _, _ in corpus.PROGRAMS}
    assert set(CAPABILITIES[capability].split()) <= programs
