"""A research workbench for differentiable programming: gradients of ordinary Python programs.

The names here are the public ones. Importing this package does not import torch.
"""

from workbench import rules  # noqa: F401  fills the engine's registry
from workbench.autodiff import (
    checkpoint,
    checkpoint_loop,
    derivative_source,
    diagonal_hessian,
    find_nan,
    forward_mode,
    gradient,
    hessian,
    hessian_vector_product,
    hook,
    is_differentiating,
    jacobian,
    non_differentiable,
    pullback,
    pushforward,
    rule,
    sparse_jacobian,
    sparsity_pattern,
    stop_gradient,
    torch_function,
    value_and_gradient,
    vectorize,
)
from workbench.checks import check_gradient, check_rule
from workbench.explanations import explain

__version__ = "0.1.0"

__all__ = [
    "check_gradient",
    "check_rule",
    "checkpoint",
    "checkpoint_loop",
    "derivative_source",
    "diagonal_hessian",
    "explain",
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
