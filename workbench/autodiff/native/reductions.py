"""Sums, means, extremes and products of whole arrays, as loops over elements."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native import arrays
from workbench.autodiff.native.ir import Atom
from workbench.autodiff.native.structures import Arr, Lazy, Static, Tup, is_atom

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


def total(low: Lowering, thing: Any, node: ast.AST) -> Atom:
    """The sum of all elements."""
    from workbench.autodiff.native.expressions import arithmetic

    lazy = arrays.as_lazy(low, thing, node)
    first = 0.0 if lazy.kind == "float" else 0
    return arrays.reduce(low, lazy, lambda a, b: arithmetic(low, "Add", a, b, node=node), first, node=node)


def _along(low: Lowering, lazy: Lazy, axis: int, node: ast.AST) -> Lazy:
    """Sums along one axis."""
    from workbench.autodiff.native.expressions import arithmetic

    axis %= len(lazy.dims)
    rest = (*lazy.dims[:axis], *lazy.dims[axis + 1 :])

    def element(index: tuple[Atom, ...]) -> Atom:
        def body(inner: tuple[Atom, ...], carried: list[Atom]) -> list[Atom]:
            whole = (*index[:axis], inner[0], *index[axis:])
            return [arithmetic(low, "Add", carried[0], lazy.element(whole), node=node)]

        first = [0.0 if lazy.kind == "float" else 0]
        return arrays.for_each(low, (lazy.dims[axis],), body, start=first, node=node)[0]

    kind = "int" if lazy.kind == "bool" else lazy.kind  # NumPy counts truth values
    return Lazy(rest, kind, element, arrays.read_elsewhere(lazy.sources))


def sum_of(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    low.no_options(keywords, node, "axis")
    axis = args[1] if len(args) > 1 else keywords.get("axis", Static(None))
    along = type(axis) is int
    if not along and not (isinstance(axis, Static) and axis.value is None):
        raise low.refuse("it uses a sum along several axes", node)
    if is_atom(args[0]) and not along:
        return args[0]
    thing = arrays.array_of(low, args[0], node) if isinstance(args[0], Tup) else args[0]
    lazy = arrays.as_lazy(low, thing, node)
    if along and not -len(lazy.dims) <= axis < len(lazy.dims):
        raise low.refuse(f"there is no axis {axis}", node)
    return _along(low, lazy, axis, node) if along and len(lazy.dims) > 1 else total(low, lazy, node)


def mean_of(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    if isinstance(args[0], Tup):
        args = [arrays.array_of(low, args[0], node), *args[1:]]
    axis = args[1] if len(args) > 1 else keywords.get("axis", Static(None))
    lazy = arrays.as_lazy(low, args[0], node)
    count: Atom = 1
    for k, n in enumerate(lazy.dims):
        if type(axis) is not int or k == axis % len(lazy.dims):
            count = low.op("size", count, n, node=node)
    return arithmetic(low, "Div", sum_of(low, args, keywords, node), count, node=node)


def extreme(comparison: str) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        low.no_options(keywords, node)
        if len(args) != 1 or not isinstance(args[0], Arr | Lazy):
            raise low.refuse("it uses a maximum or minimum along an axis", node)
        lazy = arrays.as_lazy(low, args[0], node)
        low.op("index", 0, lazy.dims[0], node=node)
        first = lazy.element((0,) * len(lazy.dims))

        def better(best: Atom, item: Atom) -> Atom:
            wins = low.op(comparison, item, best, node=node)
            if lazy.kind == "float":  # NaN wins, and is found no better than itself
                wins = low.op("or", wins, low.op("isnan", item, node=node), node=node)
            return low.branch(wins, lambda: item, lambda: best, node)

        found = arrays.reduce(low, lazy, better, first, node=node)
        return _shared(low, lazy, found, node) if lazy.kind == "float" else found

    return reader


def _shared(low: Lowering, lazy: Lazy, found: Atom, node: ast.AST) -> Atom:
    """A largest or smallest element, whose derivative all elements that are equal to it share evenly.

    To the constant is added the mean of what they differ from it, which is nothing but a derivative.
    """
    value = low.op("constant", found, node=node)

    def same(item: Atom) -> Atom:
        return low.op("eq", item, value, node=node)

    def count(n: Atom, item: Atom) -> Atom:
        return low.branch(same(item), lambda: low.op("step_int", n, 1, node=node), lambda: n, node)

    def gather(total: Atom, item: Atom) -> Atom:
        def more() -> Atom:
            return low.op("add", total, low.op("sub", item, value, node=node), node=node)

        return low.branch(same(item), more, lambda: total, node)

    n = arrays.reduce(low, lazy, count, 0, node=node)
    rest = arrays.reduce(low, lazy, gather, 0.0, node=node)
    share = low.op("div", rest, low.op("to_float", n, node=node), node=node)
    return low.op("add", value, share, node=node)


def matmul(low: Lowering, left: Any, right: Any, node: ast.AST) -> Any:
    """``left @ right`` of vectors and matrices."""
    from workbench.autodiff.native.expressions import arithmetic

    a, b = (arrays.as_lazy(low, named(low, thing, node), node) for thing in (left, right))
    if len(a.dims) not in (1, 2) or len(b.dims) not in (1, 2):
        raise low.refuse("it uses @ of arrays with more than two dimensions", node)
    n = a.dims[-1] if a.dims[-1] is b.dims[0] else low.op("same", a.dims[-1], b.dims[0], node=node)

    def element(index: tuple[Atom, ...]) -> Atom:
        row, column = index[: len(a.dims) - 1], index[len(a.dims) - 1 :]

        def body(inner: tuple[Atom, ...], carried: list[Atom]) -> list[Atom]:
            product = arithmetic(
                low, "Mult", a.element((*row, *inner)), b.element((*inner, *column)), node=node
            )
            return [arithmetic(low, "Add", carried[0], product, node=node)]

        first = 0.0 if "float" in (a.kind, b.kind) else 0
        return arrays.for_each(low, (n,), body, start=[first], node=node)[0]

    dims = (*a.dims[:-1], *b.dims[1:])
    if not dims:
        return element(())
    kind = "float" if "float" in (a.kind, b.kind) else "int"
    return Lazy(dims, kind, element, arrays.read_elsewhere((*a.sources, *b.sources)))


def named(low: Lowering, thing: Any, node: ast.AST) -> Any:
    """An operand that is read many times, computed once."""
    return arrays.materialise(low, thing, node) if isinstance(thing, Lazy) else thing


def dot(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    low.no_options(keywords, node)
    if any(map(is_atom, args)):
        return arithmetic(low, "Mult", *args, node=node)
    return matmul(low, *args, node)


def outer(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    low.no_options(keywords, node)
    a, b = (arrays.as_lazy(low, thing, node) for thing in args)
    if len(a.dims) != 1 or len(b.dims) != 1:
        raise low.refuse("it uses outer() of other than vectors", node)

    def element(index: tuple[Atom, ...]) -> Atom:
        return arithmetic(low, "Mult", a.element(index[:1]), b.element(index[1:]), node=node)

    kind = "float" if "float" in (a.kind, b.kind) else "int"
    return Lazy((*a.dims, *b.dims), kind, element, arrays.read_elsewhere(a.sources + b.sources))
