"""The intermediate form: three-address operations in structured blocks, every value assigned once.

A block is a straight list of nodes. Branches and loops are nodes that own blocks; what leaves a block does so
through its ``yields``, and what a loop carries from iteration to iteration enters its body through ``params``. So
a value never changes once it has been computed, an alias costs nothing, and "is this value still there when the
backward sweep needs it?" has one answer per block: it is pushed at the end of its block, or computed again.

An atom is a ``Value`` or a Python number. Types are the strings ``"float"``, ``"int"``, ``"bool"``, and for arrays
these with the number of dimensions, ``"float[2]"``. An array is a value too, but its elements change: ``Load`` and
``Store`` stay in the order of the program. Nodes and blocks refer to each other in circles: their ``repr`` is their
identity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Number = float | int | bool


@dataclass(eq=False, repr=False, slots=True)
class Value:
    """One number computed by the program; ``hint`` is the name the program gives it, "" for intermediate results."""

    type: str
    hint: str = ""
    block: Block | None = None
    node: Any = None


Atom = Value | float | int | bool


@dataclass(eq=False, repr=False)
class Block:
    """A list of nodes, the values it takes (``params``) and the atoms it hands on (``yields``)."""

    parent: Block | None = None
    nodes: list[Any] = field(default_factory=list)
    params: list[Value] = field(default_factory=list)
    yields: list[Atom] = field(default_factory=list)
    known: dict[Any, Value] = field(default_factory=dict)
    dead: bool = False


@dataclass(eq=False, repr=False)
class Op:
    """``out = name(args)``, see ``primitives``."""

    out: Value
    name: str
    args: list[Atom]
    line: int
    text: str = ""  # how it is written, where the table does not know: views of arrays


@dataclass(eq=False, repr=False)
class Load:
    """``out = data[index]``. ``at`` and ``strides`` say where the element's cotangent is kept.

    ``root`` and ``since`` tell arrays apart that cannot overlap, see ``structures.Arr``.
    """

    out: Value
    data: Value
    index: list[Atom]
    at: Atom
    strides: list[Atom]
    line: int
    root: int | None
    since: int


@dataclass(eq=False, repr=False)
class Store:
    """``data[index] = value``; see ``Load``."""

    data: Value
    index: list[Atom]
    value: Atom
    at: Atom
    strides: list[Atom]
    line: int
    root: int | None
    since: int


@dataclass(eq=False, repr=False)
class Call:
    """``outs = callee(args)``, a call of another function of the program."""

    outs: list[Value]
    callee: Any
    args: list[Atom]
    line: int


@dataclass(eq=False, repr=False)
class If:
    """A branch. ``outs`` are the yields of the block that ran."""

    cond: Value
    then: Block
    orelse: Block
    outs: list[Value]
    line: int


@dataclass(eq=False, repr=False)
class Loop:
    """A loop. ``outs`` are the carried values after the last iteration, ``inits`` before the first.

    With ``bounds`` = (start, stop, step) it counts and ``index`` is the counter; without, it runs as long as the
    yield of ``test`` (a block of its own, evaluated before each iteration) holds. ``until`` is an atom of ``body``:
    the loop is left after the iteration in which it holds. ``count`` is the number of iterations run. ``whole`` marks
    the loop over the elements of a whole-array expression, ``aside`` one that is no work of the program's own.
    ``between`` is an array that this loop reads, each element once, and nothing else does.
    """

    inits: list[Atom]
    body: Block
    outs: list[Value]
    line: int
    bounds: tuple[Atom, Atom, Atom] | None = None
    index: Value | None = None
    test: Block | None = None
    until: Atom = False
    count: Value | None = None
    whole: bool = False
    aside: bool = False
    between: Value | None = None


@dataclass(eq=False, repr=False)
class Stop:
    """The program raises here (or Python would): the sweep is abandoned, the program is run again as it is."""

    line: int


class DeadError(Exception):
    """The statement just read never lets control through."""


def type_of(atom: Atom) -> str:
    """The type of an atom."""
    return atom.type if isinstance(atom, Value) else type(atom).__name__


def is_array(atom: Atom) -> bool:
    """Whether an atom is an array."""
    return isinstance(atom, Value) and "[" in atom.type


def is_float_array(atom: Atom) -> bool:
    """Whether an atom is an array whose elements have cotangents."""
    return isinstance(atom, Value) and atom.type.startswith("float[")


def are_apart(a: Any, b: Any) -> bool:
    """Whether two arrays, or what is read from or written to them, surely do not overlap."""
    if a.root is not None and b.root is not None:
        return a.root != b.root
    return (a.root or 0) > b.since or (b.root or 0) > a.since  # one was made when the other was there


def has_memory(block: Block) -> bool:
    """Whether float arrays are read, written or handed on in a block."""
    return any(
        isinstance(node, Load | Store)
        or (isinstance(node, Call) and any(map(is_float_array, [*node.args, *node.outs])))
        or any(map(has_memory, blocks_of(node)))
        for node in block.nodes
    )


def blocks_of(node: Any) -> tuple[Block, ...]:
    """The blocks a node owns."""
    if isinstance(node, If):
        return node.then, node.orelse
    if isinstance(node, Loop):
        return (node.body,) if node.test is None else (node.test, node.body)
    return ()


def outs_of(node: Any) -> list[Value]:
    """The values a node defines in the block it stands in."""
    if isinstance(node, Op | Load):
        return [node.out]
    if isinstance(node, Loop):
        return node.outs if node.count is None else [*node.outs, node.count]
    return getattr(node, "outs", [])


def atoms_of(node: Any) -> list[Atom]:
    """The atoms a node reads in the block it stands in."""
    if isinstance(node, Op | Call):
        return node.args
    if isinstance(node, Load):
        return [node.data, *node.index]
    if isinstance(node, Store):
        return [node.data, *node.index, node.value]
    if isinstance(node, If):
        return [node.cond]
    if isinstance(node, Loop):
        return [*node.inits, *(node.bounds or ())]
    return []
