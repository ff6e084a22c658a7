"""A program as a layer of a torch network. torch is imported when the first layer is called."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import own_copy
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.given import checked_program
from workbench.autodiff.structure import map_leaves
from workbench.autodiff.telling import contains_traced
from workbench.errors import LostGradientError, NotDifferentiableError


def torch_function(f: Callable) -> Callable:
    """``f`` as a function of torch tensors, differentiable by torch's autograd to any order.

    Tensors without axes arrive in ``f`` as Python floats, others as NumPy arrays; everything else as it is. The result
    of ``f``, a real number or an array or a tuple of them, comes back as tensors on the device and of the type of the
    first floating-point tensor (float64 if there is none).

    Args:
        f: any program of numbers and arrays.
    Returns:
        A function of the same arguments, any of which may be tensors.
    Raises:
        NotDifferentiableError: the result of ``f`` is something else.

    Differentiable in: every floating-point tensor argument that requires a gradient.
    """
    checked_program(f, "torch_function")

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

    def to_tensors(f: Callable, value: Any, options: dict[str, Any]) -> Any:
        if contains_traced(value):
            raise LostGradientError(
                f"the result of the torch layer {_name(f)} depends on a traced value that is not an argument of it",
                found="a ∂P program around torch, whose derivative would end here",
                where=_name(f),
                fix="differentiate by torch's autograd: make it a tensor, and an argument of the layer",
            )
        for part in value if isinstance(value, tuple) else (value,):
            if not isinstance(part, float | int | np.ndarray | np.number):
                raise NotDifferentiableError(
                    f"a torch layer must return one number or array, or a tuple of them; {_name(f)} does not",
                    found=f"got {type(value).__name__}",
                    fix="return floats or NumPy arrays",
                )
        # copies, since the program may write its next answer into the same array
        if isinstance(value, tuple):
            return tuple(torch.tensor(part, **options) for part in value)
        return torch.tensor(value, **options)

    class ProgramLayer(torch.autograd.Function):
        """Runs a program forward, keeping its pullback for the way back."""

        @staticmethod
        def forward(ctx: Any, f: Callable, *args: Any) -> Any:
            tensors = [a for a in args if isinstance(a, torch.Tensor)]
            types = [t.dtype for t in tensors if t.dtype.is_floating_point]
            options = {
                "dtype": types[0] if types else torch.float64,
                "device": tensors[0].device if tensors else "cpu",
            }
            ctx.wrt = tuple(k for k, needed in enumerate(ctx.needs_input_grad[1:]) if needed)
            values = [to_numpy(a) for a in args]
            if ctx.wrt:
                value, ctx.back = pullback(f, *values, wrt=ctx.wrt)
            else:
                value = f(*values)
            ctx.program, ctx.gives_tuple = f, isinstance(value, tuple)
            ctx.constants = {
                k: map_leaves(own_copy, a) for k, a in enumerate(args) if not isinstance(a, torch.Tensor)
            }
            ctx.save_for_backward(*tensors)
            return to_tensors(f, value, options)

        @staticmethod
        def backward(ctx: Any, *y_bars: Any) -> tuple[Any, ...]:
            tensors = iter(ctx.saved_tensors)
            n_args = len(ctx.needs_input_grad) - 1
            args = [ctx.constants[k] if k in ctx.constants else next(tensors) for k in range(n_args)]
            if torch.is_grad_enabled():  # a derivative of this derivative may be asked for
                found = ProgramLayer.apply(_pulled_back(ctx.program, len(y_bars), ctx.wrt), *y_bars, *args)
            else:
                bars = tuple(to_numpy(bar.double()) for bar in y_bars)
                found = ctx.back(bars if ctx.gives_tuple else bars[0])
                found = tuple(
                    torch.as_tensor(x_bar, dtype=args[k].dtype, device=args[k].device)
                    for k, x_bar in zip(ctx.wrt, found, strict=True)
                )
            cotangents = dict(zip(ctx.wrt, found, strict=True))
            return None, *[cotangents.get(k) for k in range(len(args))]

    return ProgramLayer


def _pulled_back(f: Callable, n_results: int, wrt: tuple[int, ...]) -> Callable:
    """The program ``(y_bars, args) ↦ Jᵀ y_bars``."""

    def pulled_back(*all_args: Any) -> tuple[Any, ...]:
        bars, args = all_args[:n_results], all_args[n_results:]
        y, back = pullback(f, *args, wrt=wrt)
        return back(bars if isinstance(y, tuple) else bars[0])

    return pulled_back


def _name(f: Any) -> str:
    return repr(getattr(f, "__name__", f))
