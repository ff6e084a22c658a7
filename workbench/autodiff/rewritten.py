"""The rewritten form of each function of a program: made once, and which functions have none.

The code of rewritten functions is known by its identity: equal code objects may come from different modules.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType

from workbench.autodiff.code_objects import rewrite
from workbench.autodiff.location import is_engine_file
from workbench.autodiff.source import FROZEN_COLLECTIONS, SourceUnavailable

# The rewritten code's operations by name; arithmetic.py, indexing.py, calls.py and others fill it.
REWRITTEN_DOORS: dict[str, Callable] = {"slice": slice}

# Packages whose Python code is not rewritten: they compute no derivatives, or have rules, or are the engine's own.
OPAQUE = frozenset(
    "abc argparse array ast asyncio atexit autograd builtins concurrent ctypes "
    "dataclasses datetime dis email encodings enum gc glob hashlib http importlib inspect io IPython ipykernel "
    "ipywidgets json jupyter_client keyword linecache locale logging matplotlib multiprocessing numba opcode os "
    "pathlib pickle pkgutil platform plotly posixpath pprint pydantic pytest queue re reprlib selectors "
    "signal site socket sqlite3 ssl struct subprocess sys textwrap threading time tokenize "
    "torch traceback types typing typing_extensions unittest urllib uuid warnings xml zipfile _pytest "
    "pluggy functools".split()
)
_OPAQUE_FUNCTIONS = frozenset({("collections", "namedtuple")})  # of a package that is followed otherwise
_FOLLOWED_MODULES = (
    *("autograd.numpy.", "autograd.scipy.", "autograd.differential_operators", "autograd.wrap_util"),
    "autograd.misc.flatten",
)  # fmt: skip
# functions of those packages that call code of the program, or copy its values
_FOLLOWED = frozenset({("dataclasses", name) for name in ("asdict", "astuple", "replace")})

MADE: dict[int, CodeType] = {}
"""Rewritten code by its id, kept alive."""

# id of code -> the code, kept alive, and its rewritten form, None if it stays as it is
_codes: dict[int, tuple[CodeType, CodeType | None]] = {}


def rewritten_code(f: FunctionType) -> CodeType | None:
    """The rewritten code of a function, None when it is to run as it stands."""
    code = f.__code__
    if id(code) in _codes:
        return _codes[id(code)][1]
    new = None
    if not is_opaque(f):
        try:
            new = rewrite(f, REWRITTEN_DOORS)
        except SourceUnavailable:
            new = (
                None  # it runs as it stands: its operators are still traced, and compiled code still refuses
            )
    _codes[id(code)] = code, new
    if new is not None:
        mark_rewritten(new)
    return new


def is_known(code: CodeType) -> bool:
    """Whether a function with this code has been met."""
    return id(code) in _codes


def mark_rewritten(code: CodeType) -> None:
    """Say that ``code``, and what is nested in it, is rewritten."""
    MADE[id(code)] = code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            mark_rewritten(constant)


def is_opaque(f: FunctionType) -> bool:
    """Whether a function is not to be rewritten."""
    filename = f.__code__.co_filename
    if is_engine_file(filename) or (filename.startswith("<frozen") and filename != FROZEN_COLLECTIONS):
        return True
    if (f.__module__ or "").startswith(_FOLLOWED_MODULES):
        return False
    package = (f.__module__ or "").partition(".")[0]
    here = package, f.__name__.strip("_").removesuffix("_inner")
    return here in _OPAQUE_FUNCTIONS or (package in OPAQUE and here not in _FOLLOWED)
