"""Files of a program that holds traced numbers: their bytes are not read again, and a copy remembers as they do."""

from __future__ import annotations

import codecs
import functools
import gzip
import io
import json
import os
import pathlib
import pickle
import shutil
from collections.abc import Callable
from typing import Any

from workbench.autodiff.arrays import current
from workbench.autodiff.compiled import compiled_door
from workbench.autodiff.indexing import TEXT_STREAMS, iterate
from workbench.autodiff.registry import DOORS, OWNER_DOORS, by_position, door
from workbench.autodiff.saved import BYTE_STREAMS, check_read, note_moved, note_saved, note_text, saved_in
from workbench.autodiff.scalars import TRACED, lost
from workbench.autodiff.settling import note_going_on
from workbench.autodiff.structure import leaves
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.text import marked, tape_in, written
from workbench.rules.text import fill

_READING = frozenset(
    "read read1 readall readline readlines readinto readinto1 peek getvalue getbuffer __next__".split()
)


def _of_bytes(method: Callable, stream: Any) -> Callable:
    name = method.__name__
    if name in _READING or (name == "fileno" and stream.readable()):  # which is read by other ways then
        check_read(stream)
    if type(stream) is io.BytesIO:
        note_going_on(stream)
    return compiled_door(method)


OWNER_DOORS.update(dict.fromkeys(BYTE_STREAMS, _of_bytes))


@door(open)
def open_file(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
    """``open``; what is written anew holds nothing of before."""
    opened = open(file, mode, *args, **kwargs)  # noqa: SIM115  the program closes it
    if "w" in mode:
        note_saved(file)
    return opened


@door(os.open)
def open_(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
    """``os.open``."""
    if not flags & os.O_WRONLY:
        check_read(path)
    return os.open(path, flags, *args, **kwargs)


@door(gzip.open)
def gzip_open(filename: Any, mode: str = "rb", *args: Any, **kwargs: Any) -> Any:
    """``gzip.open``; a file of text is followed as any."""
    if "r" in mode and "t" not in mode:
        check_read(filename)
    return gzip.open(filename, mode, *args, **kwargs)


def _of_codecs(method: Callable) -> None:
    """A method of what ``codecs.open`` gives."""

    @functools.wraps(method)
    def call(file: codecs.StreamReaderWriter, *args: Any) -> Any:
        args = tuple([*iterate(x)] if method.__name__ == "writelines" else x for x in args)
        if (tape := tape_in(args)) is not None:
            note_text(file, tape)
        return marked(method(file, *args), saved_in(file))

    DOORS[method] = call


for _name in ("write", "writelines", "read", "readline", "readlines", "__next__"):
    _of_codecs(getattr(codecs.StreamReaderWriter, _name))


def _reads(function: Callable) -> None:
    @functools.wraps(function, updated=())
    def call(file: Any, *args: Any, **kwargs: Any) -> Any:
        check_read(file)
        return function(file, *args, **kwargs)

    DOORS[function] = call


_reads(pickle.load)
_reads(pathlib.Path.read_bytes)


def _moves(function: Callable) -> None:
    """A function that copies a file, or gives it another name."""

    def call(src: Any, dst: Any, *args: Any, **kwargs: Any) -> Any:
        note_moved(src, dst)
        return function(src, dst, *args, **kwargs)

    DOORS[function] = by_position(function, call)


for _function in (os.rename, os.replace, os.link, pathlib.Path.rename, pathlib.Path.replace, shutil.copyfile):
    _moves(_function)


# ------------------------------------------------------------------------------------ JSON


def _told(obj: Any) -> Any:
    """What is written as JSON, with plain numbers.

    Raises:
        LostGradientError: there are traced numbers where it is not looked for them.
    """
    bare = plain(obj)
    if contains_traced(bare) or any(type(current(leaf)) in TRACED for leaf in leaves(bare)):
        raise lost("a traced value was about to be written as JSON")
    return bare


@door(json.dumps)
def dumps(obj: Any, **options: Any) -> str:
    """``json.dumps``, as logs have it: text, which is not read again."""
    return written(json.dumps(_told(obj), **options), obj)


@door(json.JSONEncoder.encode)
def encode(self: json.JSONEncoder, o: Any) -> str:
    """``json.JSONEncoder().encode(o)``."""
    return written(json.JSONEncoder.encode(self, _told(o)), o)


@door(json.dump)
def dump(obj: Any, fp: Any, **options: Any) -> None:
    """``json.dump``."""
    bare = _told(obj)
    if tape_in(obj) is not None and type(fp) not in TEXT_STREAMS:
        raise lost("a traced value was about to be written as JSON")
    fill(fp, obj)
    json.dump(bare, fp, **options)
