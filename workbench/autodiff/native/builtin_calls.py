"""Calls of Python's builtins, and of the like in ``math``: one reader for each, in the table ``KNOWN``."""

from __future__ import annotations

import ast
import builtins
import functools
import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.autodiff.native import dicts, library, lists, reductions
from workbench.autodiff.native.ir import Atom, Value, type_of
from workbench.autodiff.native.shapes import leaf_types, shape_of
from workbench.autodiff.native.structures import (
    Arr,
    Bound,
    Dict,
    Lazy,
    Lst,
    Rec,
    Sequence,
    Static,
    Tup,
    is_atom,
)

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


def _abs(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    (x,) = args
    if isinstance(x, Arr | Lazy):
        return library.ufunc(low, "fabs", args, node=node, name="absolute")
    if not is_atom(x):
        raise low.refuse("it uses abs() of an object", node)
    if type_of(x) == "float":
        return low.op("fabs", x, node=node)
    return low.op("abs_int", low.convert(x, "int", node), node=node)


def _extreme(comparison: str) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        items = list(args[0].items) if len(args) == 1 and isinstance(args[0], Tup) else list(args)
        if keywords or not items or not all(is_atom(item) for item in items):
            raise low.refuse("it uses min() or max() of something other than numbers", node)
        best = items[0]
        for item in items[1:]:
            wide = "float" if "float" in (type_of(best), type_of(item)) else "int"
            a, b = low.convert(item, wide, node), low.convert(best, wide, node)
            better = low.op(comparison, a, b, node=node)
            best = low.branch(better, lambda a=a: a, lambda b=b: b, node)
        return best

    return reader


def _float(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    if not args:
        return 0.0
    if keywords or len(args) != 1 or not is_atom(args[0]):
        raise low.refuse("it uses float() of something other than a number", node)
    number = low.convert(args[0], "float", node)
    return low.op("mul", number, 1.0, node=node)  # a value of its own, which is Python's


def _whole(operation: str, words: str) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        if keywords or len(args) != 1 or not is_atom(args[0]):
            raise low.refuse(f"it uses {words}", node)
        if type_of(args[0]) == "float":
            return low.op(operation, args[0], node=node)
        return low.convert(args[0], "int", node)

    return reader


def _bool(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    return low.truth(args[0], node)


def _len(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    if len(args) == 1 and isinstance(args[0], Tup | Dict):
        return len(dicts.keys_of(args[0]).items)
    if len(args) == 1 and isinstance(args[0], Lst):
        return args[0].n
    if len(args) == 1 and isinstance(args[0], Arr | Lazy):
        return args[0].dims[0]
    raise low.refuse("it uses len() of something other than a tuple", node)


def _sum(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    if (len(args) > 1 or keywords) and isinstance(args[0], Arr | Lazy | Lst):
        raise low.refuse("it uses sum() of an array or a list from another start", node)
    if isinstance(args[0], Arr | Lazy) and len(args[0].dims) == 1:
        return reductions.total(low, args[0], node)
    if isinstance(args[0], Lst):
        if COMPENSATED_SUM and args[0].item != "int":
            raise low.refuse("sum() of floats is compensated in this version of Python", node)
        return reductions.total(low, args[0], node)
    if not isinstance(args[0], Tup):
        raise low.refuse("it uses sum() of something other than a tuple", node)
    items = args[0].items
    total = args[1] if len(args) > 1 else keywords.get("start", 0)
    floats = [item for item in items if "float" in leaf_types(shape_of(item))]
    if len(floats) > 1 and COMPENSATED_SUM:
        raise low.refuse("sum() of floats is compensated in this version of Python", node)
    for item in items:
        total = arithmetic(low, "Add", total, item, node=node)
    return total


COMPENSATED_SUM = sys.version_info >= (3, 12)


def _prod(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    if not args or not isinstance(args[0], Tup):
        raise low.refuse("it uses prod() of something other than a tuple", node)
    total = keywords.get("start", 1)
    for item in args[0].items:
        total = arithmetic(low, "Mult", total, item, node=node)
    return total


def _pow(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    if len(args) != 2:
        raise low.refuse("it uses pow() with a modulus", node)
    return arithmetic(low, "Pow", args[0], args[1], node=node)


def _divmod(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    from workbench.autodiff.native.expressions import arithmetic

    return Tup((arithmetic(low, "FloorDiv", *args, node=node), arithmetic(low, "Mod", *args, node=node)))


def _tuple(kind: type) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        return Tup(tuple(dicts.items(low, args[0], node)) if args else (), kind)

    return reader


def _zip(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    strict = keywords.get("strict", False)
    if type(strict) is not bool:
        raise low.refuse("whether zip() is strict is not constant", node)
    if any(isinstance(arg, Arr | Lazy | Lst) for arg in args):
        return library.zipped(low, args, node, strict=strict)
    columns = [dicts.items(low, arg, node) for arg in args]
    if strict and len({len(column) for column in columns}) > 1:
        low.stop(node)
    return Tup(tuple(Tup(row) for row in zip(*columns, strict=False)))


def _enumerate(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    start = args[1] if len(args) > 1 else keywords.get("start", 0)
    if type(start) is not int:
        raise low.refuse("it uses enumerate() from a number that is not constant", node)
    if isinstance(args[0], Arr | Lazy | Lst | Sequence):
        return library.enumerated(low, args[0], start, node)
    return Tup(tuple(Tup((start + k, item)) for k, item in enumerate(dicts.items(low, args[0], node))))


def _reversed(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    if isinstance(args[0], Lst):
        return lists.backwards(low, args[0], node)
    return Tup(tuple(reversed(dicts.items(low, args[0], node))))


def _range(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    if all(type(arg) is int for arg in args) and len(range(*args)) <= 64:
        return Tup(tuple(range(*args)))
    raise low.refuse("it uses range() whose length is not constant, outside of a for statement", node)


def _every(name: str, empty: bool) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        result: Atom = empty
        for item in dicts.items(low, args[0], node):
            result = low.op(name, result, low.truth(item, node), node=node)
        return result

    return reader


def _isinstance(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    thing, kinds = args
    kinds = [kind.value for kind in (kinds.items if isinstance(kinds, Tup) else (kinds,))]
    if is_atom(thing):
        kind = {"float": float, "int": int, "bool": bool}[type_of(thing)]
        if not all(k in (float, int, bool, str, tuple, list, dict, complex, type(None)) for k in kinds):
            raise low.refuse("it uses isinstance() of a number with a class this tier does not know", node)
        low.program.asked_kinds |= isinstance(thing, Value)
        return any(issubclass(kind, k) for k in kinds)
    if isinstance(thing, Tup | Rec | Dict):
        return any(issubclass(dict if isinstance(thing, Dict) else thing.kind, k) for k in kinds)
    if isinstance(thing, Static):
        return isinstance(thing.value, tuple(kinds))
    raise low.refuse("it uses isinstance() of a function or a complex number", node)


def _partial(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    return Bound(args[0], tuple(args[1:]), keywords)


def _angle(factor: float) -> Any:
    def reader(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
        return low.op("mul", low.convert(args[0], "float", node), factor, node=node)

    return reader


KNOWN: dict[Any, Any] = {
    builtins.abs: _abs, builtins.max: _extreme("gt"), builtins.min: _extreme("lt"), bool: _bool, float: _float,
    int: _whole("truncate", "int() of something other than a number"), np.float64: _float,
    builtins.round: _whole("round", "round() to a number of digits"), builtins.len: _len, builtins.sum: _sum,
    math.prod: _prod, builtins.pow: _pow, builtins.divmod: _divmod, tuple: _tuple(tuple), list: _tuple(list), zip: _zip,
    enumerate: _enumerate, reversed: _reversed, range: _range, builtins.all: _every("and", True),
    builtins.any: _every("or", False), builtins.isinstance: _isinstance, functools.partial: _partial,
    math.radians: _angle(math.pi / 180), math.degrees: _angle(180 / math.pi),
}  # fmt: skip
