"""Code objects of rewritten programs: what ``rewrite`` makes of a syntax tree, compiled, with the doors put in.

A rewritten function is compiled inside of a factory that has its free variables for arguments. The new code object
keeps the original's file name, lines and columns (tracebacks look the same), its globals, its closure cells, its
default values. The doors themselves are constants of the code, so no name of the user's program can clash with them.
"""

from __future__ import annotations

import ast
import copy
import dis
import functools
import warnings
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType

from workbench.autodiff.recursion import deep_syntax
from workbench.autodiff.rewrite import DOOR, TEMPORARY, Rewriter
from workbench.autodiff.source import Located, locate

_FACTORY, _INNER = "<factory>", "<inner>"
_FUTURE = 0x1000000  # from __future__ import annotations


def _with_doors(code: CodeType, doors: dict[str, Callable], qualname: str) -> CodeType:
    """The code object with every door's name replaced by the door itself, in nested code too."""
    constants = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inside = constant.co_qualname.removeprefix(code.co_qualname)
            constant = _with_doors(constant, doors, qualname + inside)
        elif isinstance(constant, str) and constant.startswith(DOOR):
            constant = doors[constant[len(DOOR) :]]
        constants.append(constant)
    return code.replace(co_consts=tuple(constants), co_qualname=qualname)


@functools.cache
def names_in(code: CodeType) -> tuple[frozenset[str], bool]:
    """The names that code, and what is nested in it, looks up, and whether it stores any of them in its module."""
    names = set(code.co_names)
    stores = any(i.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for i in dis.get_instructions(code))
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            more, inside = names_in(inner)
            names, stores = names | more, stores or inside
    return frozenset(names), stores


_HANDING = tuple(
    "CACHE CALL COPY DICT_ EXTENDED_ARG IS_OP JUMP KW_NAMES LIST_ LOAD_CONST LOAD_DEREF LOAD_FAST LOAD_GLOBAL "
    "BUILD_ MAKE_CELL NOP NOT_TAKEN POP_JUMP POP_TOP PRECALL PUSH_NULL RESUME RETURN_ STORE_FAST SWAP TO_BOOL".split()
)


@functools.cache
def hands_on(code: CodeType) -> bool:
    """Whether code does nothing with its arguments but hand them to functions, as wrappers do that are made by text."""
    return all(i.opname.startswith(_HANDING) for i in dis.get_instructions(code))


def rewrite(function: FunctionType, doors: dict[str, Callable]) -> CodeType:
    """The code of ``function`` with every operation sent through ``doors``.

    Raises:
        SourceUnavailable: see ``source.locate``.
    """
    code = function.__code__
    with deep_syntax():
        tree = _in_factory(locate(function), code, function.__globals__)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "'str' object is not callable": the doors are not strings for long
        module = compile(tree, code.co_filename, "exec", dont_inherit=True, flags=code.co_flags & _FUTURE)
    factory = next(c for c in module.co_consts if isinstance(c, CodeType))
    inner = next(c for c in factory.co_consts if isinstance(c, CodeType))
    # Lines are counted from the first one, so that one stays as compiled: without the decorators' lines.
    return _with_doors(inner.replace(co_name=code.co_name), doors, code.co_qualname)


def rewritten_module(tree: ast.AST, filename: str, mode: str, doors: dict[str, Callable]) -> CodeType:
    """The code of a module or an expression, with every operation sent through ``doors``."""
    rewriter = Rewriter(frozenset(), None)
    rewriter.in_source = mode == "eval"  # no assignment expressions: their names would be the caller's
    new = rewriter.visit(copy.deepcopy(tree))
    used = sorted({n.id for n in ast.walk(new) if isinstance(n, ast.Name) and n.id.startswith(TEMPORARY)})
    if mode == "exec" and used:  # nor may they stay behind where a module runs
        bound: list[ast.expr] = [ast.Name(name, ast.Store()) for name in used]
        removed: list[ast.expr] = [ast.Name(name, ast.Del()) for name in used]
        first = sum(isinstance(s, ast.ImportFrom) and s.module == "__future__" for s in new.body)
        first += ast.get_docstring(tree) is not None
        new.body[first:] = [ast.Assign(bound, ast.Constant(None)), *new.body[first:], ast.Delete(removed)]
    code = compile(ast.fix_missing_locations(new), filename, mode, dont_inherit=True)
    return _with_doors(code, doors, code.co_qualname)


def _in_factory(located: Located, code: CodeType, namespace: dict) -> ast.Module:
    """A module holding ``def factory(<free variables>)`` around the rewritten function."""
    local = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    modules = frozenset(
        name for name in code.co_names if name not in local and isinstance(namespace.get(name), ModuleType)
    )
    node = copy.deepcopy(located.node)
    # Decorators have done their work, and default values stay with the function object.
    if not isinstance(node, ast.Lambda):
        node.decorator_list, node.returns = [], None
    node.args.defaults, node.args.kw_defaults = [], [None] * len(node.args.kwonlyargs)
    new = Rewriter(modules, located.class_name).visit(node)
    if isinstance(new, ast.Lambda):
        body: ast.stmt = ast.Return(new)
    else:
        new.name = _INNER  # its own name must stay a global where it is one
        body = new
    free = [ast.arg(name) for name in code.co_freevars]
    factory = ast.FunctionDef(
        name=_FACTORY,
        args=ast.arguments(posonlyargs=[], args=free, kwonlyargs=[], kw_defaults=[], defaults=[]),
        body=[body],
        decorator_list=[],
    )
    if hasattr(ast, "TypeAlias"):
        factory.type_params = []
    module = ast.Module([ast.copy_location(factory, node)], [])
    return ast.fix_missing_locations(module)


def with_code(function: FunctionType, code: CodeType) -> FunctionType:
    """A function like ``function``, sharing its globals, defaults and closure cells, that runs ``code``."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in code.co_freevars)
    new = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    new.__kwdefaults__ = function.__kwdefaults__
    new.__dict__.update(function.__dict__)
    for name in ("__qualname__", "__module__", "__doc__"):
        setattr(new, name, getattr(function, name))
    return new
