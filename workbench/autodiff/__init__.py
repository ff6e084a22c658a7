"""The ∂P engine: gradients of ordinary Python programs.

A program is rewritten once so that each of its operations goes through a door (``rewrite``, ``calls``, ``arithmetic``,
``comparing``, ``indexing``, ``writing``, ``attributes``, ``contexts``, ``awaiting``, and ``met`` for what compiled
code calls); traced numbers and arrays (``scalars``, ``arrays``) record themselves on a ``tape``; ``derivatives`` has
the operators for users. What the engine knows about single functions stands in ``workbench.rules``.
Numeric code goes to the ``native`` tier, which generates its derivative; ``tiers`` stands between the two,
and ``native_calls`` where a traced program calls what generated code takes.
"""

import importlib

from workbench.autodiff import (  # noqa: F401  they install the doors
    arithmetic,
    attributes,
    awaiting,
    caches,
    comparing,
    contexts,
    indexing,
    methods,
    text,
    ufunc_methods,
    writing,
)
from workbench.autodiff.batches import vectorize
from workbench.autodiff.blocks import checkpoint, forward_mode
from workbench.autodiff.checkpointed_loops import checkpoint_loop
from workbench.autodiff.derivatives import gradient, pullback, stop_gradient, value_and_gradient
from workbench.autodiff.nan_search import find_nan
from workbench.autodiff.operators import (
    diagonal_hessian,
    hessian,
    hessian_vector_product,
    hook,
    is_differentiating,
    jacobian,
    pushforward,
)
from workbench.autodiff.own_rules import rule
from workbench.autodiff.registry import non_differentiable
from workbench.autodiff.sparse import sparse_jacobian, sparsity_pattern
from workbench.autodiff.tiers import derivative_source
from workbench.autodiff.torch_layer import torch_function

__all__ = [
    "checkpoint",
    "checkpoint_loop",
    "derivative_source",
    "diagonal_hessian",
    "find_nan",
    "forward_mode",
    "gradient",
    "hessian",
    "hessian_vector_product",
    "hook",
    "is_differentiating",
    "jacobian",
    "non_differentiable",
    "pullback",
    "pushforward",
    "rule",
    "sparse_jacobian",
    "sparsity_pattern",
    "stop_gradient",
    "torch_function",
    "value_and_gradient",
    "vectorize",
]

# An engine without its rules would trace through what they know, so whoever imports one has both. By name, as for
# the packages in ``registry.WAITING``: the engine's files know of no rule.
importlib.import_module("workbench.rules")
