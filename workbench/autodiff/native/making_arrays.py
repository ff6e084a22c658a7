"""NumPy's functions that make arrays, as loops over elements."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.autodiff.native import arrays
from workbench.autodiff.native.ir import Atom, type_of
from workbench.autodiff.native.structures import Arr, Lazy, Static, Tup, is_atom

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


def _shape(low: Lowering, thing: Any, node: ast.AST) -> tuple[Atom, ...]:
    dims = thing.items if isinstance(thing, Tup) else (thing,)
    if not all(is_atom(n) and type_of(n) == "int" for n in dims):
        raise low.refuse("it uses a shape that is not made of integers", node)
    return tuple(low.op("length", n, node=node) for n in dims)


def _kind(low: Lowering, keywords: dict[str, Any], default: str, node: ast.AST) -> str:
    low.no_options(keywords, node, "dtype")
    wanted = keywords.get("dtype", Static(None))
    if isinstance(wanted, Static) and wanted.value is None:
        return default
    for kinds, name in (((float, np.float64), "float"), ((int, np.int64), "int"), ((bool, np.bool_), "bool")):
        if isinstance(wanted, Static) and wanted.value in kinds:
            return name
    raise low.refuse("it uses an array of numbers other than float64, int64 and bool", node)


def new(how: str) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        if len(args) > 1:
            keywords = {"dtype": args[1], **keywords}
        kind = _kind(low, keywords, "float", node)
        return arrays.new_array(low, _shape(low, args[0], node), kind, how, node=node)

    return reader


def new_like(how: str) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        lazy = arrays.as_lazy(low, args[0], node)
        if len(args) > 1:
            keywords = {"dtype": args[1], **keywords}
        return arrays.new_array(low, lazy.dims, _kind(low, keywords, lazy.kind, node), how, node=node)

    return reader


def full(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    if not is_atom(args[1]):
        raise low.refuse("it uses full() with something other than a number", node)
    kind = _kind(low, keywords, type_of(args[1]), node)
    made = arrays.new_array(low, _shape(low, args[0], node), kind, "empty", node=node)
    arrays.copy_into(low, made, args[1], node)
    return made


def array(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    if is_atom(args[0]):
        raise low.refuse("it uses an array without dimensions", node)
    made = arrays.array_of(low, args[0], node)
    if len(args) > 1:
        keywords = {"dtype": args[1], **keywords}
    kind = _kind(low, keywords, made.kind, node)
    if kind == made.kind:
        return made
    if kind != "float":
        raise low.refuse("it uses an array of floats made an array of integers", node)
    return arrays.elementwise(low, lambda a: low.convert(a, "float", node), [made], "float", node=node)


def asarray(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    if (
        len(args) == 1
        and isinstance(args[0], Arr)
        and _kind(low, keywords, args[0].kind, node) == args[0].kind
    ):
        return args[0]
    return array(low, args, keywords, node)


def arange(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    low.no_options(keywords, node)
    if not all(is_atom(arg) and type_of(arg) == "int" for arg in args) or len(args) > 2:
        raise low.refuse("it uses arange() of other than integers, or with a step", node)
    start, stop = (0, args[0]) if len(args) == 1 else args
    n = low.op("count_range", start, stop, 1, node=node)
    return Lazy((n,), "int", lambda index: low.op("step_int", index[0], start, node=node))


def linspace(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    low.no_options(keywords, node, "num")
    n = args[2] if len(args) > 2 else keywords.get("num", 50)
    if not (is_atom(n) and type_of(n) == "int") or not all(map(is_atom, args[:2])):
        raise low.refuse("it uses linspace() between other than numbers", node)
    start, stop = (low.convert(arg, "float", node) for arg in args[:2])
    last = low.op("sub_int", n, 1, node=node)
    step = arithmetic(low, "Div", arithmetic(low, "Sub", stop, start, node=node), last, node=node)

    def element(index: tuple[Atom, ...]) -> Atom:
        at_end = low.op("eq", index[0], last, node=node)

        def inside() -> Atom:
            return arithmetic(
                low, "Add", arithmetic(low, "Mult", index[0], step, node=node), start, node=node
            )

        return low.branch(at_end, lambda: stop, inside, node)

    return Lazy((n,), "float", element)


def copy(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    low.no_options(keywords, node)
    return arrays.materialise(low, arrays.as_lazy(low, args[0], node), node)
