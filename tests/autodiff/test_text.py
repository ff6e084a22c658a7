"""A number that was written as text is not read again unnoticed; writing it works as it always did."""
# ruff: noqa: UP031, UP032

import ast
import contextlib
import csv
import io
import json
import logging
import re
import string
import tokenize
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from workbench import gradient, value_and_gradient
from workbench.errors import LostGradientError


@dataclass
class _Record:
    x: float


class _Written:
    def __init__(self, x):
        self.x = x

    def __str__(self):
        return f"{self.x}"

    def __format__(self, spec):
        return f"{self.x:{spec}}"


def buffered(x):
    buffer = io.StringIO()
    buffer.write(f"{x}")
    return float(buffer.getvalue())


def printed(x):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print("x", x)
    return float(out.getvalue().split()[1])


def added_up(x):
    text = "1"
    text += str(x)
    return float(text)


def filled(x):
    array = np.zeros(1)
    array[0] = x
    return float(str(array)[1:-1])


def in_a_loop(x):
    total = 0.0
    for k in range(3):
        total += float(f"{x * k:.3f}")
    return total


def executed(x):
    names = {}
    exec(f"y = {x}", names)
    return names["y"]


READ_AGAIN = {
    "rounded": lambda x: float(f"{x:.3f}"),
    "percent": lambda x: float("%g" % x),
    "percent, several": lambda x: float("%g%s" % (x, "")),
    "percent, by name": lambda x: float("%(a)g" % {"a": x}),
    "format function": lambda x: float(format(x, ".4f")),
    "join": lambda x: float("".join(letter for letter in str(x))),
    "split": lambda x: float(f"a {x} b".split()[1]),
    "replace": lambda x: float("a".replace("a", str(x))),
    "slice": lambda x: float(str(x)[:3]),
    "sum of texts": lambda x: float("1" + str(x)),
    "text added up": added_up,
    "list": lambda x: float(str([x])[1:-1]),
    "dataclass": lambda x: float(str(_Record(x))[10:-1]),
    "object, formatted": lambda x: float(f"{_Written(x):.2f}"),
    "array": lambda x: float(np.array2string(np.array([x]))[1:-1]),
    "array, filled": filled,
    "loop": in_a_loop,
    "buffer": buffered,
    "print": printed,
    "eval": lambda x: eval(repr(x)),
    "eval of a formula": lambda x: eval(f"{x} * 2"),
    "exec": executed,
    "literal": lambda x: ast.literal_eval(repr(x)),
    "json": lambda x: json.loads(json.dumps({"x": str(x)}))["x"],
    "Decimal": lambda x: float(Decimal(str(x))),
    "Decimal of a number": lambda x: float(Decimal(x)),
    "Fraction": lambda x: float(Fraction(str(x))),
    "tokens": lambda x: float(next(tokenize.generate_tokens(io.StringIO(str(x)).readline)).string),
    "complex": lambda x: complex(str(x)).real,
    "whole number": lambda x: x * int(f"{x:.0f}"),
    "digits": lambda x: x * sum(int(d) for d in str(x) if d.isdigit()),
    "letters": lambda x: x * sum(ord(d) for d in str(x)),
    "bytes": lambda x: float(b"%g" % x),
    "encoded": lambda x: float(str(x).encode()),
    "float64": lambda x: np.float64(str(x)),
    "array of texts": lambda x: np.array([f"{x}"]).astype(float)[0],
    "fromstring": lambda x: np.fromstring(f"{x} {x}", sep=" ")[0],
    "findall": lambda x: float(re.findall(r"[\d.]+", f"a{x}")[0]),
    "match": lambda x: float(re.match(r"a([\d.]+)", f"a{x}").group(1)),
    "search": lambda x: float(re.compile(r"[\d.]+").search(f"a{x}")[0]),
    "text of a buffer": lambda x: float(io.StringIO(f"{x}").read()),
    "array of a buffer": lambda x: np.loadtxt(io.StringIO(initial_value=f"{x} 2"))[0],
    "json of a buffer": lambda x: json.load(io.StringIO(f"{x}")),
    "template": lambda x: float(string.Template("$x").substitute(x=x)),
    "complex number": lambda x: complex(str(complex(x, 1.0))).real,
}


@pytest.mark.parametrize("name", READ_AGAIN)
def test_a_number_is_not_read_out_of_text(name):
    with pytest.raises(LostGradientError) as caught:
        gradient(READ_AGAIN[name])(1.5)
    assert caught.value.where.startswith(f"{__file__}:")
    assert "^" in caught.value.where
    assert "stop_gradient" in caught.value.fix
    assert READ_AGAIN[name](1.5) is not None  # and the program itself runs


def test_the_error_says_what_was_read_and_what_to_do():
    with pytest.raises(LostGradientError) as caught:
        gradient(added_up)(1.5)
    assert "text that a traced number is written in was about to be read as a number" in caught.value.what
    assert "float(text)" in caught.value.where
    assert "round(x, 3)" in caught.value.fix


def test_text_of_constants_is_read():
    def program(x):
        numbers = [float(f"{k}") for k in range(3)] + [float("%g" % 2.5), eval("2 + 1"), json.loads("[4]")[0]]
        numbers += [float(Decimal("0.5")), float(Fraction("1/2")), int(f"{len(str(x))}")]
        return x * sum(numbers)

    assert gradient(program)(1.5) == program(1.0)


def test_printing_and_logging_and_formatting_work(capsys, caplog):
    def program(x):
        print(f"{x:.2f} {x!r:>5} {x=}", "%.1f %s" % (x, [x]), "{:.3f} {}".format(x, _Record(x)), _Written(x))
        logging.getLogger(__name__).warning("x is %g at %s", x, f"{x:.0f}")
        logging.getLogger(__name__).warning(json.dumps({"x": [x, np.sqrt(x)]}, indent=1))
        key = f"{x:.3f}"
        cache = {key: x * x}
        assert isinstance(key, str)
        assert type(key) is str
        assert (key, len(key), key.upper(), key in "1.500 ") == ("1.500", 5, "1.500", True)
        return cache["1.500"]

    assert gradient(program)(1.5) == 3.0
    assert capsys.readouterr().out == "1.50   1.5 x=1.5 1.5 [1.5] 1.500 _Record(x=1.5) 1.5\n"
    assert caplog.messages[0] == "x is 1.5 at 2"
    assert json.loads(caplog.messages[1]) == {"x": [1.5, 1.5**0.5]}
    assert caplog.records[0].filename == "test_text.py"


def test_messages_of_the_program_s_own_errors_are_text():
    def program(x):
        raise ValueError(f"x is {x:.2f}")

    with pytest.raises(ValueError, match=r"x is 1\.50"):
        gradient(program)(1.5)


def test_what_is_left_behind_is_ordinary_text():
    lines = []

    def program(x):
        lines.append(f"{x:.2f}")
        return x * x, {"text": f"{x}"}

    (value, found), slope = value_and_gradient(program, aux=True)(1.5)
    assert (value, slope) == (2.25, 3.0)
    assert type(lines[0]) is type(found["text"]) is str
    assert gradient(lambda x: x * float(lines[0]))(2.0) == 1.5


def test_text_of_an_outer_derivative_is_read():
    lines = []

    def inner(x, scale):
        lines.append(f"{x * scale}")
        return x * x * scale

    def outer(scale):
        slope = gradient(inner)(2.0, scale)
        return slope * float(lines[-1])

    assert gradient(outer)(3.0) == 48.0  # d 8 s² / ds


ALL_DIGITS = {
    "str": lambda x: float(str(x)),
    "repr": lambda x: float(repr(x * x)),
    "f-string": lambda x: float(f"{x}"),
    "f-string, many digits": lambda x: float(f"{x * x:.15f}"),
    "width": lambda x: float(f"{x:30.15g} ".strip()) if x > 2 else float(f"{x:30.15g}".strip()),
    "format": lambda x: float("{}".format(x)),
    "format, by name": lambda x: float("{a:>{w}}".format(a=x, w=9)),
    "format as a function": lambda x: float(str.format("{}", x)),
    "format function": lambda x: float(format(x, ".13e")),
    "digits by another number": lambda x: float(("{:." + str(18) + "f}").format(x / 3)),
    "percent": lambda x: float("%.14g" % x),
    "percent of a tuple": lambda x: float("%.14g" % (x,)),
    "map": lambda x: sum(map(float, map(str, [x, 2 * x]))),
    "object": lambda x: float(str(_Written(x))),
    "object by percent": lambda x: float("%s" % _Written(x)),
    "zero": lambda x: float(f"{x - x:.18f}") + x,
    "large": lambda x: float(f"{x * 1e30:.1f}"),
    "round": lambda x: round(x / 7, 14),
    "round, large": lambda x: round(x * 1e12, 1),
}


@pytest.mark.parametrize("name", ALL_DIGITS)
def test_text_of_all_digits_of_a_number_is_the_number(name):
    program = ALL_DIGITS[name]
    value, slope = value_and_gradient(program)(1.5)
    assert value == program(1.5)
    assert slope == pytest.approx((program(1.5 + 1e-4) - program(1.5 - 1e-4)) / 2e-4, rel=1e-7)
    of_square = gradient(lambda x: program(x * x))
    assert gradient(of_square)(1.2) == pytest.approx(
        (of_square(1.2 + 1e-4) - of_square(1.2 - 1e-4)) / 2e-4, rel=1e-7
    )


@pytest.mark.parametrize("digits", [3, 6])
def test_a_rounded_number_is_none_that_varies(digits):
    assert gradient(lambda x: round(x, digits))(1.5) == 0.0
    with pytest.raises(LostGradientError):
        gradient(lambda x: float(f"{x:.{digits}f}"))(1.5)


def _rows(x):
    buffer = io.StringIO()
    csv.writer(buffer).writerow([x, 2.0])
    buffer.seek(0)
    return buffer


def _named_rows(x):
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, ["a"])
    writer.writeheader()
    writer.writerow({"a": x})
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize(
    "read",
    [
        lambda x: float(next(csv.reader(_rows(x)))[0]),
        lambda x: float(next(csv.DictReader(_named_rows(x)))["a"]),
        lambda x: float(_rows(x).getvalue().split(",")[0]),
        lambda x: sum(float(line.split(",")[0]) for line in _rows(x)),
        lambda x: float(next(_rows(x)).split(",")[0]),
        lambda x: float(next(csv.reader([f"{x},1"]))[0]),
    ],
)
def test_numbers_read_out_of_tables_are_refused(read):
    with pytest.raises(LostGradientError, match="read as a number"):
        gradient(read)(1.5)


def test_tables_of_constants_are_read():
    def program(x):
        rows = csv.DictReader(io.StringIO("a,b\n1,2\n3,4\n"))
        return x * sum(float(row["a"]) for row in rows) * float(next(csv.reader(_rows(2.0)))[1])

    assert gradient(program)(1.5) == 8.0
