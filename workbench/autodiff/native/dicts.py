"""Dictionaries whose keys are constant strings: they come apart into their values, as tuples do.

A dictionary can be written into, and may have several names. A thing never changes: ``p["k"] = v`` gives ``p`` another
one. So a dictionary that is written into must have this one name: it was bound to what a display or a call has made
(``Dict.fresh``), and nowhere in the function is its name used otherwise than to read an entry, to hand it to a function
that does not give it back, or to return it. Dictionaries that are arguments, or entries of others, are only read.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native import arrays
from workbench.autodiff.native.naming import describe, name_leaves
from workbench.autodiff.native.normalise import RESULT
from workbench.autodiff.native.structures import Arr, Bound, Cplx, Dict, Lazy, Rec, Static, Tup, is_atom

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering

# ------------------------------------------------------------------------------------------- names


def name(low: Lowering, node: ast.Name) -> Any:
    """What a name stands for; a dictionary may have another name from now on."""
    thing = low.lookup(node.id, node)
    if isinstance(thing, Dict):
        _note_lent(low, node)
    return lent(thing)


def _note_lent(low: Lowering, node: ast.Name) -> None:
    scope = low.scope
    while node.id not in scope.vars:
        scope = scope.outer
    scope.lent.add(node.id)
    if node.id in scope.written:
        raise _has_two_names(low, node)


def _has_two_names(low: Lowering, node: ast.AST) -> Exception:
    return low.refuse("a dict is written into that may have another name", node)


def peek(low: Lowering, node: ast.expr, *, lazy: bool = False) -> Any:
    """What an expression stands for, where a dictionary is only read from."""
    if isinstance(node, ast.Name):
        return low.lookup(node.id, node)
    return low.evaluate(node, lazy=lazy)


def lent(thing: Any) -> Any:
    """A thing for somebody who must not write into it."""
    return Dict(thing.entries, fresh=False) if isinstance(thing, Dict) else thing


def returned(low: Lowering, node: ast.Assign) -> Any:
    """The dictionary that a function returns by its own name, which ends there; None for other statements."""
    (target, *others), value = node.targets, node.value
    if others or not isinstance(target, ast.Name) or target.id != RESULT or not isinstance(value, ast.Name):
        return None
    thing = low.scope.vars.get(value.id)
    return thing if isinstance(thing, Dict) else None


def makes(node: ast.Assign) -> bool:
    """Whether a statement binds one name to what a display or a call gives: if a dictionary, perhaps a fresh one."""
    return len(node.targets) == 1 and isinstance(node.value, ast.Dict | ast.DictComp | ast.Call)


def _is_own(thing: Any) -> bool:
    """Whether a result surely holds no dictionary that was there before."""
    if isinstance(thing, Tup | Rec):
        return all(map(_is_own, thing.items if isinstance(thing, Tup) else thing.fields.values()))
    if isinstance(thing, Dict):
        return thing.fresh and all(map(_is_own, thing.entries.values()))
    return is_atom(thing) or isinstance(thing, Arr | Lazy | Cplx | Static)


def after_call(low: Lowering, node: ast.Call, result: Any) -> None:
    """Dictionaries that were handed over may have another name now, if the result may hold them."""
    if _is_own(result):
        return
    for arg in node.args:
        if isinstance(arg, ast.Name) and isinstance(low.lookup(arg.id, arg), Dict):
            _note_lent(low, arg)


# ------------------------------------------------------------------------------------------- reading


def keys_of(thing: Any) -> Any:
    """What a loop over a thing goes through, where it is a dictionary."""
    return Tup(tuple(map(Static, thing.entries))) if isinstance(thing, Dict) else thing


def items(low: Lowering, thing: Any, node: ast.AST) -> tuple[Any, ...]:
    """What stands in a tuple, a list of constant length, or the keys of a dictionary."""
    thing = keys_of(thing)
    if not isinstance(thing, Tup):
        raise low.refuse(f"it goes through {describe(thing)}", node)
    return thing.items


def _key(low: Lowering, thing: Any, node: ast.AST) -> str:
    if isinstance(thing, Static) and type(thing.value) is str:
        return thing.value
    raise low.refuse("it uses a dict with a key that is not a constant string", node)


def entry(low: Lowering, thing: Dict, key: Any, node: ast.AST) -> Any:
    """``p["key"]``."""
    word = _key(low, key, node)
    if word not in thing.entries:
        low.stop(node)
    return lent(thing.entries[word])


def _entries(thing: Dict) -> dict[str, Any]:
    """The entries, for another dictionary that has them too."""
    return {key: lent(item) for key, item in thing.entries.items()}


def display(low: Lowering, node: ast.Dict) -> Dict:
    """``{"a": x, **others}``."""
    entries: dict[str, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None:
            word = _key(low, low.evaluate(key), key)
            entries[word] = low.evaluate(value)
            continue
        others = peek(low, value)
        if not isinstance(others, Dict):
            raise low.refuse("it uses ** of something other than a dict", value)
        entries |= _entries(others)
    return Dict(entries, fresh=True)


def comprehension(low: Lowering, node: ast.DictComp) -> Dict:
    """``{key: … for … in …}`` over what has a known length."""
    pair = ast.copy_location(ast.Tuple([node.key, node.value], ast.Load()), node)
    pairs = low.evaluate(ast.copy_location(ast.ListComp(pair, node.generators), node))
    return Dict({_key(low, item.items[0], node): item.items[1] for item in pairs.items}, fresh=True)


# ------------------------------------------------------------------------------------------- writing


def is_entry(low: Lowering, target: ast.Subscript) -> bool:
    """Whether a target is an entry of a dictionary."""
    return isinstance(target.value, ast.Name) and isinstance(low.lookup(target.value.id, target.value), Dict)


def write(low: Lowering, target: ast.Subscript, value: Any) -> None:
    """``p["key"] = value``."""
    word, thing = target.value.id, low.scope.vars.get(target.value.id)
    if not isinstance(target.slice, ast.Constant) or not isinstance(target.slice.value, str):
        raise low.refuse("a dict is written into with a key that is not written out", target)
    if not isinstance(thing, Dict) or not thing.fresh or word in low.scope.lent:
        raise _has_two_names(low, target)
    if isinstance(value, Lazy):
        value = arrays.materialise(low, value, target)
    low.scope.written.add(word)
    low.scope.vars[word] = Dict({**thing.entries, target.slice.value: value}, fresh=True)
    name_leaves(value, f"{word}_{target.slice.value}")


def update(low: Lowering, node: ast.AugAssign) -> None:
    """``p["key"] += value``."""
    old = ast.copy_location(ast.Subscript(node.target.value, node.target.slice, ast.Load()), node.target)
    new = low.evaluate(ast.copy_location(ast.BinOp(old, node.op, node.value), node))
    if not is_atom(new) and not isinstance(new, Cplx):
        raise low.refuse("a dict's entry that is no number is updated in place", node)
    write(low, node.target, new)


# ------------------------------------------------------------------------------------------- functions


def method(low: Lowering, thing: Dict, word: str, node: ast.AST) -> Bound:
    """A method of a dictionary."""
    if word not in ("get", "keys", "values", "items", "copy"):
        raise low.refuse(f"it uses the method {word} of a dict", node)
    base = getattr(node, "value", None)
    if isinstance(base, ast.Name):
        _note_lent(low, base)  # they show what is written later
    return Bound(Static(getattr(dict, word)), (thing,))


def called_method(low: Lowering, function: ast.expr) -> Bound | None:
    """``p.get`` or ``p.copy``, about to be called: they keep nothing of the dictionary; None for anything else."""
    if not isinstance(function, ast.Attribute) or function.attr not in ("get", "copy"):
        return None
    thing = peek(low, function.value) if isinstance(function.value, ast.Name) else None
    return Bound(Static(getattr(dict, function.attr)), (thing,)) if isinstance(thing, Dict) else None


def reader_of(target: Any) -> Callable[..., Any] | None:
    """What reads a call that concerns dictionaries."""
    try:
        return _READERS.get(target)
    except TypeError:
        return None


def _get(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Any:
    thing, key, *default = args
    return lent(thing.entries.get(_key(low, key, node), default[0] if default else Static(None)))


def _dict(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Dict:
    if len(args) > 1 or not all(isinstance(arg, Dict) for arg in args):
        raise low.refuse("it makes a dict of something other than a dict and names", node)
    return Dict({**(_entries(args[0]) if args else {}), **keywords}, fresh=True)


def _of(read: Callable[[Dict], Any]) -> Callable[..., Any]:
    return lambda low, args, keywords, node: read(args[0])


_READERS: dict[Any, Callable[..., Any]] = {
    dict: _dict,
    dict.get: _get,
    dict.copy: _of(lambda thing: Dict(_entries(thing), fresh=True)),
    dict.keys: _of(keys_of),
    dict.values: _of(lambda thing: Tup(tuple(_entries(thing).values()))),
    dict.items: _of(lambda thing: Tup(tuple(Tup((Static(k), v)) for k, v in _entries(thing).items()))),
}
