"""Calls: of the user's functions, of classes, and of what stands in tables (``builtin_calls``, ``library``)."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.autodiff.location import is_engine_file
from workbench.autodiff.native import builtin_calls, complexes, dicts, library, lists
from workbench.autodiff.native.fence import is_iterator
from workbench.autodiff.native.ir import Atom, Value, type_of
from workbench.autodiff.native.normalise import RESULT, normalise
from workbench.autodiff.native.primitives import CALLABLES, PRIMITIVES, RUNTIME
from workbench.autodiff.native.structures import (
    Arr,
    Bound,
    Dict,
    Lazy,
    Local,
    Maybe,
    Rec,
    Static,
    Tup,
    is_atom,
    is_plain_tuple,
    is_record,
    thing_of,
)
from workbench.autodiff.registry import DOORS, OWN, learn

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


_NATIVE = str(
    Path(__file__).parent
)  # what generated code calls, when it is read again for a second derivative


def call(low: Lowering, node: ast.Call) -> Any:
    """Read a call."""
    from workbench.autodiff.native.expressions import quiet

    if lists.is_method(low, node):
        return lists.method(low, node)
    function = dicts.called_method(low, node.func) or low.evaluate(node.func)
    lazy = _consumes(function) and all(quiet(low, arg) for arg in node.args)
    args: list[Any] = []
    for arg in node.args:
        if isinstance(arg, ast.Starred):
            thing = low.evaluate(arg.value)
            if not isinstance(thing, Tup):
                raise low.refuse("it uses * of something other than a tuple", arg)
            args += thing.items
        else:
            args.append(dicts.lent(dicts.peek(low, arg, lazy=lazy)))
    keywords: dict[str, Any] = {}
    for keyword in node.keywords:
        thing = low.evaluate(keyword.value)
        if keyword.arg is None and not isinstance(thing, Dict):
            raise low.refuse("it uses ** of something other than a dict in a call", node)
        given = thing.entries if keyword.arg is None else {keyword.arg: thing}
        if given.keys() & keywords.keys():
            low.stop(node)
        keywords |= {name: dicts.lent(item) for name, item in given.items()}
    written = _is_written(function)
    _check_iterators(low, function, node, keeps=written)
    if not (written and not isinstance(function, Bound)):
        lists.check_handed(low, function, node)
    result = call_thing(low, function, args, keywords, node=node)
    result = result if written else lists.frozen(result)  # it may be one of a dictionary's, say
    dicts.after_call(low, node, result)
    return result


def _has_own_rule(target: Any) -> bool:
    """Whether the engine knows a callable otherwise than by its source: by a rule, the user's or its own."""
    try:
        if target in OWN:
            return True
        return isinstance(target, types.FunctionType) and (
            target in DOORS or (learn(target) and target in DOORS)
        )
    except TypeError:
        return False


def _check_iterators(low: Lowering, function: Any, node: ast.Call, *, keeps: bool) -> None:
    """Refuse what goes through things later, or only once, where it is not used up on the spot; see ``fence``."""
    target = function.value if isinstance(function, Static) else None
    if any(target is one for one in (zip, enumerate, reversed)) and not is_iterator(node):
        raise low.refuse(f"{target.__name__} is called by another name", node)
    keeps = keeps or target is functools.partial or (isinstance(target, type) and target not in _KNOWN)
    for arg in (*node.args, *(keyword.value for keyword in node.keywords)):
        if keeps and is_iterator(arg):
            raise low.refuse("it hands on an iterator, which is empty once it was gone through", arg)


def _is_written(function: Any) -> bool:
    """Whether a function is the user's: it is looked through, and keeps nothing of its arguments."""
    while isinstance(function, Bound):
        function = function.function
    target = function.value if isinstance(function, Static) else None
    written = isinstance(target, types.FunctionType) and target not in _KNOWN and target not in library.KNOWN
    return isinstance(function, Local) or written


def _consumes(function: Any) -> bool:
    """Whether a function reads array expressions at once and keeps none."""
    target = function.value if isinstance(function, Static) else None
    try:
        return target in library.KNOWN or target in CALLABLES
    except TypeError:
        return False


def call_thing(
    low: Lowering, function: Any, args: list[Any], keywords: dict[str, Any], *, node: ast.AST
) -> Any:
    """Call a thing with things."""
    while isinstance(function, Bound):
        args, keywords = [*function.args, *args], {**function.keywords, **keywords}
        function = function.function
    if isinstance(function, Local):
        return _call_local(low, function, args, keywords, node=node)
    if not isinstance(function, Static):
        raise low.refuse("a call of something that is not a function", node)
    target = function.value
    if _has_own_rule(target):
        raise low.refuse(f"{getattr(target, '__name__', target)} has a rule of its own", node)
    reader = complexes.reader_of(target, args) or dicts.reader_of(target)
    if reader is not None:
        low.program.numpy |= isinstance(target, np.ufunc)
        return reader(low, args, keywords, node)
    if isinstance(target, functools.partial):
        args = [*map(thing_of, target.args), *args]
        keywords = {**{key: thing_of(value) for key, value in target.keywords.items()}, **keywords}
        return call_thing(low, thing_of(target.func), args, keywords, node=node)
    if isinstance(target, types.FunctionType) and target in RUNTIME:
        name, type_ = RUNTIME[target]
        return low.op(name, *(low.convert(arg, type_, node) for arg in args), node=node)
    if isinstance(target, types.FunctionType) and target not in _KNOWN and target not in library.KNOWN:
        return _call_user(low, target, args, keywords, node=node)
    if isinstance(target, type) and target not in _KNOWN:
        return _construct(low, target, args, keywords, node=node)
    try:
        known = _KNOWN.get(target) or library.KNOWN.get(target)
        operation = CALLABLES.get(target)
    except TypeError:
        known = operation = None
    low.program.numpy |= isinstance(target, np.ufunc) or target in library.KNOWN or target is np.float64
    if known is not None:
        result = known(low, args, keywords, node)
    elif operation is not None and not keywords:
        result = _operation(low, operation, args, node=node, name=getattr(target, "__name__", "function"))
    else:
        name = getattr(target, "__qualname__", None) or f"an object of {type(target).__name__}"
        raise low.refuse(f"{name} is not known to this tier", node)
    if isinstance(result, Value) and (target is float or operation is not None):
        of_python = target is float or getattr(target, "__module__", None) == "math"
        (low.program.of_python if of_python else low.program.of_others).add(result)
    return result


def _operation(low: Lowering, operation: str, args: list[Any], *, node: ast.AST, name: str) -> Atom:
    if any(isinstance(arg, Arr | Lazy) for arg in args):
        return library.ufunc(low, operation, args, node=node, name=name)
    if not all(is_atom(arg) for arg in args):
        raise low.refuse(f"it uses {name} of something other than numbers", node)
    if operation == "log" and len(args) == 2 and name == "log":
        top, bottom = (low.op("log", low.convert(arg, "float", node), node=node) for arg in args)
        return low.op("div", top, bottom, node=node)
    if operation == "hypot" and len(args) != 2:
        raise low.refuse("it uses hypot of other than two numbers", node)
    text = PRIMITIVES[operation].text
    if len(args) != (2 if "{1}" in text else 1):
        raise low.refuse(f"it uses {name} with {len(args)} arguments", node)
    if library.keeps_whole_numbers(operation, name, args):
        return library.of_whole_numbers(low, name, tuple(args), node)
    if operation == "square":
        operand = low.convert(args[0], "float", node)
        return low.op("mul", operand, operand, node=node)
    if operation in ("floor", "ceil", "truncate") and type_of(args[0]) != "float":
        return low.convert(args[0], "int", node)
    if (
        operation == "power"
        and type_of(args[1]) != "float"
        and not isinstance(args[1], Value)
        and name == "power"
    ):
        return _power(low, args, node)
    return low.op(operation, *(low.convert(arg, "float", node) for arg in args), node=node)


def _power(low: Lowering, args: list[Any], node: ast.AST) -> Atom:
    from workbench.autodiff.native.expressions import power

    if type_of(args[0]) != "float":
        raise low.refuse("it uses np.power of integers", node)
    return power(low, args[0], args[1], node)


# ------------------------------------------------------------------------------------------- the user's


def _bind(
    low: Lowering, target: Any, args: list[Any], keywords: dict[str, Any], *, node: ast.AST
) -> dict[str, Any]:
    signature = inspect.signature(target)
    try:
        bound = signature.bind(*args, **keywords)
    except TypeError as error:
        raise low.refuse(f"the call does not fit: {error}", node) from None
    things: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            if bound.arguments.get(name):
                raise low.refuse("it uses ** in a function's parameters", node)
        elif parameter.kind is parameter.VAR_POSITIONAL:
            things[name] = Tup(tuple(bound.arguments.get(name, ())))
        elif name in bound.arguments:
            things[name] = bound.arguments[name]
        else:
            low.program.watch(target, "__defaults__", getattr(target, "__defaults__", None))
            if parameter.kind is parameter.KEYWORD_ONLY and isinstance(target, types.FunctionType):
                low.program.watch(target, "__kwdefaults__", target.__kwdefaults__)
                low.program.watch(target.__kwdefaults__, name, parameter.default)
            things[name] = thing_of(parameter.default)
    return things


def _call_user(
    low: Lowering, target: Any, args: list[Any], keywords: dict[str, Any], *, node: ast.AST
) -> Any:
    if is_engine_file(target.__code__.co_filename) and not target.__code__.co_filename.startswith(_NATIVE):
        raise low.refuse(f"{target.__qualname__} belongs to the engine", node)
    if hasattr(target, "__wrapped__"):
        raise low.refuse(f"{target.__qualname__} is wrapped by a decorator", node)
    things = _bind(low, target, args, keywords, node=node)
    if any(isinstance(thing, Local) for thing in things.values()):
        raise low.refuse("a function made inside is handed to another function", node)
    low.program.watch(target, "__code__", target.__code__)
    return low.call_function(target, things, node)


def _call_local(
    low: Lowering, function: Local, args: list[Any], keywords: dict[str, Any], *, node: ast.AST
) -> Any:
    """A function defined inside: read in place, with the names it sees at this moment."""
    from workbench.autodiff.native.scopes import Scope, assigned_names

    definition, arguments = function.definition, function.definition.args
    if arguments.vararg or arguments.kwarg:
        raise low.refuse("it uses * or ** in a function defined inside", definition)
    positional = [a.arg for a in [*arguments.posonlyargs, *arguments.args]]
    names = [*positional, *(a.arg for a in arguments.kwonlyargs)]
    things = {**function.defaults, **dict(zip(positional, args, strict=False)), **keywords}
    things = {name: dicts.lent(thing) for name, thing in things.items()}
    if len(args) > len(positional) or set(things) != set(names):
        raise low.refuse("the call does not fit the function's parameters", node)
    outer = low.scope
    home = _home(function.scope, outer)
    if home is None:
        raise low.refuse("a function made inside is called from somewhere else", node)
    captured = _captured(function, home)
    if any(thing is function for thing in captured.values()):
        return _call_recursive(low, function, things, captured, node=node)
    body = definition.body
    locals_ = assigned_names(body) | set(names)
    things = {name: lists.frozen(thing) for name, thing in things.items()}
    low.scope = Scope(outer.function, outer.file, locals_, things, home, definition=definition)
    try:
        low.statements(normalise(definition))
        result = low.scope.vars.get(RESULT)
    finally:
        low.scope = outer
    result = result.thing if isinstance(result, Maybe) else result
    return lists.frozen(lists.check_result(low, result, node))  # a list may have a name around the function


def _home(scope: Any, inner: Any) -> Any:
    """The scope a function was defined in, as it is seen from ``inner``."""
    while inner is not None:
        if inner is scope or (inner.stands_for is not None and inner.stands_for is scope):
            return inner
        inner = inner.outer
    return None


def _captured(function: Local, home: Any) -> dict[str, Any]:
    """The things that a function defined inside, and the functions it names, take from around it."""
    found: dict[str, Any] = {}
    waiting = [function.definition]
    while waiting:
        definition = waiting.pop()
        for inner in ast.walk(definition):
            if not isinstance(inner, ast.Name) or inner.id in found:
                continue
            scope = home
            while scope is not None and inner.id not in scope.locals:
                scope = scope.outer
            if scope is not None and inner.id in scope.vars:
                found[inner.id] = thing = scope.vars[inner.id]
                if isinstance(thing, Local):
                    waiting.append(thing.definition)
    return found


def _call_recursive(
    low: Lowering, function: Local, things: dict[str, Any], captured: dict[str, Any], *, node: ast.AST
) -> Any:
    """A function defined inside that calls itself: a function of its own, which is given what it takes from outside."""
    own = {a.arg for a in ast.walk(function.definition.args) if isinstance(a, ast.arg)}
    given = {f"outer.{name}": thing for name, thing in captured.items() if name not in own}
    return low.call_function(function, {**things, **given}, node)


def _construct(low: Lowering, kind: type, args: list[Any], keywords: dict[str, Any], *, node: ast.AST) -> Any:
    if not _made_as_usual(kind):
        raise low.refuse(f"{kind.__name__} has a __new__, __init__ or metaclass of its own", node)
    if hasattr(kind, "_fields") and issubclass(kind, tuple):
        things = _bind(low, kind, args, keywords, node=node)
        return Tup(tuple(things[name] for name in kind._fields), kind)
    if not is_record(kind):
        raise low.refuse(f"{kind.__name__} is not a frozen dataclass or a named tuple", node)
    if not kind.__dataclass_params__.init or any(not f.init for f in dataclasses.fields(kind)):
        raise low.refuse(f"{kind.__name__} has fields that its constructor does not set", node)
    for f in dataclasses.fields(kind):
        if f.default_factory is not dataclasses.MISSING:
            raise low.refuse(f"{kind.__name__}.{f.name} has a default factory", node)
    things = _bind(low, kind, args, keywords, node=node)
    made = Rec({f.name: things[f.name] for f in dataclasses.fields(kind)}, kind)
    check = getattr(kind, "__post_init__", None)
    if check is not None:
        call_thing(low, Static(check), [made], {}, node=node)
    return made


def _made_as_usual(kind: type) -> bool:
    """Whether a class puts what it is called with into its fields, and does nothing else."""
    if type(kind).__call__ is not type.__call__:
        return False
    if issubclass(kind, tuple):
        home = next(cls for cls in kind.__mro__ if "__new__" in vars(cls))
        return "_fields" in vars(home) and kind.__init__ is object.__init__ and is_plain_tuple(kind)
    own = getattr(kind.__init__, "__code__", None)
    return own is None or own.co_filename == "<string>"  # of those that dataclasses make


def replace_named(thing: Any, **changes: Any) -> Any:
    """Stands for the ``_replace`` method of a named tuple."""
    return thing._replace(**changes)


def _replace(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    (thing,) = args
    if isinstance(thing, Rec) and set(keywords) <= set(thing.fields):
        fields = {**thing.fields, **keywords}
        return _construct(low, thing.kind, [], fields, node=node)
    if isinstance(thing, Tup) and set(keywords) <= set(getattr(thing.kind, "_fields", ())):
        names = thing.kind._fields
        return Tup(
            tuple(keywords.get(n, item) for n, item in zip(names, thing.items, strict=True)), thing.kind
        )
    raise low.refuse("it uses replace() of something other than a frozen dataclass or named tuple", node)


_KNOWN: dict[Any, Any] = {**builtin_calls.KNOWN, dataclasses.replace: _replace, replace_named: _replace}
