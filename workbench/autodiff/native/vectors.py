"""Loops over elements in generated Python: NumPy goes through the elements, and gives the bits of the loop.

Generated Python runs until machine code is there, and goes through arrays element by element. Where the iterations of
an innermost loop do not meet, ``with_vectors`` puts the loop's statements beside it, each for all elements at once:

    for i in range(n):                  if n >= SHORTEST and ...:
        t = float(x[i])         ->          t = taken(whole(x)[0:n])
        y[i] = 2.0 * t                      whole(y)[0:n] = 2.0 * t
                                        else:
                                            (the loop)

The order of additions decides the last bit, so contributions to one place are added in the loop's order (``added``),
and sums one term after the other (``running``). Whether places overlap is looked at when the loop is reached; if they
may, and for short arrays, the loop itself runs.
"""

from __future__ import annotations

import ast
import re
import types
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from workbench.autodiff.native.numba_text import alone, functions_of
from workbench.autodiff.native.runtime import PLAIN

SHORTEST = 16  # elements from which on NumPy is faster than a loop
NOT_OF_FLOATS = frozenset(
    "add_int apart claim clip_index count_range count_slice exact index length mul_int power_int room "
    "same scratch shift_right sub_int total truncate round_int floor ceil isnan isinf isfinite np Stop TapeFull inf "
    "nan".split()
)
BY_ELEMENT = frozenset(PLAIN) - NOT_OF_FLOATS - {"sqrt"}


class NotInWhole(Exception):
    """A loop has to run element by element."""


@dataclass
class Rewritten:
    """A module of generated Python with its loops in whole.

    Attributes:
        text: the module, with the functions that are in ``tree`` left out.
        tree: the others, as long as ``code`` has not been asked for: syntax takes much more memory than code.
        some: whether any loop was.
        quick: whether all innermost loops of the derivative were, and none calls a function for each element.
    """

    text: str
    tree: ast.Module | None
    some: bool
    quick: bool

    def code(self, name: str) -> list[types.CodeType]:
        """The module's code in two parts, compiled under this name; to be asked for once."""
        made = [compile(self.text, name, "exec"), compile(self.tree, name, "exec")]
        self.tree = None
        return made


def with_vectors(text: str, primals: Iterable[str]) -> Rewritten:
    """Generated Python whose innermost loops run in whole where they can.

    Args:
        text: a generated module.
        primals: the functions in it that no derivative runs.
    """
    primals, parts = set(primals), functions_of(text)
    looked_at = {name for name, part in parts.items() if _has_elements(part)}
    tree = ast.parse(alone(text, looked_at))
    quick = not any(" for " in parts[name] for name in parts.keys() - looked_at - primals)
    some = False
    for function in tree.body:
        scratch = {
            node.targets[0].id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and _name(node.value.func) == "scratch"
        }
        loops = _Loops({"tape", "shadow", *scratch}, _times_read(function))
        loops.visit(function)
        some = some or loops.some
        if function.name not in primals:
            quick = quick and loops.quick
    rest = alone(text, parts.keys() - looked_at)
    return Rewritten(rest, ast.fix_missing_locations(tree), some, some and quick)


def _has_elements(part: str) -> bool:
    """Whether a function has loops and elements. Its text is looked at: syntax takes long to read."""
    places = re.findall(r"\w\[(.*?)\]", part) if " for " in part else []
    return any(not re.fullmatch(r"pos( \+ \d+)?", place) for place in places)


def _times_read(node: ast.AST) -> Counter[str]:
    return Counter(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))


class _Loops(ast.NodeTransformer):
    def __init__(self, buffers: set[str], read: Counter[str]) -> None:
        self.buffers, self.read = buffers, read
        self.some, self.quick = False, True

    def visit_For(self, node: ast.For) -> ast.AST:
        if any(isinstance(inner, ast.For | ast.While) for part in node.body for inner in ast.walk(part)):
            return self.generic_visit(node)
        try:
            made = _Loop(node, self.buffers)
            inside = _times_read(node)
            later = {name for name, times in self.read.items() if times > inside[name]}
            statements, checks = [*made.statements(), *made.last(later)], made.checks()
        except NotInWhole:
            self.quick = False
            return node
        self.some = True
        self.quick = self.quick and not made.calls
        both = ast.If(_read(" and ".join([f"{made.n} >= {SHORTEST}", *checks])), statements, [])
        for part in ast.walk(both):
            ast.copy_location(part, node)
        both.orelse = [node]
        return both


@dataclass
class _Loop:
    """One loop: its range, its statements in whole, and what has to hold for them."""

    node: ast.For
    buffers: set[str]  # names of a tape, of cotangents, of scratch
    calls: bool = False  # whether a function is called for each element
    plain: list[tuple[str, str, str, bool]] = field(
        default_factory=list
    )  # array, slice, place of it, is a store
    sums: dict[str, list[ast.expr]] = field(default_factory=dict)
    contributions: list[tuple[str, ast.expr]] = field(
        default_factory=list
    )  # to cotangents: a place and numbers
    inside: list[str] = field(default_factory=list)  # conditions on indices
    count: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.node.target, ast.Name) or self.node.orelse:
            raise NotInWhole
        self.counter = self.node.target.id
        self.low, self.high, self.backwards = _bounds(self.node.iter)
        self.n = self.high if self.low == "0" else f"({self.high} - {self.low})"
        self.shifts = {self.counter: "0"}  # names for the counter and something
        self.vectors: set[str] = set()  # names with a number for each element
        self.body = self.node.body
        if not all(isinstance(s, ast.Assign | ast.AugAssign) for s in self.body) or not all(
            isinstance(target, ast.Name | ast.Subscript) for s in self.body for target in _targets(s)
        ):
            raise NotInWhole
        self.carried = self._carried()

    # -------------------------------------------------------------------------------- what goes from one to the next

    def _carried(self) -> set[str]:
        """The names that an iteration takes from the one before; those it hands on unchanged are left out."""
        assigned = [t.id for s in self.body for t in _targets(s) if isinstance(t, ast.Name)]
        met: set[str] = set()
        carried: set[str] = set()
        for s in self.body:
            read = {n.id for n in ast.walk(s.value) if isinstance(n, ast.Name)}
            read |= {n.id for t in _targets(s) for n in ast.walk(t) if isinstance(n, ast.Name)} - {
                t.id for t in _targets(s) if isinstance(t, ast.Name)
            }
            if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name):
                read.add(s.target.id)
            carried |= {name for name in read if name in assigned and name not in met}
            met |= {t.id for t in _targets(s) if isinstance(t, ast.Name)}
        for name in sorted(carried):
            moves = [s for s in self.body if name in {getattr(t, "id", "") for t in _targets(s)}]
            sources = {_name(s.value) for s in moves if isinstance(s, ast.Assign)}
            unchanged = all(
                isinstance(s, ast.Assign) and assigned.count(_name(s.value)) == 1 for s in moves
            ) and all(
                _name(s.value) == name
                for s in self.body
                for t in _targets(s)
                if isinstance(t, ast.Name) and t.id in sources
            )
            if unchanged:
                self.body = [s for s in self.body if s not in moves]
                carried = carried - {name}
        return carried

    # -------------------------------------------------------------------------------- statements

    def statements(self) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for position, s in enumerate(self.body):
            if isinstance(s, ast.AugAssign) and not isinstance(s.op, ast.Add):
                raise NotInWhole
            target = s.target if isinstance(s, ast.AugAssign) else s.targets[0]
            if isinstance(target, ast.Name):
                made += self._assigned(position, s, target.id)
            else:
                made += self._stored(s, target)
        for name, parts in self.sums.items():
            made.append(_read_statement(f"{name} = running({name}, {self.n}, (), {self.backwards})"))
            made[-1].value.args[2] = ast.Tuple(parts, ast.Load())
        if self.contributions:
            made.append(_read_statement(f"added(whole(shadow), {self.n}, (), {self.backwards})"))
            pairs = [ast.Tuple([_read(at), value], ast.Load()) for at, value in self.contributions]
            made[-1].value.args[2] = ast.Tuple(pairs, ast.Load())
        if not made:
            raise NotInWhole
        return made

    def last(self, names: set[str]) -> list[ast.stmt]:
        """What the loop leaves in names that are read elsewhere: the numbers of its last iteration."""
        place, counter = ("0", self.low) if self.backwards else ("-1", f"{self.high} - 1")
        made = [f"{name} = float({name}[{place}])" for name in sorted(self.vectors & names)]
        for name in sorted(self.shifts.keys() & names):
            shift = self.shifts[name]
            text = shift.removeprefix("next ") if shift.startswith("next ") else f"{counter} + {shift}"
            made.append(f"{name} = {text}")
        return list(map(_read_statement, made))

    def _assigned(self, position: int, s: ast.Assign | ast.AugAssign, name: str) -> list[ast.stmt]:
        if isinstance(s, ast.AugAssign) and name in self.carried:
            return self._summed(position, name, s.value, name)
        if isinstance(s, ast.Assign) and _is_sum_of(s.value, self.carried):
            total = s.value.left.id
            return self._summed(position, total, s.value.right, name)
        if isinstance(s, ast.Assign) and name in self.carried and f"next {name}" in self.shifts.values():
            if self.shifts.get(_name(s.value)) == f"next {name}":
                return []
            raise NotInWhole
        if name in self.carried:
            raise NotInWhole
        shift = self._shift(s.value)
        if isinstance(s, ast.Assign) and shift is not None:
            self.shifts[name] = shift
            self.vectors = self.vectors - {name}
            return []
        value, several = self._expression(s.value)
        if isinstance(s, ast.AugAssign):
            several = several or name in self.vectors
            value = ast.BinOp(ast.Name(name, ast.Load()), ast.Add(), value)
        self.vectors = self.vectors | {name} if several else self.vectors - {name}
        self.shifts.pop(name, None)
        return [ast.Assign([ast.Name(name, ast.Store())], value)]

    def _summed(self, position: int, total: str, term: ast.expr, name: str) -> list[ast.stmt]:
        """``total += term``, or ``name = total + term`` with ``total = name`` further down."""
        used = sum(isinstance(n, ast.Name) and n.id == total for s in self.body for n in ast.walk(s.value))
        if used != (0 if name == total and isinstance(self.body[position], ast.AugAssign) else 1):
            raise NotInWhole
        if name != total:
            reads = [
                k for k, s in enumerate(self.body) for n in ast.walk(s.value) if getattr(n, "id", "") == name
            ]
            last = self.body[reads[0]] if len(reads) == 1 else None
            if (
                last is None
                or reads[0] < position
                or _name(last.value) != name
                or _name(_targets(last)[0]) != total
            ):
                raise NotInWhole
            self.shifts[name] = f"next {total}"
        return [self._kept(self._expression(term)[0], self.sums.setdefault(total, []))]

    def _kept(self, value: ast.expr, parts: list[ast.expr]) -> ast.stmt:
        """Keep what is added at the end under a name that no program can have: its own names may change."""
        self.count += 1
        parts.append(ast.Name(f"part {self.count}", ast.Load()))
        return ast.Assign([ast.Name(f"part {self.count}", ast.Store())], value)

    def _stored(self, s: ast.Assign | ast.AugAssign, target: ast.expr) -> list[ast.stmt]:
        value, _ = self._expression(s.value)
        base, part, place = self._place(target)
        if isinstance(s, ast.AugAssign):
            if base != "shadow":
                raise NotInWhole
            parts: list[ast.expr] = []
            kept = self._kept(value, parts)
            self.contributions.append((place, parts[0]))
            return [kept]
        if any(at == place for at, _ in self.contributions) and base == "shadow":
            raise NotInWhole
        self.plain.append((base, part, place, True))
        return [_read_statement(f"{self._slice(base, part)} = 0", value)]

    # -------------------------------------------------------------------------------- expressions

    def _expression(self, node: ast.expr) -> tuple[ast.expr, bool]:
        """The expression for all elements, and whether it has a number for each."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        if names & self.carried or any(name in self.shifts and self._is_hidden(node, name) for name in names):
            raise NotInWhole
        if not names & (self.vectors | self.shifts.keys()):
            for part in ast.walk(node):
                if isinstance(part, ast.Subscript):
                    self._fixed_place(part)
            return node, False
        if isinstance(node, ast.Name):
            return ast.Name(node.id, ast.Load()), True
        if isinstance(node, ast.Subscript):
            return self._loaded(node), True
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return ast.UnaryOp(node.op, self._expression(node.operand)[0]), True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
            return ast.BinOp(self._expression(node.left)[0], node.op, self._expression(node.right)[0]), True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts = [self._expression(node.left)[0], self._expression(node.right)[0]]
            return ast.Call(ast.Name("quotient", ast.Load()), parts, []), True
        if isinstance(node, ast.Call) and not node.keywords:
            return self._called(node), True
        raise NotInWhole

    def _is_hidden(self, node: ast.expr, name: str) -> bool:
        """Whether a name for an index stands somewhere else than in an index."""
        indices = [
            n for part in ast.walk(node) if isinstance(part, ast.Subscript) for n in ast.walk(part.slice)
        ]
        return any(getattr(n, "id", "") == name and n not in indices for n in ast.walk(node))

    def _called(self, node: ast.Call) -> ast.expr:
        name = _name(node.func)
        if name == "float" and isinstance(node.args[0], ast.Subscript):
            return self._loaded(node.args[0])
        parts = [self._expression(arg)[0] for arg in node.args]
        if name == "abs":
            return ast.Call(node.func, parts, [])
        if name == "sqrt":
            return ast.Call(ast.Name("roots", ast.Load()), parts, [])
        if name not in BY_ELEMENT:
            raise NotInWhole
        self.calls = True
        return ast.Call(ast.Name("each", ast.Load()), [node.func, *parts], [])

    def _loaded(self, node: ast.Subscript) -> ast.expr:
        base, part, place = self._place(node)
        if base == "shadow" and self.contributions:
            raise NotInWhole
        self.plain.append((base, part, place, False))
        text = self._slice(base, part)
        return _read(text if base in self.buffers and base != "shadow" else f"taken({text})")

    # -------------------------------------------------------------------------------- places

    def _shift(self, node: ast.expr) -> str | None:
        """What is added to the counter, None if this is not the counter and something."""
        name = _name(node)
        if name:
            found = self.shifts.get(name)
            return None if found is None or found.startswith("next ") else found
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            left, right = self._shift(node.left), self._shift(node.right)
            sign = "+" if isinstance(node.op, ast.Add) else "-"
            if left is not None and right is None and self._is_fixed(node.right):
                return f"{left} {sign} ({ast.unparse(node.right)})".removeprefix("0 + ")
            if right is not None and left is None and sign == "+" and self._is_fixed(node.left):
                return f"({ast.unparse(node.left)}) + {right}".removesuffix(" + 0")
        if isinstance(node, ast.Call) and _name(node.func) == "index" and self._shift(node.args[0]) == "0":
            if not self._is_fixed(node.args[1]):
                raise NotInWhole
            self.inside.append(f"0 <= {self.low} and {self.high} <= {ast.unparse(node.args[1])}")
            return "0"
        return None

    def _is_fixed(self, node: ast.expr) -> bool:
        """Whether an index does not depend on the iteration."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        changing = self.vectors | self.shifts.keys() | self.carried
        changing |= {t.id for s in self.body for t in _targets(s) if isinstance(t, ast.Name)}
        return not names & changing and not any(isinstance(n, ast.Subscript) for n in ast.walk(node))

    def _place(self, node: ast.Subscript) -> tuple[str, str, str]:
        """The array, the slice of it that the loop goes through, and where that begins."""
        base = _name(node.value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if not base or not all(self._is_fixed(part) for part in parts[:-1]):
            raise NotInWhole
        shift = self._shift(parts[-1])
        if shift is None:
            raise NotInWhole
        first = shift if self.low == "0" else f"{self.low} + {shift}".removesuffix(" + 0")
        last = self.n if first == "0" else self.high if first == self.low else f"{first} + {self.n}"
        return base, ", ".join([*map(ast.unparse, parts[:-1]), f"{first} : {last}"]), first

    def _slice(self, base: str, part: str) -> str:
        """The elements of an array that the loop goes through."""
        return f"whole({base})[{part}]" if base in self.buffers else f"{base}[{part}]"

    def _fixed_place(self, node: ast.Subscript) -> None:
        """Note that one element is read which is the same for all iterations, as long as none writes it."""
        base, index = _name(node.value), ast.unparse(node.slice)
        if (
            not base
            or base == "shadow"
            or isinstance(node.slice, ast.Slice)
            or not self._is_fixed(node.slice)
        ):
            raise NotInWhole
        *others, last = map(
            ast.unparse, node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        )
        self.plain.append((base, ", ".join([*others, f"{last} : {last} + 1"]), index, False))

    def checks(self) -> list[str]:
        """What has to hold so that no iteration meets another."""
        texts = list(dict.fromkeys(self.inside))
        for base in self.buffers - {"shadow"}:
            if len({store for name, _, _, store in self.plain if name == base}) > 1:
                raise NotInWhole
        cotangents = list(dict.fromkeys((p, s) for base, _, p, s in self.plain if base == "shadow"))
        places = list(dict.fromkeys(p for p, _ in cotangents))
        adding = [p for p in dict.fromkeys(p for p, _ in self.contributions) if p not in places]
        stores = {p for p, store in cotangents if store}
        texts += [
            f"distant({self.n}, ({p},), ({q},))"
            for k, p in enumerate(places)
            for q in places[:k]
            if p in stores or q in stores
        ]
        if places and adding:
            texts.append(f"distant({self.n}, ({', '.join(places)},), ({', '.join(adding)},))")
        arrays = [one for one in self.plain if one[0] not in self.buffers]
        seen = set()
        for k, (base, part, _, store) in enumerate(arrays):
            for other, that, _, written in arrays[:k]:
                pair = frozenset(((base, part), (other, that)))
                if (store or written) and len(pair) == 2 and pair not in seen:
                    seen.add(pair)
                    parts = f"clear({base}[{part}], {other}[{that}])"
                    texts.append(parts if base == other else f"(clear({base}, {other}) or {parts})")
        return texts


def _bounds(node: ast.expr) -> tuple[str, str, bool]:
    """The first index, the one after the last, and whether the loop runs backwards."""
    if not isinstance(node, ast.Call) or _name(node.func) != "range":
        raise NotInWhole
    args = node.args
    if len(args) < 3:
        low = "0" if len(args) == 1 else ast.unparse(args[0])
        return low, ast.unparse(args[-1]), False
    first, last = args[0], args[1]
    if ast.unparse(args[2]) != "-1" or not _is_less_one(first):
        raise NotInWhole
    if ast.unparse(last) == "-1":
        return "0", ast.unparse(first.left), True
    if not _is_less_one(last):
        raise NotInWhole
    return ast.unparse(last.left), ast.unparse(first.left), True


def _is_less_one(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and ast.unparse(node.right) == "1"


def _is_sum_of(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _name(node.left) in names


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _targets(node: ast.Assign | ast.AugAssign) -> list[ast.expr]:
    return [node.target] if isinstance(node, ast.AugAssign) else node.targets


def _read(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _read_statement(text: str, value: ast.expr | None = None) -> ast.stmt:
    made = ast.parse(text).body[0]
    if value is not None:
        made.value = value
    return made
