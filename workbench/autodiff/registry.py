"""What the engine knows about functions: filled by ``workbench.rules`` and by users, read by ``resolve``.

Three kinds of knowledge, by callable:

- a *rule*: the value and the pullback of a primitive on plain values (``own_rules`` has those of users);
- a *door*: a function that stands in for another one and handles traced values itself (builtins, in-place functions);
- *partials* of an elementwise function, from which both scalar and array pullbacks are made.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# forward(needs, args, kwargs) -> (value, pullback); ``needs`` are the positions of the traced arguments, and
# pullback(value_bar) gives one cotangent for each of them. All arguments are plain, or traced by outer tapes.
Forward = Callable[[tuple[int, ...], tuple, dict], tuple[Any, Callable]]


@dataclass(frozen=True)
class Rule:
    """The derivative of one primitive.

    Attributes:
        primitive: the function the rule is about.
        forward: see ``Forward``.
        leaves: positions whose lists and tuples are searched for traced values, as array-likes.
    """

    primitive: Callable
    forward: Forward
    leaves: tuple[int, ...] = ()


# callable -> what is called in its stead in rewritten code
DOORS: dict[Any, Callable] = {}
# type of callable object -> makes the door of one such object
INSTANCE_DOORS: dict[type, Callable] = {}
# type -> the door of a bound compiled method of such an object: door(method, object)
OWNER_DOORS: dict[type, Callable] = {}
# module of functions that are all made alike, or package.* -> makes the door of one, None where it has none
MODULE_DOORS: dict[str, Callable] = {}
# type -> the number or array in such an object, for functions of numbers
NUMBERS: dict[type, Callable] = {}
# type -> makes such an object of a traced number, lift(number, other), for an operator between it and ``other``
LIFTS: dict[type, Callable] = {}
# type -> makes of such an object what can stand beside a traced value in an operator
OPERANDS: dict[type, Callable] = {}
# the engine's own types of objects that hold traced values -> whether such an object holds any
HOLDING: dict[type, Callable] = {}
RULES: dict[Any, Rule] = {}
# elementwise function -> one partial(m, y, *x) per operand; ``m`` is the namespace of functions to compute with
PARTIALS: dict[Any, tuple[Callable | None, ...]] = {}
# functions whose results are constants: no traced value enters them
NON_DIFFERENTIABLE: set[Any] = set()
# what users have registered themselves: programs that call it are traced, since generated code does not know of it
OWN: set[Any] = set()
# package -> the module with its rules, imported when the first function of the package is met in a program
WAITING: dict[str, str] = {}
_met: set[str | None] = set()  # modules whose functions have been met


def number_in(x: Any) -> Any:
    """The number or array in an object that holds one for functions of numbers (``NUMBERS``); anything else itself."""
    return NUMBERS[type(x)](x) if type(x) in NUMBERS else x


def learn(f: Any) -> bool:
    """Import the rules that wait for the package ``f`` comes from. Whether there were any.

    Rules that users have registered themselves are kept. Universal functions do not tell where they come from:
    for them everything is imported that waits for a package the program has imported already.
    """
    home = getattr(f.func if isinstance(f, functools.partial) else f, "__module__", None)
    home = home if type(home) is str else None  # some compiled methods have a descriptor there
    if home in _met and home is not None:
        return False
    if home is None:
        packages = [name for name in list(WAITING) if name in sys.modules]
    else:
        packages = [name for name in list(WAITING) if home == name or home.startswith(f"{name}.")]
    for name in packages:
        known = [dict(table) for table in (DOORS, RULES, PARTIALS)]
        importlib.import_module(WAITING[name])
        WAITING.pop(name, None)
        for table, before in zip((DOORS, RULES, PARTIALS), known, strict=True):
            table.update(before)
    _met.add(home)
    return bool(packages)


def lift_of(kind: type) -> Callable | None:
    """What makes objects of a type of traced numbers beside them, where its package has such a thing."""
    learn(kind)
    return LIFTS.get(kind)


def module_door(module: str | None) -> Callable | None:
    """What makes the doors of the functions in a module, or in its package."""
    if module in MODULE_DOORS:
        return MODULE_DOORS[module]
    return MODULE_DOORS.get(f"{(module or '').partition('.')[0]}.*")


def door(*originals: Any) -> Callable:
    """Decorator: the function stands in for ``originals`` in differentiated programs."""

    def register(function: Callable) -> Callable:
        for original in originals:
            DOORS[original] = function
        return function

    return register


def positions(function: Callable) -> list[str]:
    """The names of the parameters that may be given by position; none where compiled code does not tell them."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def put_in_position(names: Sequence[str], args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """What is given by name at its position, as far as the positions before it are filled."""
    kwargs = dict(kwargs)
    while len(args) < len(names) and names[len(args)] in kwargs:
        args = (*args, kwargs.pop(names[len(args)]))
    return args, kwargs


def by_position(function: Callable, door: Callable) -> Callable:
    """The door of ``function``, which gets by position what a program names, as in ``numpy.array(object=x)``."""
    names = positions(function)

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            args, kwargs = put_in_position(names, args, kwargs)
        return door(*args, **kwargs)

    return call


def by_name(function: Callable, door: Callable) -> Callable:
    """The door of ``function``, which gets by name what a program gives by position beyond what it takes so itself."""
    names, own = positions(function), door.__code__.co_argcount

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) > len(names):
            return function(*args, **kwargs)  # its own error
        return door(*args[:own], **dict(zip(names[own:], args[own:], strict=False)), **kwargs)

    return call


def add_rule(rule: Rule) -> None:
    """Make ``rule`` the one for its primitive."""
    from workbench.autodiff.application import ruled_call
    from workbench.autodiff.calls import forget

    forget(rule.primitive)
    RULES[rule.primitive] = rule
    DOORS[rule.primitive] = ruled_call(rule)


def non_differentiable(function: Callable) -> Callable:
    """Declare that the results of ``function`` are constants: its derivative is zero wherever it exists.

    Returns ``function`` itself, so that it can be used as a decorator. It gets plain numbers, in copies of the arrays
    and containers that hold traced ones; changing one of these is an error.
    """
    from workbench.autodiff.own_rules import constant_call

    add_constant(function, constant_call(function))
    OWN.add(function)
    return function


def add_constant(function: Callable, door: Callable | None = None) -> None:
    """Make the results of ``function`` constants."""
    from workbench.autodiff.application import constant_call
    from workbench.autodiff.calls import forget

    forget(function)
    NON_DIFFERENTIABLE.add(function)
    DOORS[function] = door or constant_call(function)
