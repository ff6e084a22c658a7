"""A research workbench for differentiable programming: gradients of ordinary Python programs.

The names here are the public ones. Importing this package imports nothing else: the engine is loaded when the
first of its names is asked for, so that commands that differentiate nothing need not wait for it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {"check_gradient": "checks", "check_rule": "checks", "explain": "explanations"}
_ELSEWHERE = {  # what other tools call them
    "grad": "gradient",
    "value_and_grad": "value_and_gradient",
    "vjp": "pullback",
    "jvp": "pushforward",
    "hvp": "hessian_vector_product",
    "jacfwd": "jacobian",
    "jacrev": "jacobian",
    "vmap": "vectorize",
}
_ROOMS = {"autodiff", "checks", "errors", "explanations", "parameters", "rules"}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"workbench.{name}")
    if name not in __all__:
        here = f"; it is called {_ELSEWHERE[name]!r} here" if name in _ELSEWHERE else ""
        raise AttributeError(f"module 'workbench' has no attribute {name!r}{here}")
    value = getattr(importlib.import_module(f"workbench.{_HOMES.get(name, 'autodiff')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
