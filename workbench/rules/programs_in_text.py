"""Programs that a program has in text, and runs with ``eval`` or ``exec``: they are rewritten like any other."""

from __future__ import annotations

import ast
import functools
import warnings
from collections.abc import Callable
from types import CodeType
from typing import Any

import numpy as np

from workbench.autodiff.code_objects import rewritten_module, with_code
from workbench.autodiff.location import running_frame, user_frame
from workbench.autodiff.registry import door
from workbench.autodiff.rewritten import MADE, REWRITTEN_DOORS, mark_rewritten, rewritten_code
from workbench.autodiff.scalars import lost
from workbench.autodiff.tape import OPEN
from workbench.autodiff.text import refuse_text

_MODES = frozenset({"eval", "exec"})


def program_text(source: Any, mode: str) -> Any:
    """What ``eval`` or ``exec`` is given.

    Raises:
        LostGradientError: the text holds a traced number, or it was compiled outside of the differentiated program.
    """
    refuse_text(source, "a program")
    if not OPEN:
        return source
    if type(source) is str:
        return _rewritten(source.lstrip(" \t") if mode == "eval" else source, "<string>", mode)
    if isinstance(source, CodeType) and id(source) not in MADE:
        raise lost(
            f"code that was compiled before was about to be run by {mode}",
            fix="give the text to eval or exec, or compile it inside of the differentiated program",
        )
    return source


@functools.lru_cache(maxsize=512)
def _rewritten(source: str, filename: str, mode: str) -> CodeType:
    return _of_tree(ast.parse(source, filename, mode), filename, mode)


def _of_tree(tree: ast.AST, filename: str, mode: str) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the doors are not strings for long
        code = rewritten_module(tree, filename, mode, REWRITTEN_DOORS)
    mark_rewritten(code)
    return code


@door(compile)
def compile_(source: Any, filename: Any, mode: str, flags: int = 0, *args: Any, **kwargs: Any) -> Any:
    """``compile``: what it makes inside of a differentiated program is rewritten."""
    refuse_text(source, "a program")
    if not OPEN or flags or mode not in _MODES or type(filename) is not str:
        return compile(source, filename, mode, flags, *args, **kwargs)
    if type(source) is str:
        return _rewritten(source, filename, mode)
    return (
        _of_tree(source, filename, mode) if isinstance(source, ast.AST) else compile(source, filename, mode)
    )


def _runner(function: Callable, mode: str) -> None:
    """``eval`` or ``exec`` that is called by another name, or handed on: the caller's names are looked up here."""

    @door(function)
    def call(source: Any, *namespaces: Any, **kwargs: Any) -> Any:
        if not namespaces and (frame := user_frame()) is not None:
            namespaces = (frame.f_globals, frame.f_locals)
        return function(program_text(source, mode), *namespaces, **kwargs)


_runner(eval, "eval")
_runner(exec, "exec")
REWRITTEN_DOORS["program_text"] = program_text


@door(np.bmat)
def bmat(obj: Any, ldict: dict | None = None, gdict: dict | None = None) -> Any:
    """``numpy.bmat``, whose text names the blocks that the program has where it calls it."""
    if isinstance(obj, str) and gdict is None:
        frame = running_frame()
        ldict, gdict = frame.f_locals, frame.f_globals
    return with_code(np.bmat, rewritten_code(np.bmat))(obj, ldict, gdict)
