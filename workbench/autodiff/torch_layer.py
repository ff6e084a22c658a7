"""A program as a layer of a torch network. torch is imported when the first layer is called."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import own_copy
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.given import checked_program, described
from workbench.autodiff.structure import leaves, map_leaves
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import LostGradientError, NotDifferentiableError


def torch_function(f: Callable) -> Callable:
    """``f`` as a function of torch tensors, differentiable by torch's autograd to any order.

    Tensors without axes arrive in ``f`` as Python floats, others as NumPy arrays; everything else as it is. The result
    of ``f``, a real number or an array or a tuple of them, comes back as tensors on the device and of the type of the
    first floating-point tensor (float64 if there is none). Tensors and networks that ``f`` closes over are constants.

    Args:
        f: any program of numbers and arrays.
    Returns:
        A function of the same arguments, any of which may be tensors; those given by name, or in lists, may not.
    Raises:
        NotDifferentiableError: the result of ``f`` is something else, or it is called inside of torch.func.

    Differentiable in: every floating-point tensor argument that requires a gradient.
    """
    checked_program(f, "torch_function")

    @functools.wraps(f, updated=())
    def layer(*args: Any, **kwargs: Any) -> Any:
        import torch

        if any(isinstance(a, torch.Tensor) for a in kwargs.values()):
            raise NotDifferentiableError(
                f"the torch layer {_name(f)} got a tensor by name",
                found=f"got {', '.join(kwargs)} by name",
                fix="pass tensors by position",
            )
        for a in (*args, *kwargs.values()):
            if not isinstance(a, torch.Tensor) and any(t.requires_grad for t in _tensors_in(a)):
                raise NotDifferentiableError(
                    f"the torch layer {_name(f)} got a tensor that requires a gradient inside of a {type(a).__name__}",
                    found="torch would not see it, and its gradient would be missing",
                    fix="pass each tensor as an argument of its own, or detach() what is a constant",
                )
        try:
            return _layer_class().apply(functools.partial(f, **kwargs) if kwargs else f, *args)
        except (RuntimeError, NotImplementedError) as error:
            if "setup_context" not in str(error) and "implement the jvp" not in str(error):
                raise
            raise NotDifferentiableError(
                f"the torch layer {_name(f)} is a function of torch's autograd, not of torch.func or its forward mode",
                found="a call inside of torch.func's transforms (vmap, grad, jvp, jacrev) or of forward_ad",
                fix="use torch.autograd.grad, torch.autograd.functional, and torch_function(vectorize(f)) for batches",
            ) from error

    return layer


def _tensors_in(x: Any) -> list[Any]:
    import torch

    found: list[Any] = []
    map_leaves(
        lambda leaf: leaf,
        x,
        other=lambda part: found.append(part) if isinstance(part, torch.Tensor) else part,
    )
    return found


@functools.cache
def _layer_class() -> Any:
    import torch

    def to_numpy(x: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            return x
        x = x.detach().cpu()
        if x.dtype == torch.bfloat16:  # NumPy has no such numbers
            x = x.float()
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
            if (
                not isinstance(part, float | int | np.ndarray | np.number)
                or np.asarray(part).dtype.kind not in "fiub"
            ):
                raise NotDifferentiableError(
                    f"a torch layer must return one real number or array, or a tuple of them; {_name(f)} does not",
                    found=f"got {described(part)}",
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
            ctx.value = map_leaves(own_copy, plain(value))
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
                found = ProgramLayer.apply(
                    _pulled_back(ctx.program, ctx.value, len(y_bars), ctx.wrt), *y_bars, *args
                )
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


def _pulled_back(f: Callable, value: Any, n_results: int, wrt: tuple[int, ...]) -> Callable:
    """The program ``(y_bars, args) ↦ Jᵀ y_bars``, for a program that gave ``value`` when it ran first."""

    def pulled_back(*all_args: Any) -> tuple[Any, ...]:
        bars, args = all_args[:n_results], all_args[n_results:]
        y, back = pullback(f, *args, wrt=wrt)
        for first, again in zip(leaves(value), leaves(y), strict=True):
            if not np.allclose(
                plain(again), first, rtol=1e-6, atol=1e-9 * np.max(np.abs(first), initial=0.0), equal_nan=True
            ):
                raise NotDifferentiableError(
                    f"the torch layer {_name(f)} gave another result when it was run again for a second derivative",
                    found=f"got {described(plain(again))}, first {described(first)}",
                    fix="let it depend on its arguments alone, and make its random numbers from a seed",
                )
        return back(bars if isinstance(y, tuple) else bars[0])

    return pulled_back


def _name(f: Any) -> str:
    return repr(getattr(f, "__name__", f))
