"""A program as a layer of a torch network. torch is imported when the first layer is made."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.derivatives import pullback
from workbench.errors import NotDifferentiableError


def torch_function(f: Callable) -> Callable:
    """``f`` as a function of torch tensors, differentiable by torch's autograd.

    Tensors without axes arrive in ``f`` as Python floats, others as NumPy arrays; everything else as it is. The result
    of ``f``, a real number or an array, comes back as a tensor on the device of the first tensor, of its type.

    Args:
        f: any program of numbers and arrays.
    Returns:
        A function of the same arguments, any of which may be tensors.
    Raises:
        NotDifferentiableError: the result of ``f`` is not one number or array.

    Differentiable in: every floating-point tensor argument that requires a gradient, once.
    """

    @functools.wraps(f, updated=())
    def layer(*args: Any) -> Any:
        return _layer_class().apply(f, *args)

    return layer


@functools.cache
def _layer_class() -> Any:
    import torch

    def to_numpy(x: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            return x
        x = x.detach().cpu()
        return x.item() if x.ndim == 0 else x.numpy().copy()

    class ProgramLayer(torch.autograd.Function):
        """Runs a program forward, keeping its pullback for the way back."""

        @staticmethod
        def forward(ctx: Any, f: Callable, *args: Any) -> Any:
            tensors = [a for a in args if isinstance(a, torch.Tensor)]
            options = {"dtype": torch.float64, "device": "cpu"}
            if tensors:
                floating = [t.dtype for t in tensors if t.dtype.is_floating_point]
                options = {"dtype": floating[0] if floating else torch.float64, "device": tensors[0].device}
            wrt = tuple(k for k, needed in enumerate(ctx.needs_input_grad[1:]) if needed)
            values = [to_numpy(a) for a in args]
            if wrt:
                value, ctx.back = pullback(f, *values, wrt=wrt)
            else:
                value = f(*values)
            if not isinstance(value, float | int | np.ndarray | np.number):
                raise NotDifferentiableError(
                    f"a torch layer must return one number or array; {getattr(f, '__name__', f)!r} does not",
                    found=f"got {type(value).__name__}",
                    fix="return a float or a NumPy array",
                )
            ctx.wrt, ctx.like = wrt, [a if isinstance(a, torch.Tensor) else None for a in args]
            return torch.as_tensor(value, **options)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, y_bar: Any) -> tuple[Any, ...]:
            cotangents = iter(ctx.back(to_numpy(y_bar.double())))
            found: list[Any] = [None]
            for k, like in enumerate(ctx.like):
                x_bar = next(cotangents) if k in ctx.wrt else None
                found.append(
                    None if x_bar is None else torch.as_tensor(x_bar, dtype=like.dtype, device=like.device)
                )
            return tuple(found)

    return ProgramLayer
