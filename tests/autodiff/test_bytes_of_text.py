"""Text of traced numbers that leaves the program as bytes, or through compiled code, and is read again."""

import codecs
import contextlib
import decimal
import gzip
import io
import json
import mmap
import operator
import os
import pickle
import shutil
import sqlite3
import string
import subprocess
import tempfile

import numpy as np
import pytest

from workbench import gradient
from workbench.errors import LostGradientError


def _put(path, x, name="number.txt"):
    with open(path / name, "w") as file:
        file.write(f"{x:.15f}")
    return path / name


def read_whole(path, x):
    with open(_put(path, x), "rb") as file:
        return float(file.read())


def read_by_lines(path, x):
    with open(_put(path, x), "rb") as file:
        return sum(float(line.decode()) for line in file)


def read_one_line(path, x):
    with open(_put(path, x), "rb") as file:
        return float(next(file))


def read_into(path, x):
    memory = bytearray(17)
    with open(_put(path, x), "rb", buffering=0) as file:
        file.readinto(memory)
    return float(bytes(memory))


def mapped(path, x):
    with open(_put(path, x), "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        return float(memory[:])


def by_the_system(path, x):
    file = os.open(_put(path, x), os.O_RDONLY)
    found = os.read(file, 99)
    os.close(file)
    return float(found)


def behind_the_text(path, x):
    with open(path / "number.txt", "w+") as file:
        file.write(repr(x))
        file.seek(0)
        return float(file.buffer.read())


def in_memory(path, x):
    memory = io.BytesIO()
    file = io.TextIOWrapper(memory)
    file.write(repr(x))
    file.flush()
    return float(memory.getvalue())


def spooled(path, x):
    with tempfile.SpooledTemporaryFile(mode="w+") as file:
        file.write(repr(x))
        file.seek(0)
        return float(file.read())


def encoded(path, x):
    with codecs.open(path / "number.txt", "w", "utf8") as file:
        file.write(repr(x))
    return float((path / "number.txt").read_text())


def compressed(path, x):
    with gzip.open(path / "number.gz", "wt") as file:
        file.write(repr(x))
    with gzip.open(path / "number.gz") as file:
        return float(file.read())


def renamed(path, x):
    os.replace(_put(path, x), path / "other.txt")
    return float((path / "other.txt").read_bytes())


def copied(path, x):
    shutil.copy(_put(path, x), path / "other.txt")
    return float((path / "other.txt").read_text())


def lines_one_by_one(path, x):
    with open(path / "lines.txt", "w") as file:
        file.writelines(f"{k * x}\n" for k in range(3))
    with open(path / "lines.txt") as file:
        return sum(map(float, file))


def dumped_in_a_file(path, x):
    with open(path / "number.json", "w") as file:
        json.dump({"x": x}, file)
    with open(path / "number.json", "rb") as file:
        return json.load(file)["x"]


def saved_and_read(path, x):
    np.save(path / "number.npy", np.array([x]))
    with open(path / "number.npy", "rb") as file:
        return np.frombuffer(file.read()[-8:])[0]


def in_a_database(path, x):
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        return connection.execute(f"select {x!r}").fetchone()[0]


PROGRAMS = {
    **{f.__name__: f for f in (read_whole, read_by_lines, read_one_line, read_into, mapped, by_the_system)},
    **{f.__name__: f for f in (behind_the_text, in_memory, spooled, encoded, compressed, renamed, copied)},
    **{f.__name__: f for f in (lines_one_by_one, dumped_in_a_file, saved_and_read, in_a_database)},
    "bytes": lambda path, x: float(bytes(f"{x}", "ascii")),
    "bytearray": lambda path, x: float(bytearray(f"{x}", "ascii")),
    "pickled": lambda path, x: float(pickle.loads(pickle.dumps(f"{x}"))),
    "text in JSON": lambda path, x: float(json.loads(json.JSONEncoder().encode([f"{x}"]))[0]),
    "number in JSON": lambda path, x: json.loads(json.JSONEncoder().encode([x]))[0],
    "method of the class": lambda path, x: float(str.strip(f" {x}")),
    "mapped method": lambda path, x: sum(map(float, map(str.strip, [f" {x}"]))),
    "joined by the class": lambda path, x: float(str.join("", [f"{x}"])),
    "concatenated": lambda path, x: float(operator.concat(f"{x}", "0")),
    "formatter": lambda path, x: float(string.Formatter().format("{0!r}", x)),
    "decimal": lambda path, x: float(decimal.getcontext().create_decimal(f"{x}")),
    "command": lambda path, x: float(
        subprocess.run(["echo", f"{x}"], capture_output=True, check=True, text=True).stdout
    ),
}


@pytest.mark.filterwarnings("ignore:codecs.open")
@pytest.mark.parametrize("name", PROGRAMS)
def test_numbers_are_not_read_out_of_bytes(name, tmp_path):
    with pytest.raises(LostGradientError, match=r"text that a traced number|traced values were saved in"):
        gradient(lambda x: PROGRAMS[name](tmp_path, x))(1.25)
    assert PROGRAMS[name](tmp_path, 1.25) == pytest.approx(3.75 if name == "lines_one_by_one" else 1.25)


def test_bytes_of_constants_are_read(tmp_path):
    def program(x):
        with open(tmp_path / "log.txt", "w") as log:
            json.dump({"x": x}, log)
        with open(_put(tmp_path, 3.0), "rb") as file:
            return x * float(file.read()) * len(pickle.loads(pickle.dumps("12")))

    assert gradient(program)(1.25) == 6.0
    assert json.loads((tmp_path / "log.txt").read_bytes()) == {"x": 1.25}
