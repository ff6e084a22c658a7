"""Writing numbers as text keeps the mark of a traced number, and reading numbers out of such text is refused."""

from __future__ import annotations

import ast
import decimal
import fractions
import functools
import io
import json
import logging
import pathlib
import pprint
import re
import reprlib
import string
import subprocess
import sys
import textwrap
import tokenize
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.indexing import TEXT_STREAMS, iterate
from workbench.autodiff.registry import DOORS, OWNER_DOORS, by_position, door
from workbench.autodiff.saved import BYTE_STREAMS, check_read, note_saved, note_text, saved_in
from workbench.autodiff.scalars import TRACED, lost
from workbench.autodiff.settling import note_going_on
from workbench.autodiff.tape import Tape
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.text import (
    ascii_of,
    format_of,
    lost_in_text,
    marked,
    repr_of,
    str_of,
    tape_in,
    written,
)

DOORS[repr], DOORS[ascii], DOORS[format] = repr_of, ascii_of, format_of


@door(str)
def str_(*args: Any, **kwargs: Any) -> str:
    """``str(x)``."""
    return str_of(*args) if len(args) == 1 and not kwargs else str(*args, **kwargs)


def _writes(function: Callable) -> None:
    """A function that returns text, or texts, made of its arguments: it gets plain numbers."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        text = function(*[plain(a) for a in args], **{k: plain(v) for k, v in kwargs.items()})
        return written(text, args, kwargs)

    DOORS[function] = call


for _function in (
    *(np.array2string, np.array_repr, np.array_str, np.format_float_positional, np.format_float_scientific),
    *(
        pprint.pformat,
        reprlib.repr,
        textwrap.dedent,
        textwrap.fill,
        textwrap.indent,
        textwrap.shorten,
        textwrap.wrap,
    ),
    *(
        re.sub,
        re.split,
        re.findall,
        string.capwords,
        string.Template.substitute,
        string.Template.safe_substitute,
    ),
):
    _writes(_function)


def _found(method: Callable, owner: Any) -> Callable:
    """A method of a pattern, or of what it found in a text."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return written(method(*args, **kwargs), getattr(owner, "string", None), args)

    return call


OWNER_DOORS[re.Pattern] = OWNER_DOORS[re.Match] = _found


def _saves(function: Callable, suffix: str = "") -> None:
    """A function that writes arrays into a file. A buffer in memory would be read again."""

    def call(file: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(file, io.BytesIO | io.StringIO) and contains_traced((args, kwargs)):
            raise lost("traced values were about to be written into a buffer")
        note_saved(file, args, kwargs, suffix=suffix)
        function(file, *[plain(a) for a in args], **{k: plain(v) for k, v in kwargs.items()})

    DOORS[function] = by_position(function, call)


_saves(np.save, ".npy")
_saves(np.savez, ".npz")
_saves(np.savez_compressed, ".npz")
_saves(np.savetxt)


def _loads(function: Callable) -> None:
    """A function that reads an array out of a file, or out of lines of text."""

    @functools.wraps(function, updated=())
    def call(file: Any, *args: Any, **kwargs: Any) -> Any:
        check_read(file)
        if tape_read(file) is not None:
            raise lost_in_text("an array")
        return function(file, *args, **kwargs)

    DOORS[function] = by_position(function, call)


for _function in (np.load, np.fromfile, np.loadtxt, np.genfromtxt):
    _loads(_function)

_buffers: weakref.WeakKeyDictionary[io.StringIO, weakref.ref] = weakref.WeakKeyDictionary()


def fill(stream: Any, *contents: Any) -> None:
    """A buffer or a file of text gets ``contents``: what is read out of it is marked from now on."""
    if type(stream) is io.StringIO:
        note_going_on(stream)
    if type(stream) in TEXT_STREAMS and (tape := tape_in(contents)) is not None:
        if type(stream) is io.TextIOWrapper:
            note_text(stream, tape)
        else:
            _buffers[stream] = weakref.ref(tape)


def tape_of(stream: Any) -> Tape | None:
    """The tape of the traced numbers that a buffer or a file of text got."""
    if type(stream) is io.TextIOWrapper or type(stream) in BYTE_STREAMS:
        return saved_in(stream)
    tape = _buffers[stream]() if type(stream) is io.StringIO and stream in _buffers else None
    return tape if tape is not None and tape.open else None


def tape_read(*sources: Any) -> Tape | None:
    """The tape of the traced numbers in what is about to be read: text, or buffers and files of text."""
    return tape_in(sources) or next(filter(None, map(tape_of, sources)), None)


def _of_stream(method: Callable, stream: Any) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        if method.__name__ == "writelines":
            args = tuple([*iterate(lines)] for lines in args)
        fill(stream, *args)
        return marked(method(*args, **kwargs), tape_of(stream))

    return call


OWNER_DOORS[io.StringIO] = OWNER_DOORS[io.TextIOWrapper] = _of_stream


@door(pathlib.Path.write_text)
def write_text(path: pathlib.Path, data: str, *args: Any, **kwargs: Any) -> int:
    """``path.write_text(data)``."""
    if (tape := tape_in(data)) is not None:
        note_text(path, tape)
    return path.write_text(data, *args, **kwargs)


@door(pathlib.Path.read_text)
def read_text(path: pathlib.Path, *args: Any, **kwargs: Any) -> str:
    """``path.read_text()``."""
    return marked(path.read_text(*args, **kwargs), saved_in(path))


@door(io.StringIO)
def buffer_(initial_value: str | None = "", newline: str | None = "\n") -> io.StringIO:
    """``io.StringIO(text)``."""
    buffer = io.StringIO(initial_value, newline)
    fill(buffer, initial_value)
    return buffer


@door(print)
def print_(*args: Any, file: Any = None, **kwargs: Any) -> None:
    """``print``."""
    fill(sys.stdout if file is None else file, *args)
    print(*args, file=file, **kwargs)


def reads(function: Callable, what: str) -> None:
    """A function that reads numbers out of text, or a buffer of text."""

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if tape_read(*args, *kwargs.values()) is not None:
            raise lost_in_text(what)
        return function(*args, **kwargs)

    DOORS[function] = call


reads(ast.literal_eval, "a value")
reads(json.load, "JSON")
reads(json.loads, "JSON")
reads(ord, "whole numbers")
reads(np.fromstring, "an array")
for _function in (
    subprocess.Popen,
    subprocess.run,
    subprocess.call,
    subprocess.check_call,
    subprocess.check_output,
):
    reads(_function, "the words of a command")


@door(tokenize.generate_tokens)
def tokens_(readline: Callable) -> Any:
    """``tokenize.generate_tokens(buffer.readline)``, as sympy reads formulas."""
    if tape_of(getattr(readline, "__self__", None)) is not None:
        raise lost_in_text("tokens of a formula")
    return tokenize.generate_tokens(readline)


@door(decimal.Decimal, decimal.Decimal.from_float)
def decimal_(value: Any = "0", context: decimal.Context | None = None) -> decimal.Decimal:
    """``decimal.Decimal(x)``: decimal numbers are not followed."""
    if type(value) in TRACED:
        raise lost(
            "a traced number was about to become a decimal number, which is not followed",
            fix="compute with floats, or, if no derivative is wanted here, pass workbench.stop_gradient(x)",
        )
    if tape_in(value) is not None:
        raise lost_in_text("a decimal number")
    return decimal.Decimal(value, context)


@door(fractions.Fraction, fractions.Fraction.from_float.__func__)
def fraction(*args: Any, **kwargs: Any) -> fractions.Fraction:
    """``fractions.Fraction``: a ratio of whole numbers, which do not vary."""
    args = args[args[:1] == (fractions.Fraction,) :]  # a method of the class
    if any(map(_is_text, args)):
        raise lost_in_text("a fraction")
    if any(type(x) in TRACED for x in args):
        raise lost(
            "a traced number was about to become a fraction, a ratio of whole numbers, which do not vary",
            fix="compute with the number itself, which equals its fraction (limit_denominator rounds it), or, if no"
            " derivative is wanted here, pass workbench.stop_gradient(x)",
        )
    return fractions.Fraction(*args, **kwargs)


def _is_text(x: Any) -> bool:
    return isinstance(x, str) and tape_in(x) is not None


def _logs(function: Callable) -> None:
    """Logging gets plain values, and still finds the program's line."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> None:
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
        function(*[plain(a) for a in args], **kwargs)

    DOORS[function] = call


for _name in ("debug", "info", "warning", "error", "critical", "exception", "log"):
    _logs(getattr(logging, _name))
    _logs(getattr(logging.Logger, _name))
