"""A program while it is read: its functions, each for some kinds of arguments, and what it takes from outside."""

from __future__ import annotations

import types
from dataclasses import dataclass, field
from typing import Any

from workbench.autodiff.native.fence import check_syntax
from workbench.autodiff.native.ir import Atom, Block, Call, If, Loop, Op, Value
from workbench.autodiff.native.read import Source, read
from workbench.autodiff.native.scopes import Scope
from workbench.autodiff.native.shapes import join_shapes, shape_of
from workbench.autodiff.native.structures import Arr, Local, leaves


@dataclass(eq=False)
class Function:
    """One function of the program, for one kind of arguments."""

    name: str
    source: Source | None  # None once the program has been read
    params: list[Value] = field(default_factory=list)
    block: Block | None = None
    result: Any = None  # shape; None while unknown
    finished: bool = False
    recursive: bool = False
    home: Any = None  # the scope it was defined in, if inside of another function
    outside: dict[Any, Any] = field(default_factory=dict)  # place -> what holds its arrays, parameters of it
    arrays: list[Arr] = field(default_factory=list)  # parameters that are arrays, each apart from all others


MOST_VARIANTS = 4
_ARITHMETIC = frozenset(
    {"add", "sub", "mul", "div", "neg", "to_float"}
)  # of Python's numbers one of Python's


def _made_of(value: Value) -> list[Atom] | None:
    """The numbers whose kind a value has; None where nothing is known of it."""
    node = value.node
    if isinstance(node, If):
        k = node.outs.index(value)
        return [node.then.yields[k], node.orelse.yields[k]]
    if isinstance(node, Loop):
        for carried in (node.body.params, node.outs):
            if value in carried:
                k = carried.index(value)
                return [node.inits[k], node.body.yields[k]]
        return [] if value is node.index else None  # what a loop counts is Python's
    if isinstance(node, Call) and value in node.outs:
        return [node.callee.block.yields[node.outs.index(value)]]
    return node.args if isinstance(node, Op) and node.name in _ARITHMETIC else None


def _numbers(thing: Any) -> Any:
    """The numbers of a thing, when all are constants."""
    found = leaves(thing)
    return (
        None if any(isinstance(leaf, Value) for leaf in found) else tuple((type(n), repr(n)) for n in found)
    )


@dataclass
class Program:
    """All functions of a program, and the outside values they were read with."""

    functions: dict[Any, Function] = field(default_factory=dict)
    writes_inputs: bool = False
    widened: bool = False  # whether a number is complex here that is real on some path
    widened_kinds: bool = (
        False  # whether a float or integer here is an integer, or a truth value, on some path
    )
    asked_kinds: bool = False  # whether it asks a number for its class
    counts_truths: bool = (
        False  # whether it adds truth values, say: Python's are numbers then, and NumPy's are not
    )
    numpy: bool = False  # whether NumPy takes part: then Python's numbers come out as NumPy's
    of_python: set[Value] = field(default_factory=set)  # what math and float gave: Python's numbers
    of_others: set[Value] = field(default_factory=set)  # what NumPy's functions gave; one value may be both
    guards: dict[tuple[int, str], tuple[Any, str, Any]] = field(default_factory=dict)

    # The places outside that hold arrays: their contents are handed over at each call, after the arguments.
    outside: dict[tuple[int, str], tuple[Any, str, Any]] = field(default_factory=dict)
    outside_roots: set[int] = field(default_factory=set)
    writes_anywhere: bool = False  # whether an array is written into that may be any of those it has

    def is_of_python(self, atom: Atom) -> bool:
        """Whether a number is surely one of Python's, though the program has NumPy's too: all that it is made of is."""
        seen: set[Atom] = set()
        waiting = [atom]
        while waiting:
            one = waiting.pop()
            if one in seen or not isinstance(one, Value):
                continue
            seen.add(one)
            if one not in self.of_python or one in self.of_others:
                made_of = None if one in self.of_others else _made_of(one)
                if made_of is None:
                    return False
                waiting += made_of
        return True

    def watch(self, home: Any, name: str, value: Any) -> None:
        """Note that ``name`` in ``home`` (names, a cell, an object) was taken to be ``value``."""
        self.guards[id(home), name] = (home, name, value)

    def let_go(self, closure: tuple[types.CellType, ...]) -> None:
        """Forget the functions that were read, once that is done: the arrays of a closure shall not outlive it, and the
        syntax of a file takes more memory than all that is kept.

        What is known of them by its identity (``guards``) stays.
        """
        own = {id(cell) for cell in closure}
        self.outside = {
            place: (None if id(home) in own else home, *rest) for place, (home, *rest) in self.outside.items()
        }
        self.functions = dict(enumerate(self.functions.values()))
        for function in self.functions.values():
            function.source = function.home = None

    def constants(self, function: types.FunctionType, args: dict[str, Any]) -> frozenset[str]:
        """The arguments of a call that the callee is read with as constants.

        Not where the function is being read already: a recursion would be written out.
        """
        definition = function.definition if isinstance(function, Local) else None
        variants = [
            made
            for made in self.functions.values()
            if (
                made.source.definition is definition
                if definition is not None
                else made.source.function is function
            )
        ]
        if len(variants) >= MOST_VARIANTS or any(not made.finished for made in variants):
            return frozenset()
        return frozenset(
            name for name, thing in args.items() if leaves(thing) and _numbers(thing) is not None
        )

    def specialise(
        self,
        function: types.FunctionType | Local,
        args: dict[str, Any],
        constants: frozenset[str] = frozenset(),
        *,
        within: Scope | None = None,
    ) -> Function:
        """The function for arguments of these shapes; those named in ``constants`` with the numbers they have."""
        roots = [thing.root for thing in args.values() if isinstance(thing, Arr)]
        apart = None not in roots and len(set(roots)) == len(roots)
        apart = apart and self.outside_roots.isdisjoint(roots)
        key = (
            function.definition if isinstance(function, Local) else function,
            apart,
            tuple(
                (name, shape_of(thing), _numbers(thing) if name in constants else ())
                for name, thing in args.items()
            ),
        )
        from workbench.autodiff.native.lower import Lowering

        if key in self.functions:
            return self.functions[key]
        if isinstance(function, Local):
            source = Source(within.function, function.definition, within.file)
        else:
            source = read(function)
            check_syntax(source.definition, source.file)
        made = self.functions[key] = Function(source.name, source)
        made.home = function.scope if isinstance(function, Local) else None
        while True:
            before = list(self.functions)
            made.recursive = False
            places = list(made.outside)
            result = Lowering(self, made).function(args, constants, apart)
            if not made.recursive or (result == made.result and places == list(made.outside)):
                break
            if made.result is not None:
                result = join_shapes(made.result, result)
            made.result = result
            for later in [other for other in self.functions if other not in before]:
                del self.functions[later]
        made.result, made.finished = result, True
        return made
