"""Numbers that a program keeps from one run to the next, met again where it compares.

``if x == self.last: return self.value`` gives x the value that another number had. What an earlier run has kept has no
derivative any more, and is refused; within a run the two numbers must have the same derivatives (see ``equals``). A
number counts as kept if it stands in a variable, an attribute or a container that outlives the call and that the
program also writes: constants are left alone.
"""

from __future__ import annotations

import ast
import builtins
import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType, MemberDescriptorType, ModuleType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current, is_followed_subclass
from workbench.autodiff.equals import note_equal
from workbench.autodiff.location import is_engine_file, running_frame
from workbench.autodiff.met import by_class
from workbench.autodiff.scalars import TRACED, lost
from workbench.autodiff.source import node_of
from workbench.autodiff.structure import field, field_names
from workbench.autodiff.subarrays import DRESSED, real_part
from workbench.autodiff.surroundings import reachable
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import WRITTEN, contains_traced, plain
from workbench.errors import LostGradientError

NUMBERS = (float, int, np.float64)
"""Types of plain numbers."""

COMPARED = {*TRACED, *DRESSED}
"""Types that may be a traced number or text."""


@by_class
def _may_hold(kind: type) -> bool:
    """Whether something of a type may be, or hold where it is compared, a traced number or text."""
    return kind in COMPARED or issubclass(kind, _HOLDING) or hasattr(kind, "__dataclass_fields__")


_HOLDING = (tuple, list, dict)

_FIX = (
    "differentiate with new objects, or forget what they keep before, or keep results with functools.lru_cache, which"
    " is followed; where no derivative is wanted, compare workbench.stop_gradient(x)"
)


def watching(compare: Callable, says: bool) -> Callable:
    """``compare``, which answers ``says`` for what is equal, with a look at what was found to be equal."""

    differs = not says

    def apply(*args: Any, **kwargs: Any) -> Any:
        result = compare(*args, **kwargs)
        if result is differs or not OPEN.stack or len(args) < 2:
            return result
        a, b = args[:2] if _left_over(args[0]) or _left_over(args[1]) else map(current, args[:2])
        if result is says:
            if _may_hold(type(a)) or _may_hold(type(b)):
                found_equal(a, b)
        elif type(a) in COMPARED or type(b) in COMPARED:
            same = np.equal(result, says)
            if np.size(same) and np.all(same):
                found_equal(a, b)
            elif np.any(same):
                found_among(a, b)
                found_among(b, a)
        return result

    return apply


def found_equal(a: Any, b: Any) -> None:
    """``a`` and ``b`` were found to be equal, or close, by the program's running line.

    Raises:
        LostGradientError: one is traced, and the other a plain number that the program has kept from before.
    """
    for new, kept in ((a, b), (b, a)):
        if varies(new) and _left_over(kept):
            raise found_again("a generator, or something else that outlives a run,")
        place = _place_of_equal(new, kept) if varies(new) else None
        if place is None:
            continue
        if varies(kept):
            for x, y in _pairs(new, kept):
                note_equal(x, y)
            return
        raise found_again(place)
    for kept, asked in ((a, b), (b, a)):
        # of a plain number and a traced one, a memo gives one what the other has
        mixed = type(asked) in NUMBERS if varies(kept) else type(kept) in NUMBERS and type(asked) in TRACED
        frame = running_frame() if mixed else None
        if _is_asked(frame, asked) and place_of_kept(frame, kept, fresh=True) is not None:
            note_equal(kept, asked)


TOLERANCE = 1e-5
"""A distance that is compared with less than this is a test whether two numbers are the same."""


def _is_near(new: Any, kept: Any) -> bool:
    """Whether plain numbers are not equal to something traced, but so close that they were meant to be the same."""
    numbers = isinstance(kept, float) or (type(kept) is np.ndarray and kept.dtype.kind in "fc")
    if not numbers or varies(kept) or np.array_equal(plain(new), kept):
        return False
    return np.allclose(plain(new), kept, rtol=0.0, atol=TOLERANCE * np.max(np.abs(kept), initial=0.0))


def _place_of_equal(new: Any, kept: Any) -> str | None:
    """Where the program keeps what ``new`` is equal or close to, or the array that it has made a list or tuple of."""
    frame = running_frame()
    place = place_of_kept(frame, kept)
    if place is not None and (type(new) not in TRACED or np.array_equal(plain(new), plain(kept))):
        return place
    if type(new) in TRACED:
        return place_of_kept(frame, kept, slack=0.0) if _is_near(new, kept) else None
    pairs = ((x, y) for x, y in _pairs(new, kept) if type(x) in TRACED and isinstance(y, float))
    return next((place_of_kept(frame, y) for _, y in itertools.islice(pairs, 1)), None)


def found_among(x: Any, array: Any) -> None:
    """A traced number was found to be equal to elements of an array.

    Raises:
        LostGradientError: the array is a plain one that the program has kept from before.
    """
    if type(x) in TRACED and type(array) is np.ndarray and x.tape.open and not np.ndim(plain(x)):
        place = place_of_kept(running_frame(), float(np.real(plain(x))))
        if place is not None:
            raise found_again(place)


def _is_asked(frame: FrameType | None, x: Any) -> bool:
    """Whether ``x`` was given to the function of a frame."""
    if frame is None:
        return False
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount]
    return any(frame.f_locals.get(name) is x for name in names)


def found_again(place: str) -> LostGradientError:
    return lost(f"a traced number was found equal to the one that {place} has kept from before", fix=_FIX)


def _left_over(x: Any) -> bool:
    """Whether ``x`` is of a run that has ended, and stands where nobody could make a plain number of it."""
    return type(x) in TRACED and not x.tape.open


def varies(x: Any) -> bool:
    """Whether a traced number, or text of one, is in what is compared."""
    if type(x) in WRITTEN:
        return x.tape is not None
    return contains_traced(x) or any(contains_traced(part) for part, _ in _pairs(x, x))


def _pairs(a: Any, b: Any, depth: int = 4) -> Iterator[tuple[Any, Any]]:
    """What stands in the same places of two things that are equal."""
    if depth and isinstance(a, dict) and isinstance(b, dict):
        parts = [(part, dict.get(b, key)) for key, part in dict.items(a)]
    elif depth and isinstance(a, tuple | list):
        parts = zip(a, b, strict=False)
    elif depth and type(a) is type(b) and hasattr(type(a), "__dataclass_fields__"):
        parts = [(field(a, name), field(b, name)) for name in field_names(a)]
    else:
        yield a, b
        return
    for one, other in parts:
        yield from _pairs(one, other, depth - 1)


# ------------------------------------------------------------------------------------ what a program keeps

_NEVER_KEPT = (bool, int, type(None))


@dataclass(frozen=True)
class _Search:
    """What is looked for, and where.

    Attributes:
        kept: the number, array or container.
        most: objects that are looked into for each function.
        fresh: plain numbers that this run has put into attributes count.
        slack: how far an array may be from ``kept``, which what varies was found to be close to: then only what the
            running functions write themselves counts, as a solver writes where the next one is to begin. None where
            the two were found to be equal.
    """

    kept: Any
    most: int
    fresh: bool
    slack: float | None


def place_of_kept(
    frame: FrameType | None, kept: Any, *, fresh: bool = False, slack: float | None = None
) -> str | None:
    """Where the program keeps ``kept``; None for constants and for what does not outlive the call.

    ``fresh`` and ``slack`` are those of ``_Search``.
    """
    if frame is None or isinstance(kept, _NEVER_KEPT) or any(kept is c for c in frame.f_code.co_consts):
        return None
    counts, here = OPEN[-1].caches.setdefault(place_of_kept, {}), (frame.f_code, frame.f_lasti)
    counts[here] = count = counts.get(here, 0) + 1
    wanted = _Search(kept, _MOST if count < _OFTEN else _FEW, fresh, slack)
    running = _running(frame, 1 if varies(kept) else _CALLERS)
    return next(filter(None, (_place_of(function, wanted) for function in running)), None)


_CALLERS = 4
"""Functions on the way to a comparison of which one may keep what is compared."""
_MOST, _FEW, _OFTEN = 500, 12, 50
"""Objects that are looked into for each function, and where a comparison has found something equal so often."""


def _running(frame: FrameType | None, count: int) -> Iterator[FrameType]:
    """Frames of the program, innermost first, out of comprehensions and lambdas."""
    while frame is not None and count:
        inside = frame.f_code.co_name.startswith("<") or is_engine_file(frame.f_code.co_filename)
        if frame.f_code.co_name == "traced_pullback" or (inside and frame.f_back is None):
            return
        if not inside:
            count -= 1
            yield frame
        frame = frame.f_back


def _place_of(frame: FrameType, wanted: _Search) -> str | None:
    """Where the function of a frame keeps what is looked for."""
    code, stored = frame.f_code, _stored_in(frame.f_code)
    variables = frame.f_locals
    lasting = {*code.co_freevars, *code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]}
    for name in sorted(stored.variables):
        for space, shown in ((variables, name in lasting), (frame.f_globals, name not in variables)):
            if shown and name in space and _holds(space[name], wanted):
                return repr(name)
    owners = {}
    for name in (*variables, *code.co_names):
        if name in variables and name not in lasting and not _read_again(code, name, frame.f_lineno):
            continue  # an object that served to get here, from which nothing is taken any more
        owner = variables[name] if name in variables else frame.f_globals.get(name)
        owners.setdefault(id(owner), (name, owner))
    for part in itertools.islice(reachable([owner for _, owner in owners.values()]), wanted.most):
        if (found := _own_attribute(part, wanted, stored.attributes)) is not None:
            return f"{owners[id(part)][0] if id(part) in owners else '…'}.{found}"
    return None


@functools.lru_cache(maxsize=1024)
def _read_again(code: CodeType, name: str, line: int) -> bool:
    """Whether a function may read a variable from ``line`` on."""
    node = node_of(code)
    if not isinstance(node, ast.FunctionDef):
        return True
    nodes = (n for statement in _from(node.body, line) for n in ast.walk(statement))
    return any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load) for n in nodes)


def _from(block: list[ast.stmt], line: int) -> list[ast.stmt]:
    """The statements of a block that may run from ``line`` on, a loop around it from its beginning."""
    place = next((k for k, s in enumerate(block) if s.lineno <= line <= s.end_lineno), 0)
    statement = block[place]
    if isinstance(statement, ast.If | ast.With):
        for part in (statement.body, getattr(statement, "orelse", [])):
            if part and part[0].lineno <= line <= part[-1].end_lineno:
                return [*_from(part, line), *block[place + 1 :]]
    return block[place:]


def _own_attribute(owner: Any, wanted: _Search, names: frozenset[str]) -> str | None:
    """The attribute that holds what is looked for and that the program, or the object's methods, write."""
    owner = real_part(owner) if type(owner) in DRESSED else owner
    kind = type(owner)
    if kind in TRACED or (kind in _BUILT_IN and kind not in _OWNERS):
        return None
    if kind.__module__.startswith("workbench.autodiff."):
        return None  # a pullback, which keeps the constants of its own run
    module = isinstance(owner, ModuleType)
    homes = () if module else (owner if isinstance(owner, type) else kind).__mro__
    for name in names if module or wanted.slack is not None else names | _stored_by_methods(homes[0]):
        for value in _values(owner, homes, name):
            by_this_run = any((id(place), name) in tape.fresh for tape in OPEN for place in (owner, *homes))
            if (wanted.fresh or not by_this_run) and _holds(value, wanted, name in names):
                return name
    return None


def _values(owner: Any, homes: tuple[type, ...], name: str) -> Iterator[Any]:
    """What an object or its classes have stored under a name."""
    if name in (own := getattr(owner, "__dict__", {})):
        yield own[name]
    for cls in homes:
        if name in vars(cls) and type(found := vars(cls)[name]) not in (property, FunctionType):
            yield getattr(owner, name, None) if type(found) is MemberDescriptorType else found


_OWNERS = (type, FunctionType)
_BUILT_IN = frozenset(kind for kind in vars(builtins).values() if isinstance(kind, type))
_CONTAINERS = (list, tuple, dict, deque, set)


def _holds(x: Any, wanted: _Search, elements: bool = True) -> bool:
    """Whether what is looked for stands in ``x``, or, if ``elements`` count, is a number in an array there."""
    kept = wanted.kept
    array = _bare_array(kept)
    number = kept if elements and isinstance(kept, float) else None
    for part in itertools.islice(reachable([x.get(None) if type(x) is ContextVar else x]), wanted.most):
        if part is kept:
            return True
        if isinstance(part, _CONTAINERS):
            inside = (*part, *part.values()) if isinstance(part, dict) else part
            if id(kept) in map(id, inside):
                return True
        elif (own := _bare_array(part)) is not None and (
            _is_same(own, array, wanted.slack) if number is None else own.dtype.kind == "f" and number in own
        ):
            return True
    return False


def _is_same(a: np.ndarray, b: np.ndarray | None, slack: float | None) -> bool:
    if b is None or not slack:
        return b is not None and np.array_equal(a, b)
    return a.shape == b.shape and a.dtype.kind in "fc" and bool(np.all(np.abs(a - b) <= slack))


def _bare_array(x: Any) -> np.ndarray | None:
    """A plain array without its class, None for anything else."""
    if type(x) is np.ndarray:
        return x
    return np.ndarray.view(x, np.ndarray) if is_followed_subclass(type(x)) else None


@by_class
def _stored_by_methods(kind: type) -> frozenset[str]:
    """The names of attributes that methods of ``kind`` write after the object was made."""
    found: set[str] = set()
    for cls in kind.__mro__:
        for name, member in vars(cls).items():
            parts = (member, *(getattr(member, part, None) for part in ("fget", "fset", "func", "__func__")))
            if name not in ("__init__", "__new__", "__post_init__", "__setstate__"):
                found.update(
                    *(_stored_in(part.__code__).attributes for part in parts if type(part) is FunctionType)
                )
    return frozenset(found)


_CHANGING = frozenset("append appendleft extend insert setdefault update add set".split())


@dataclass(frozen=True)
class _Stored:
    """The names of the attributes, and of the shared variables, that a function writes or changes containers in."""

    attributes: frozenset[str]
    variables: frozenset[str]


@functools.lru_cache(maxsize=4096)
def _stored_in(code: CodeType) -> _Stored:
    attributes: set[str] = set()
    variables: set[str] = set()
    node = node_of(code)
    for target in () if node is None else _stores(node):
        if isinstance(target, ast.Name):
            variables.add(target.id)
        elif isinstance(target, ast.Attribute):
            attributes.add(target.attr)
        elif isinstance(target, ast.Constant) and type(target.value) is str:  # of setattr
            attributes.add(target.value)
    return _Stored(frozenset(attributes), frozenset(variables))


def _stores(function: ast.AST) -> Iterator[ast.AST]:
    """Shared variables and attributes that are written, and what a container that is written into stands in."""
    nodes = list(ast.walk(function))
    shared = {name for n in nodes if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
    for n in nodes:
        if isinstance(n, ast.Attribute | ast.Name | ast.Subscript) and isinstance(n.ctx, ast.Store):
            if not isinstance(n, ast.Name) or n.id in shared:
                yield n.value if isinstance(n, ast.Subscript) else n
        elif isinstance(n, ast.Call):
            called = getattr(n.func, "attr", getattr(n.func, "id", None))
            if called in _CHANGING and isinstance(n.func, ast.Attribute):
                yield n.func.value
            elif called in ("setattr", "__setattr__"):
                yield from n.args
