"""The function that a call reaches through methods and partials, and its arguments by position."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from workbench.autodiff.location import is_engine_file
from workbench.autodiff.native.fence import refuse
from workbench.autodiff.native.naming import describe
from workbench.autodiff.native.shapes import leaf_types, shape_of
from workbench.autodiff.native.structures import Bound, Static, argument_of, thing_of
from workbench.autodiff.registry import DOORS, OWN


def value_now(home: Any, name: str) -> Any:
    """What a name stands for now: a key of a namespace, a variable in a cell, an attribute; None if nothing."""
    if isinstance(home, dict):
        return home.get(name)
    if isinstance(home, types.CellType):
        try:
            return home.cell_contents
        except ValueError:
            return None
    return getattr(home, name, None)


def function_behind(function: Callable[..., Any]) -> tuple[types.FunctionType, list[Any], dict[str, Any]]:
    """The function behind methods and partials, and the arguments they bring: by position, and by name."""
    thing = thing_of(function)
    things: list[Any] = []
    keywords: dict[str, Any] = {}
    while True:
        if isinstance(thing, Bound):
            things = [*thing.args, *things]
            thing = thing.function
        elif isinstance(thing, Static) and type(thing.value) is functools.partial:
            things = [*map(thing_of, thing.value.args), *things]
            keywords = {**{name: thing_of(value) for name, value in thing.value.keywords.items()}, **keywords}
            thing = thing_of(thing.value.func)
        else:
            break
    if not isinstance(thing, Static) or not isinstance(thing.value, types.FunctionType):
        raise refuse(f"{describe(thing_of(function))} is not a function with source")
    return thing.value, things, keywords


def called_function(
    function: Callable[..., Any], args: tuple[Any, ...]
) -> tuple[types.FunctionType, list[Any], int]:
    """The function with source, all its arguments by position, and how many of them come before ``args``."""
    target, before, keywords = function_behind(function)
    if is_engine_file(target.__code__.co_filename):
        raise refuse(f"{target.__qualname__} belongs to the engine")
    if target in OWN or target in DOORS:
        raise refuse(f"{target.__qualname__} has a rule of its own")
    things = [*before, *map(argument_of, args)]
    if keywords:
        things += _by_position(target, len(things), keywords)
    return target, things, len(before)


def _by_position(target: types.FunctionType, given: int, keywords: dict[str, Any]) -> list[Any]:
    """The arguments after the first ``given``, as far as the last of ``keywords``; defaults stand in between."""
    code = target.__code__
    names = code.co_varnames[given : code.co_argcount]
    defaults = target.__defaults__ or ()
    first = code.co_argcount - len(defaults)
    if not set(keywords) <= set(names) or code.co_posonlyargcount > given:
        raise refuse("an argument given by name is not one of those that can be given by position too")
    found = []
    for k, name in enumerate(names[: 1 + max(map(names.index, keywords))], start=given):
        if name not in keywords and k < first:
            raise refuse(f"{target.__qualname__} lacks the argument {name}")
        found.append(keywords[name] if name in keywords else thing_of(defaults[k - first]))
    return found


def parameters_of(target: types.FunctionType, things: list[Any]) -> dict[str, Any]:
    """The value of each parameter, by name, defaults included."""
    code = target.__code__
    if code.co_flags & 0x0C:
        raise refuse("it uses * or ** in the function's parameters")
    names = code.co_varnames[: code.co_argcount]
    defaults = target.__defaults__ or ()
    found = dict(zip(names, things, strict=False))
    for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True):
        found.setdefault(name, thing_of(default))
    for name in code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]:
        found[name] = thing_of((target.__kwdefaults__ or {}).get(name))
    if len(things) > len(names) or len(found) != len(names) + code.co_kwonlyargcount:
        raise refuse(f"{target.__qualname__} does not take {len(things)} arguments")
    if not any(type_.startswith("float") for thing in things for type_ in leaf_types(shape_of(thing))):
        raise refuse("no argument is, or holds, a float")
    return found


def captured(target: types.FunctionType) -> dict[str, Any]:
    """The numbers, as things, that a function takes from the function around it: arguments of the plan."""
    found = {}
    for name, cell in zip(target.__code__.co_freevars, target.__closure__ or (), strict=True):
        try:
            content = cell.cell_contents
        except ValueError:
            continue
        if type(content) in (float, int, bool, complex):
            found[name] = thing_of(content)
    return found
