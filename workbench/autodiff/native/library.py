"""NumPy's functions and methods of whole arrays, as loops over elements."""

from __future__ import annotations

import ast
import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.autodiff.native import arrays, making_arrays, reductions, views
from workbench.autodiff.native.ir import Atom, Value, type_of
from workbench.autodiff.native.primitives import PRIMITIVES
from workbench.autodiff.native.structures import Arr, Bound, Lazy, Lst, Sequence, Static, Tup, is_atom

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


def ufunc(low: Lowering, operation: str, args: list[Any], *, node: ast.AST, name: str) -> Lazy:
    """A function of numbers applied to arrays."""
    primitive = PRIMITIVES[operation]
    if len(args) != (2 if "{1}" in primitive.text else 1):
        raise low.refuse(f"it uses {name} with {len(args)} arguments", node)
    if keeps_whole_numbers(operation, name, args):
        return arrays.elementwise(
            low, lambda *atoms: of_whole_numbers(low, name, atoms, node), args, "int", node=node
        )

    def function(*atoms: Atom) -> Atom:
        floats = [low.convert(atom, "float", node) for atom in atoms]
        if operation == "power":
            from workbench.autodiff.native.expressions import power

            return power(low, *floats, node)
        if operation == "square":
            return low.op("mul", floats[0], floats[0], node=node)
        return low.op(operation, *floats, node=node)

    kind = "float" if primitive.type == "int" else primitive.type
    return arrays.elementwise(low, function, args, kind, node=node)


def keeps_whole_numbers(operation: str, name: str, args: list[Any]) -> bool:
    """Whether a function, named as NumPy does, makes whole numbers of these arguments, which hold no floats."""
    known = name in _WHOLE or (name in ("floor", "ceil") and operation == f"{name}_float")
    return known and not any(map(is_float, args))


_WHOLE = frozenset("absolute square maximum minimum sign power".split())


def is_float(thing: Any) -> bool:
    """Whether a thing is a float, or an array, a list or a tuple with floats in it."""
    if isinstance(thing, Tup):
        return any(map(is_float, thing.items))
    if isinstance(thing, Lst):
        return thing.item == "float"
    return (type_of(thing) if is_atom(thing) else getattr(thing, "kind", "")) == "float"


def of_whole_numbers(low: Lowering, name: str, atoms: tuple[Atom, ...], node: ast.AST) -> Atom:
    """A function of NumPy's that makes whole numbers of whole numbers."""
    if any(type_of(atom) != "int" for atom in atoms) or name in ("sign", "floor", "ceil", "power"):
        raise low.refuse(f"it uses {name} of whole numbers or truth values", node)
    if name == "square":
        return low.op("mul_int", atoms[0], atoms[0], node=node)
    if name in ("maximum", "minimum"):
        larger = low.op("gt" if name == "maximum" else "lt", *atoms, node=node)
        return low.branch(larger, lambda: atoms[0], lambda: atoms[1], node)
    return low.op("abs_int", *atoms, node=node)


def _where(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    low.no_options(keywords, node)
    if len(args) != 3:
        raise low.refuse("it uses where() with one argument", node)
    if all(map(is_atom, args)):
        return _choose(low, *args, node)
    kinds = [getattr(arg, "kind", None) or type_of(arg) for arg in args[1:]]
    kind = "float" if "float" in kinds else "int" if "int" in kinds else "bool"

    def function(cond: Atom, a: Atom, b: Atom) -> Atom:
        return _choose(low, cond, low.convert(a, kind, node), low.convert(b, kind, node), node)

    return arrays.elementwise(low, function, args, kind, node=node)


def _choose(low: Lowering, cond: Any, a: Any, b: Any, node: ast.AST) -> Any:
    return low.branch(low.truth(cond, node), lambda: a, lambda: b, node)


def _clip(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    low.no_options(keywords, node)
    x, low_end, high_end = args
    if not any(map(is_float, args)):
        raise low.refuse("it uses clip() of whole numbers", node)
    if isinstance(x, Arr | Lazy):

        def function(*atoms: Atom) -> Atom:
            return _clipped(low, *(low.convert(atom, "float", node) for atom in atoms), node=node)

        return arrays.elementwise(low, function, [x, low_end, high_end], "float", node=node)
    return _clipped(low, *(low.convert(atom, "float", node) for atom in (x, low_end, high_end)), node=node)


def _clipped(low: Lowering, x: Atom, low_end: Atom, high_end: Atom, *, node: ast.AST) -> Atom:
    """The bounds count as inside, where x is let through; of bounds that have crossed the upper one is taken."""
    raised = low.branch(_beyond(low, "lt", x, low_end, node), lambda: low_end, lambda: x, node)
    return low.branch(_beyond(low, "gt", raised, high_end, node), lambda: high_end, lambda: raised, node)


def _beyond(low: Lowering, comparison: str, x: Atom, bound: Atom, node: ast.AST) -> Atom:
    """Whether ``x`` is beyond a bound, as everything is beyond NaN."""
    beyond = low.op(comparison, x, bound, node=node)
    if not isinstance(bound, Value):
        return beyond
    return low.op("or", beyond, low.op("isnan", bound, node=node), node=node)


def _length(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    return attribute_shape(args[0])


def attribute_shape(thing: Arr | Lazy) -> Tup:
    """``array.shape``."""
    return Tup(tuple(thing.dims))


def _transpose(low: Lowering, thing: Any, node: ast.AST) -> Any:
    if len(thing.dims) < 2:
        return thing
    lazy = arrays.as_lazy(low, thing, node)
    if isinstance(thing, Lazy):
        turned = arrays.read_elsewhere(lazy.sources)
        return Lazy(thing.dims[::-1], thing.kind, lambda index: lazy.element(index[::-1]), turned)
    data = views.shared_view(low, [thing.data], thing.data.type, "{0}.T", node)
    strides = arrays.strides_of(low, thing, node)[::-1]
    return dataclasses.replace(thing, data=data, dims=thing.dims[::-1], strides=strides)


def array_attribute(low: Lowering, thing: Arr | Lazy, name: str, node: ast.AST) -> Any:
    """An attribute or method of an array."""
    if name == "shape":
        return attribute_shape(thing)
    if name == "ndim":
        return len(thing.dims)
    if name == "size":
        size: Atom = 1
        for n in thing.dims:
            size = low.op("size", size, n, node=node)
        return size
    if name == "T":
        return _transpose(low, thing, node)
    if name in METHODS:
        return Bound(Static(METHODS[name]), (thing,))
    raise low.refuse(f"it uses the attribute {name} of an array", node)


def _fill(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    array, value = args
    if not isinstance(array, Arr):
        raise low.refuse("it uses fill() of an expression", node)
    arrays.copy_into(low, array, value, node)
    return Static(None)


def zipped(low: Lowering, args: list[Any], node: ast.AST, *, strict: bool = False) -> Sequence:
    """``zip`` of arrays; of different lengths the shortest counts, unless they have to be the same."""
    parts = [arrays.items_of(low, reductions.named(low, arg, node), node) for arg in args]
    if any(part is None for part in parts):
        raise low.refuse("it uses zip() of arrays and something else", node)
    length = parts[0][0]
    for n, _ in parts[1:]:
        length = n if n is length else low.op("same" if strict else "min_int", length, n, node=node)
    return Sequence(length, lambda index: Tup(tuple(item(index) for _, item in parts)))


def enumerated(low: Lowering, thing: Any, start: int, node: ast.AST) -> Sequence:
    """``enumerate`` of an array."""
    length, item = arrays.items_of(low, reductions.named(low, thing, node), node)

    def pair(index: Atom) -> Tup:
        return Tup((low.op("step_int", index, start, node=node) if start else index, item(index)))

    return Sequence(length, pair)


def fill_array(array: Any, value: Any) -> None:
    """Stands for the method ``fill``."""
    array.fill(value)


METHODS = {
    "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "dot": np.dot, "copy": np.copy, "fill": fill_array,
}  # fmt: skip


def _taking(most: int, reader: Any) -> Any:
    """A reader that knows so many arguments by position."""

    def checked(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        if len(args) > most:
            raise low.refuse("it gives a function of NumPy's more arguments than are known here", node)
        return reader(low, args, keywords, node)

    return checked


KNOWN: dict[Any, Any] = {
    function: _taking(most, reader)
    for function, most, reader in (
        (np.sum, 2, reductions.sum_of), (np.mean, 2, reductions.mean_of),
        (np.max, 1, reductions.extreme("gt")), (np.min, 1, reductions.extreme("lt")),
        (np.dot, 2, reductions.dot), (np.matmul, 2, reductions.dot), (np.outer, 2, reductions.outer),
        (np.zeros, 2, making_arrays.new("zeros")), (np.zeros_like, 2, making_arrays.new_like("zeros")),
        (np.ones, 2, making_arrays.new("ones")), (np.ones_like, 2, making_arrays.new_like("ones")),
        (np.empty, 2, making_arrays.new("empty")), (np.empty_like, 2, making_arrays.new_like("empty")),
        (np.full, 2, making_arrays.full), (np.copy, 1, making_arrays.copy),
        (np.array, 2, making_arrays.array), (np.asarray, 2, making_arrays.asarray),
        (np.arange, 2, making_arrays.arange), (np.linspace, 3, making_arrays.linspace),
        (np.where, 3, _where), (np.clip, 3, _clip), (np.shape, 1, _length), (fill_array, 2, _fill),
    )
}  # fmt: skip
