"""PyTorch inside a differentiated program: traced values go in as tensors and come out traced again.

A tensor made from a traced value is a leaf that requires a gradient, and torch records what is done with it. When
a number or an array is taken out (``item``, ``tolist``, ``numpy``, ``float``), the whole of torch's graph between
becomes one operation on our tape, whose pullback is ``torch.autograd.grad``. The gradients of modules' own parameters
are left alone. ``detach`` and ``torch.no_grad`` are the program's own way to say that something is a constant.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.utils.weak import WeakTensorKeyDictionary

from workbench.autodiff.application import as_array
from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import bare_door, resolve
from workbench.autodiff.operations import record
from workbench.autodiff.refusing import without_rule
from workbench.autodiff.registry import DOORS, LIFTS, NUMBERS, OWNER_DOORS, by_name, door, positions
from workbench.autodiff.scalars import TRACED, TracedFloat, innermost, lost
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.unseen import lent

# leaf tensor -> the traced value it was made from
_entered = WeakTensorKeyDictionary()
# leaf tensor that in torch would share an array's memory -> that memory, and how often it had been written into
_shared = WeakTensorKeyDictionary()


def _entering(make: Callable) -> Callable:
    @functools.wraps(make)
    def call(data: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        if not OPEN or not contains_traced(data):
            tensor = make(data, *args, **kwargs)
            if (
                type(data) is np.ndarray
                and make is not torch.tensor
                and data.ctypes.data == tensor.data_ptr()
            ):
                lent(data)
            return tensor
        plain_data, shared = plain(data), None
        if isinstance(data, list | tuple):
            source = as_array(
                data
            )  # not what torch is given: of a list of Python's floats it makes its own type
        else:
            source = current(data)
            if type(source) is TracedArray:
                if make is not torch.tensor:
                    shared = source.memory, source.memory.version
                source, plain_data = resolve(np.copy)(source), np.array(plain_data, copy=True)
        tensor = make(plain_data, *args, **kwargs)
        if not tensor.dtype.is_floating_point:
            return tensor
        tensor.requires_grad_()
        _entered[tensor] = source
        if shared is not None:
            _shared[tensor] = shared
        return tensor

    return call


for _make in (torch.tensor, torch.as_tensor, torch.from_numpy, torch.asarray):
    DOORS[_make] = bare_door(_entering(_make))


def _leaves(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The tensors made from traced values that ``tensor`` depends on."""
    if tensor in _entered:
        return [tensor]
    found, seen, waiting = [], set(), [tensor.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None and variable in _entered:
            found.append(variable)
        waiting.extend(parent for parent, _ in node.next_functions)
    return found


def leaving(tensor: torch.Tensor) -> Any:
    """The value of a tensor, a float or an array, traced if it depends on traced values."""
    leaves = _leaves(tensor) if tensor.requires_grad else []
    sources = [(t, _entered[t]) for t in leaves if innermost(_entered[t]) is not None]
    for memory, version in (_shared[t] for t, _ in sources if t in _shared):
        if memory.version != version:
            raise lost("an array was written into while a tensor shared its memory")
    return _traced(tensor, sources)


def _traced(tensor: torch.Tensor, sources: list[tuple[torch.Tensor, Any]]) -> Any:
    """The value of a tensor as a function of ``sources``, leaves of torch's graph and what they stand for.

    On the innermost tape it is one operation; its value, and its pullback, are made in the same way for the tapes
    around it, which makes it differentiable any number of times.
    """
    tape = innermost(*[source for _, source in sources])
    if tape is None or not tensor.requires_grad:
        value = tensor.detach().cpu()
        return value.item() if value.ndim == 0 else value.numpy().copy()
    chosen = [(t, s) for t, s in sources if s.tape is tape]
    beneath = [(t, s.value if s.tape is tape else s) for t, s in sources if type(s) in TRACED]
    beneath = [(t, s) for t, s in beneath if type(s) in TRACED]

    def torch_pullback(bar: Any) -> list[Any]:
        seed = _seed(tensor, bar)
        around = [*beneath, (seed, bar)] if type(bar) in TRACED else beneath
        with torch.set_grad_enabled(bool(around)):
            found = torch.autograd.grad(
                tensor,
                [t for t, _ in chosen],
                seed,
                retain_graph=True,
                create_graph=bool(around),
                allow_unused=True,
            )
            return [
                None if t_bar is None else _traced(t_bar.double().reshape(np.shape(plain(s))), around)
                for t_bar, (_, s) in zip(found, chosen, strict=True)
            ]

    return record(tape, [s for _, s in chosen], _traced(tensor, beneath), torch_pullback)


def _seed(tensor: torch.Tensor, bar: Any) -> torch.Tensor:
    """The cotangent of a tensor as a tensor; a leaf of torch's graph if it is traced."""
    seed = torch.as_tensor(np.asarray(plain(bar)), dtype=tensor.dtype, device=tensor.device)
    return seed.reshape(tensor.shape).requires_grad_(type(bar) in TRACED)


_TAKING = ("item", "tolist", "numpy", "__array__", "__float__")


def _tensor_method(method: Callable, tensor: torch.Tensor) -> Callable:
    """A method that takes numbers out of a tensor."""
    if not OPEN:
        return method
    if not tensor.requires_grad or method.__name__ not in _TAKING:
        return _given_numbers(method, tensor)

    def call(*args: Any, **kwargs: Any) -> Any:
        if method.__name__ in ("item", "__float__") and tensor.numel() == 1:
            found = leaving(tensor.reshape(()))
            return found
        if not _leaves(tensor):
            return method(*args, **kwargs)
        found = leaving(tensor)
        return resolve(found.tolist)() if method.__name__ == "tolist" and np.ndim(plain(found)) else found

    return call


@door(torch.Tensor.__array__)
def array_of(tensor: torch.Tensor, dtype: Any = None) -> Any:
    """``numpy.asarray(tensor)``."""
    found = as_array(leaving(tensor)) if _varies(tensor) else torch.Tensor.__array__(tensor, dtype)
    return found if dtype is None else resolve(found.astype)(dtype)


def _varies(tensor: Any) -> bool:
    """Whether a tensor depends on traced values."""
    tracked = OPEN and isinstance(tensor, torch.Tensor) and tensor.requires_grad
    return bool(tracked) and any(innermost(_entered[leaf]) is not None for leaf in _leaves(tensor))


@door(torch.autograd.grad)
def grad(outputs: Any, inputs: Any, *args: Any, **options: Any) -> Any:
    """``torch.autograd.grad``, whose result depends on the traced values that its arguments depend on."""
    options = {**dict(zip(_OF_GRAD, args, strict=False)), **options}
    whole = [outputs, inputs, options.get("grad_outputs")]
    if any(_varies(x) for part in whole for x in (part if isinstance(part, list | tuple) else [part])):
        options["create_graph"] = True
    return torch.autograd.grad(outputs, inputs, **options)


_OF_GRAD = positions(torch.autograd.grad)[2:]


def _keeps_its_graph(function: Callable) -> None:
    """A derivative of a function, which may depend on what is traced by its argument and by what it closes over."""

    def call(func: Callable, inputs: Any, **options: Any) -> Any:
        if not OPEN:
            return function(func, inputs, **options)
        found = function(resolve(func), inputs, **{**options, "create_graph": True})
        return found if options.get("create_graph") else _detached(found)

    DOORS[function] = by_name(function, call)


def _detached(x: Any) -> Any:
    """Tensors that depend on nothing traced without their graphs."""
    if type(x) is tuple:
        return tuple(map(_detached, x))
    return x if _varies(x) else x.detach()


for _function in (
    *(torch.autograd.functional.jacobian, torch.autograd.functional.hessian),
    *(torch.autograd.functional.vjp, torch.autograd.functional.jvp),
    *(torch.autograd.functional.hvp, torch.autograd.functional.vhp),
):
    _keeps_its_graph(_function)


def _goes_back(function: Callable) -> None:
    """What leaves gradients in tensors, where they are constants."""

    @functools.wraps(function)
    def call(tensors: Any, *args: Any, **options: Any) -> None:
        if any(map(_varies, tensors if isinstance(tensors, list | tuple) else [tensors])):
            raise lost(
                "the gradients that torch's backward() leaves in tensors were about to be made of traced values",
                fix="use torch.autograd.grad(y, x), whose result is followed, or detach() what is a constant",
            )
        function(tensors, *args, **options)

    DOORS[function] = call


_goes_back(torch.Tensor.backward)
_goes_back(torch.autograd.backward)


def _given_numbers(method: Callable, tensor: torch.Tensor) -> Callable:
    """A method of a tensor, to which traced numbers go as tensors."""

    def call(*args: Any, **kwargs: Any) -> Any:
        new = [_lifted(a, tensor) if type(a) is TracedFloat else a for a in args]
        try:
            return method(*new, **kwargs)
        except TypeError as error:
            if any(map(contains_traced, (*args, *kwargs.values()))):
                raise without_rule(method) from error
            raise
        except RuntimeError as error:
            if tensor in _entered and "in-place" in str(error):
                raise lost(
                    "a tensor that was made of a traced value was about to be changed in place",
                    fix="make a new tensor, as in t = t * 2, or change a copy, t.clone()",
                ) from error
            raise

    return call


def _lifted(number: Any, tensor: torch.Tensor) -> torch.Tensor:
    """A traced number as a tensor without axes, which takes the type of the tensor beside it as a float would."""
    dtype = tensor.dtype if tensor.dtype.is_floating_point else torch.get_default_dtype()
    return DOORS[torch.as_tensor](number, dtype=dtype, device=tensor.device)


for _kind in (torch.Tensor, torch.nn.Parameter):
    OWNER_DOORS[_kind] = _tensor_method
    NUMBERS[_kind] = leaving
    LIFTS[_kind] = _lifted
