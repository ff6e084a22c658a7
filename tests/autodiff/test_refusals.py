"""Ways off the tape: each is an error that names the line, never a zero."""

import collections
import contextlib
import datetime
import enum
import fractions
import hashlib
import io
import json
import math
import operator
import pickle
import struct
import threading
import time

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.ndimage
import scipy.special
import scipy.stats._stats

from workbench import gradient, pullback, pushforward
from workbench.autodiff.compiled import compiled_door
from workbench.errors import LostGradientError, MissingRuleError, RefusedError

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
    "array module": lambda x: __import__("array").array("f", [x])[0],
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
        lambda x: np.concatenate([x.astype(object), x]).sum(),
        lambda x: x.astype(str).astype(float).sum(),
        lambda x: np.array(x, dtype=str).astype(float).sum(),
        lambda x: np.frombuffer(bytes(filled(x)))[0],
        lambda x: np.frombuffer(filled(x).data)[0],
        lambda x: np.frombuffer(filled(x))[0],
        lambda x: np.frombuffer(x[0].tobytes())[0],
        lambda x: saved(x),
        lambda x: x.getfield(np.float64).sum(),
    ],
)
def test_arrays_do_not_leave_unseen(program):
    with pytest.raises((LostGradientError, MissingRuleError, AttributeError, TypeError)):
        gradient(program)(X)


def test_a_hash_of_an_array_s_bytes_is_refused_by_name():
    with pytest.raises(MissingRuleError, match="md5"):
        gradient(lambda x: x.sum() * len(hashlib.md5(x).hexdigest()))(X)


@pytest.mark.parametrize("name", ["data", "flat", "sort"])
def test_memory_of_a_number_is_refused(name):
    with pytest.raises(LostGradientError, match=name):
        gradient(lambda x: getattr(x, name) and x)(np.float64(2.0))


def test_a_number_is_viewed_as_a_number_only():
    assert gradient(lambda x: x.view(np.ndarray) * x.view(float))(np.float64(2.0)) == 4.0
    with pytest.raises(LostGradientError, match="int64"):
        gradient(lambda x: x.view(np.int64) * x)(np.float64(2.0))


class Doubling(float):
    """A number whose product is not that of floats."""

    def __mul__(self, other):
        return Doubling(float(self) * float(other) * 2)


class Gravity(float, enum.Enum):
    EARTH = 9.81


def test_a_number_with_operators_of_its_own():
    assert gradient(lambda x: x * x * x)(Doubling(3.0)) == 108.0
    assert gradient(lambda x, g: x * x * g)(3.0, Doubling(3.0)) > 0
    assert gradient(lambda x: x["x"] * x["g"].value)({"x": 3.0, "g": Gravity.EARTH}) == {"x": 9.81, "g": None}


def filled(x):
    array = np.zeros(2)
    array[:] = x
    return array


def saved(x):
    buffer = io.BytesIO()
    np.save(buffer, x)
    buffer.seek(0)
    return np.load(buffer).sum()


def called_back_through_a_buffer(x):
    return scipy.integrate.complex_ode(lambda t, y: x * y).set_initial_value(1.0).integrate(1.0)[0].real


def test_compiled_code_that_calls_back_takes_nothing_unseen():
    with pytest.raises(LostGradientError) as caught:
        gradient(called_back_through_a_buffer)(1.5)
    assert "in called_back_through_a_buffer" in caught.value.where


def test_compiled_code_that_wants_memory_has_no_rule():
    with pytest.raises(MissingRuleError, match="has no rule") as caught:
        gradient(lambda x: scipy.stats._stats._kendall_dis(x, x))(np.array([0.0, 2.0, 1.0]))
    assert caught.value.where.startswith(f"{__file__}:")


def test_compiled_code_that_wants_an_array_by_its_type_has_no_rule():
    """What Cython 3.1 says, which names a type with its module."""

    def compiled(x):
        found = f"{type(x).__module__}.{type(x).__qualname__}"
        raise TypeError(f"Argument 'x' has incorrect type (expected numpy.ndarray, got {found})")

    seen = compiled_door(compiled)
    with pytest.raises(MissingRuleError, match="compiled has no rule"):
        gradient(lambda x: seen(x))(np.array([0.0, 2.0]))


OTHER_KINDS = {
    "masked ranks": (lambda x: scipy.stats.rankdata(np.ma.array(x, mask=[0, 1])) @ x, "compressed"),
    "cores of a subclass": (lambda x: np.vectorize(np.sum, signature="(n)->()")(np.matrix(x)) + 0, "asarray"),
    "nditer": (lambda x: sum(np.nditer(x, ["buffered"], op_dtypes=["f4"], casting="same_kind")), "ndindex"),
    "resized": (lambda x: (x * x).resize(3), "numpy.pad"),
}


@pytest.mark.parametrize("name", OTHER_KINDS)
def test_other_kinds_of_arrays_are_refused_with_a_way_out(name):
    function, way_out = OTHER_KINDS[name]
    with pytest.raises((LostGradientError, MissingRuleError)) as caught:
        gradient(function)(X)
    assert way_out in caught.value.fix
    assert caught.value.found
    assert caught.value.where.startswith(f"{__file__}:")


def test_the_error_names_file_line_expression_and_a_way_out():
    with pytest.raises(LostGradientError) as caught:
        gradient(packed)(1.5)
    text = str(caught.value)
    assert f"{__file__}:{packed.__code__.co_firstlineno + 1} in packed" in text
    assert 'struct.pack("d", x)' in text
    line, caret = text.splitlines()[-3:-1]
    assert line[caret.index("^") : caret.rindex("^") + 1] == 'struct.pack("d", x)'
    assert "stop_gradient" in text


def test_an_error_in_an_installed_package_names_the_user_s_line_too(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "somebodys_package.py").write_text(
        "import pickle\n\n\ndef save(x):\n    return pickle.dumps([x])\n"
    )
    monkeypatch.syspath_prepend(folder)
    import somebodys_package

    with pytest.raises(LostGradientError) as caught:
        gradient(lambda x: x * len(somebodys_package.save(x)))(2.0)
    inner, outer = caught.value.where.split("  called from ")
    assert "somebodys_package.py:5 in save" in inner
    assert "test_refusals.py" in outer
    assert "somebodys_package.save(x)" in outer


def test_errors_are_the_builtin_ones_too():
    with pytest.raises(TypeError):
        gradient(packed)(1.5)
    with pytest.raises(NotImplementedError, match="no rule"):
        gradient(lambda x: scipy.stats._stats._kendall_dis(x, x))(np.array([1.0, 2.0]))


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


@pytest.mark.parametrize(
    "take_apart",
    [
        lambda x: math.ldexp(int(math.frexp(x)[0] * 2**53), -53),
        lambda x: math.floor(x * 2.0**60) / 2.0**60,
        lambda x: math.trunc(x * 2.0**60) / 2.0**60,
        lambda x: round(x * 2.0**60) / 2.0**60,
        lambda x: round(x, 17),
    ],
)
def test_whole_numbers_that_hold_all_digits_are_refused(take_apart):
    with pytest.raises(LostGradientError, match="holds all of its digits"):
        gradient(take_apart)(0.7)


def test_whole_numbers_that_round_do_not_vary():
    assert gradient(lambda x: int(10 * x) * x + round(x, 2) + math.floor(1000 * x))(0.7) == 7.0


@pytest.mark.parametrize(
    "program",
    [
        lambda x: datetime.datetime.fromtimestamp(x, datetime.UTC).timestamp(),
        lambda x: datetime.datetime.fromtimestamp(x).timestamp(),
        lambda x: datetime.timedelta(seconds=x).total_seconds(),
        lambda x: (datetime.timedelta(seconds=3) * x).total_seconds(),
        lambda x: (x * datetime.timedelta(seconds=3)).total_seconds(),
        lambda x: (datetime.timedelta(seconds=3) / x).total_seconds(),
    ],
)
def test_points_in_time_and_spans_of_it_are_refused(program):
    assert isinstance(program(1000.5), float)
    with pytest.raises(RefusedError):
        gradient(program)(1000.5)


def test_what_clocks_and_calendars_read_is_whole():
    def program(x):
        time.sleep(x * 1e-9)
        whole = time.gmtime(x).tm_sec + time.localtime(x).tm_sec + len(time.ctime(x))
        return (whole + datetime.date.fromtimestamp(x).year) * x

    assert gradient(program)(1000.5) == program(1000.5) / 1000.5


def test_operands_that_plain_numbers_are_not_either_are_python_s_error():
    with pytest.raises(TypeError, match="unsupported operand") as caught:
        gradient(lambda x: (datetime.timedelta(seconds=3) + x).total_seconds())(1000.5)
    assert not isinstance(caught.value, RefusedError)


def reads_text(x):
    try:
        return x * float(str(x)[:2])
    except Exception:
        return 3.0 * x


def packs(x):
    try:
        return x * struct.unpack("d", struct.pack("d", x))[0]
    except (struct.error, TypeError):
        return 3.0 * x


def asks_for_a_rule(x):
    with contextlib.suppress(Exception):
        return scipy.stats._stats._kendall_dis(np.array([x, 1.0]), np.array([x, 1.0]))
    return 3.0 * x


def in_a_thread(x):
    found = []

    def work():
        found.append(reads_text(x))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("program", [reads_text, packs, asks_for_a_rule, in_a_thread])
def test_a_refusal_that_the_program_catches_comes_out_at_its_end(program):
    for differentiate in (gradient(program), lambda x: pushforward(program, x)):
        with pytest.raises(RefusedError):
            differentiate(0.7)


def finds_by_index(table, x):
    if x not in table:
        table[x] = x**3
    return table[x]


def finds_by_pair(table, x):
    def power(n):
        if (n, x) not in table:
            table[n, x] = x * power(n - 1) if n else 1.0
        return table[n, x]

    return power(3)


def finds_by_method(table, x):
    return table.setdefault(x, x**3)


@pytest.mark.parametrize("kind", [dict, collections.OrderedDict])
@pytest.mark.parametrize("find", [finds_by_index, finds_by_pair, finds_by_method])
def test_what_an_earlier_run_stored_is_not_found_by_a_traced_number(find, kind):
    table = kind()
    assert gradient(lambda x: find(table, x))(0.5) == 0.75
    for differentiate in (
        gradient(lambda x: find(table, x)),
        lambda x: pushforward(lambda x: find(table, x), x),
    ):
        with pytest.raises(LostGradientError, match=r"an earlier run had stored|kept from before"):
            differentiate(0.5)


@pytest.mark.parametrize(
    ("program", "what"),
    [
        (lambda a: np.matmul(a, a, axes=[(1, 0), (0, 1), (0, 1)]).sum(), "matmul has no rule for axes"),
        (lambda a: np.linalg.lstsq(a, a[0], rcond=0.5)[0].sum(), "full column rank"),
        (lambda a: np.linalg.svd(a, compute_uv=False, hermitian=True).sum(), "hermitian=True"),
    ],
)
def test_options_that_no_rule_knows(program, what):
    with pytest.raises(MissingRuleError, match=what):
        gradient(program)(np.array([[1.0, 2.0], [3.0, 5.0]]))


def test_interpolation_between_points_that_do_not_increase():
    def program(x):
        return np.interp([0.5, 1.5], [2.0, 1.0, 0.0], x).sum()

    with pytest.raises(MissingRuleError, match="do not increase"):
        gradient(program)(np.array([1.0, 2.0, 5.0]))
