"""NumPy's functions and methods of whole arrays, as loops over elements."""

from __future__ import annotations

import ast
import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.autodiff.native import arrays, views
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


def total(low: Lowering, thing: Any, node: ast.AST) -> Atom:
    """The sum of all elements."""
    from workbench.autodiff.native.expressions import arithmetic

    lazy = arrays.as_lazy(low, thing, node)
    first = 0.0 if lazy.kind == "float" else 0
    return arrays.reduce(low, lazy, lambda a, b: arithmetic(low, "Add", a, b, node=node), first, node=node)


def _no_keywords(low: Lowering, keywords: dict[str, Any], node: ast.AST, *known: str) -> None:
    for name in keywords:
        if name not in known:
            raise low.refuse(f"it uses the option {name}=", node)


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


def _sum(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    _no_keywords(low, keywords, node, "axis")
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


def _mean(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    if isinstance(args[0], Tup):
        args = [arrays.array_of(low, args[0], node), *args[1:]]
    axis = args[1] if len(args) > 1 else keywords.get("axis", Static(None))
    lazy = arrays.as_lazy(low, args[0], node)
    count: Atom = 1
    for k, n in enumerate(lazy.dims):
        if type(axis) is not int or k == axis % len(lazy.dims):
            count = low.op("size", count, n, node=node)
    return arithmetic(low, "Div", _sum(low, args, keywords, node), count, node=node)


def _extreme(comparison: str) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        _no_keywords(low, keywords, node)
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

    a, b = (arrays.as_lazy(low, _named(low, thing, node), node) for thing in (left, right))
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


def _named(low: Lowering, thing: Any, node: ast.AST) -> Any:
    """An operand that is read many times, computed once."""
    return arrays.materialise(low, thing, node) if isinstance(thing, Lazy) else thing


def _dot(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    _no_keywords(low, keywords, node)
    if any(map(is_atom, args)):
        return arithmetic(low, "Mult", *args, node=node)
    return matmul(low, *args, node)


def _outer(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    _no_keywords(low, keywords, node)
    a, b = (arrays.as_lazy(low, thing, node) for thing in args)
    if len(a.dims) != 1 or len(b.dims) != 1:
        raise low.refuse("it uses outer() of other than vectors", node)

    def element(index: tuple[Atom, ...]) -> Atom:
        return arithmetic(low, "Mult", a.element(index[:1]), b.element(index[1:]), node=node)

    kind = "float" if "float" in (a.kind, b.kind) else "int"
    return Lazy((*a.dims, *b.dims), kind, element, arrays.read_elsewhere(a.sources + b.sources))


def _shape(low: Lowering, thing: Any, node: ast.AST) -> tuple[Atom, ...]:
    dims = thing.items if isinstance(thing, Tup) else (thing,)
    if not all(is_atom(n) and type_of(n) == "int" for n in dims):
        raise low.refuse("it uses a shape that is not made of integers", node)
    return tuple(low.op("length", n, node=node) for n in dims)


def _kind(low: Lowering, keywords: dict[str, Any], default: str, node: ast.AST) -> str:
    _no_keywords(low, keywords, node, "dtype")
    wanted = keywords.get("dtype", Static(None))
    if isinstance(wanted, Static) and wanted.value is None:
        return default
    for kinds, name in (((float, np.float64), "float"), ((int, np.int64), "int"), ((bool, np.bool_), "bool")):
        if isinstance(wanted, Static) and wanted.value in kinds:
            return name
    raise low.refuse("it uses an array of numbers other than float64, int64 and bool", node)


def _new(how: str) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        if len(args) > 1:
            keywords = {"dtype": args[1], **keywords}
        kind = _kind(low, keywords, "float", node)
        return arrays.new_array(low, _shape(low, args[0], node), kind, how, node=node)

    return reader


def _new_like(how: str) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        lazy = arrays.as_lazy(low, args[0], node)
        if len(args) > 1:
            keywords = {"dtype": args[1], **keywords}
        return arrays.new_array(low, lazy.dims, _kind(low, keywords, lazy.kind, node), how, node=node)

    return reader


def _full(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    if not is_atom(args[1]):
        raise low.refuse("it uses full() with something other than a number", node)
    kind = _kind(low, keywords, type_of(args[1]), node)
    made = arrays.new_array(low, _shape(low, args[0], node), kind, "empty", node=node)
    arrays.copy_into(low, made, args[1], node)
    return made


def _array(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
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


def _asarray(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    if (
        len(args) == 1
        and isinstance(args[0], Arr)
        and _kind(low, keywords, args[0].kind, node) == args[0].kind
    ):
        return args[0]
    return _array(low, args, keywords, node)


def _arange(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    _no_keywords(low, keywords, node)
    if not all(is_atom(arg) and type_of(arg) == "int" for arg in args) or len(args) > 2:
        raise low.refuse("it uses arange() of other than integers, or with a step", node)
    start, stop = (0, args[0]) if len(args) == 1 else args
    n = low.op("count_range", start, stop, 1, node=node)
    return Lazy((n,), "int", lambda index: low.op("step_int", index[0], start, node=node))


def _linspace(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    _no_keywords(low, keywords, node, "num")
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


def _where(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    _no_keywords(low, keywords, node)
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
    _no_keywords(low, keywords, node)
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


def _copy(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    _no_keywords(low, keywords, node)
    return arrays.materialise(low, arrays.as_lazy(low, args[0], node), node)


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
    parts = [arrays.items_of(low, _named(low, arg, node), node) for arg in args]
    if any(part is None for part in parts):
        raise low.refuse("it uses zip() of arrays and something else", node)
    length = parts[0][0]
    for n, _ in parts[1:]:
        length = n if n is length else low.op("same" if strict else "min_int", length, n, node=node)
    return Sequence(length, lambda index: Tup(tuple(item(index) for _, item in parts)))


def enumerated(low: Lowering, thing: Any, start: int, node: ast.AST) -> Sequence:
    """``enumerate`` of an array."""
    length, item = arrays.items_of(low, _named(low, thing, node), node)

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
        (np.sum, 2, _sum), (np.mean, 2, _mean), (np.max, 1, _extreme("gt")), (np.min, 1, _extreme("lt")),
        (np.dot, 2, _dot), (np.matmul, 2, _dot), (np.outer, 2, _outer), (np.zeros, 2, _new("zeros")),
        (np.ones, 2, _new("ones")), (np.empty, 2, _new("empty")), (np.full, 2, _full),
        (np.zeros_like, 2, _new_like("zeros")), (np.ones_like, 2, _new_like("ones")),
        (np.empty_like, 2, _new_like("empty")), (np.array, 2, _array), (np.asarray, 2, _asarray),
        (np.arange, 2, _arange), (np.linspace, 3, _linspace), (np.where, 3, _where), (np.clip, 3, _clip),
        (np.copy, 1, _copy), (np.shape, 1, _length), (fill_array, 2, _fill),
    )
}  # fmt: skip
