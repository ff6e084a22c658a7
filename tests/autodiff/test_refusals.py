"""Ways off the tape: each is an error that names the line, never a zero."""

import fractions
import json
import math
import operator
import pickle
import struct

import numpy as np
import pytest
import scipy.special

from workbench import gradient, pullback
from workbench.errors import LostGradientError, MissingRuleError

X = np.array([1.0, 2.0])


def packed(x):
    return struct.unpack("d", struct.pack("d", x))[0]


REFUSED = {
    "struct": packed,
    "json": lambda x: json.loads(json.dumps(x)),
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "ratio": lambda x: float(fractions.Fraction(x)),
    "hex": lambda x: float.fromhex(x.hex()),
    "integer array": lambda x: write(np.zeros(3, int), x),
    "ctypes": lambda x: __import__("ctypes").c_double(x).value,
    "array module": lambda x: __import__("array").array("d", [x])[0],
    "index": lambda x: operator.index(x),
}


def write(array, x):
    array[0] = x
    return array[0] * 1.0


@pytest.mark.parametrize("name", REFUSED)
def test_numbers_do_not_leave_unseen(name):
    with pytest.raises((LostGradientError, TypeError)):
        gradient(REFUSED[name])(1.5)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: np.frombuffer(x.tobytes())[0],
        lambda x: memoryview(x)[0],
        lambda x: pickle.loads(pickle.dumps(x)).sum(),
        lambda x: (
            np.packbits(x > 0).sum() * np.lib.stride_tricks.as_strided(x, (2,), (8,)).view(np.int64).sum()
        ),
        lambda x: np.array(x, dtype=object).sum() if False else x.astype(object).sum(),
    ],
)
def test_arrays_do_not_leave_unseen(program):
    with pytest.raises((LostGradientError, MissingRuleError, AttributeError, TypeError)):
        gradient(program)(X)


def test_the_error_names_file_line_expression_and_a_way_out():
    with pytest.raises(LostGradientError) as caught:
        gradient(packed)(1.5)
    text = str(caught.value)
    assert f"{__file__}:{packed.__code__.co_firstlineno + 1} in packed" in text
    assert 'struct.pack("d", x)' in text
    line, caret = text.splitlines()[-3:-1]
    assert line[caret.index("^") : caret.rindex("^") + 1] == 'struct.pack("d", x)'
    assert "stop_gradient" in text


def test_errors_are_the_builtin_ones_too():
    with pytest.raises(TypeError):
        gradient(packed)(1.5)
    with pytest.raises(NotImplementedError, match="no rule"):
        gradient(lambda x: scipy.special.pbdv(0.5, x)[0])(1.0)


def endless(x):
    return endless(x)


def test_the_program_s_own_errors_come_through():
    with pytest.raises(ZeroDivisionError):
        gradient(lambda x: x / 0.0)(1.0)
    with pytest.raises(ValueError, match=r"math domain error|expected a nonnegative input"):
        gradient(lambda x: math.sqrt(x))(-1.0)
    with pytest.raises(IndexError):
        pullback(lambda x: x[5], X)
    with pytest.raises(RecursionError):
        gradient(endless)(1.0)
    with pytest.raises(np.linalg.LinAlgError):
        pullback(np.linalg.inv, np.zeros((2, 2)))
