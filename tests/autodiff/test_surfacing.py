"""Functions without source read arrays inside of what they are given as they stand: with what was written into them."""

import numpy as np
import pytest

from workbench import gradient

TABLE = np.zeros(3)


class Holder:
    def __init__(self):
        self.data = np.zeros(3)


def inner(holder):
    return np.sum(holder.data**2)


MADE = {"np": np, "inner": inner, "TABLE": TABLE, "TABLES": {"first": [TABLE]}}
exec(
    """
count = 0
def of_field(holder): return np.sum(holder.data ** 2)
def of_list(arrays): return np.sum(arrays[0][0] ** 2)
def of_dict(arrays): return np.sum(arrays["a"] ** 2)
def of_module(): return np.sum(TABLE ** 2)
def inside_of_module(): return np.sum(TABLES["first"][0] ** 2)
def wrapper(*args): return inner(*args)
def later(holder): yield np.sum(holder.data ** 2)
def around(array):
    def read(): return np.sum(array ** 2)
    return read
def counting(holder):
    global count
    count += 1
    return np.sum(holder.data ** 2)
""",
    MADE,
)


def _filled(x):
    holder = Holder()
    holder.data[:2] = x, 2.0 * x
    return holder


def _of_module(x, name):
    TABLE[:2] = x, 2.0 * x
    return MADE[name]()


PROGRAMS = {
    "field": lambda x: MADE["of_field"](_filled(x)),
    "list": lambda x: MADE["of_list"]([(_filled(x).data, 1.0)]),
    "dict": lambda x: MADE["of_dict"]({"a": _filled(x).data}),
    "global": lambda x: _of_module(x, "of_module"),
    "inside of a global": lambda x: _of_module(x, "inside_of_module"),
    "wrapper": lambda x: MADE["wrapper"](_filled(x)),
    "generator": lambda x: next(MADE["later"](_filled(x))),
    "closure": lambda x: MADE["around"](_filled(x).data)(),
    "stores a global": lambda x: MADE["counting"](_filled(x)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_was_written_is_read(name):
    assert gradient(PROGRAMS[name])(1.5) == 15.0


def test_afterwards_everything_is_as_it_was():
    kept = {}

    def program(x):
        kept["holder"] = holder = _filled(x)
        array = holder.data
        total = MADE["of_field"](holder)
        assert holder.data is array
        return total

    gradient(program)(1.5)
    assert type(kept["holder"].data) is np.ndarray
    before = MADE["count"]
    gradient(PROGRAMS["stores a global"])(1.5)
    assert MADE["count"] == before + 1
    assert MADE["TABLE"] is TABLE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lambda x: np.sum(np.modf(x)[0] * x)", [2.0, 2.6]),
        ("lambda x: np.sum(np.divmod(x, 2.0)[1] * x)", [3.0, 2.6]),
        ("lambda x: np.sum(np.frexp(x)[0])", [0.5, 0.25]),
    ],
)
def test_functions_of_several_results_are_found_from_there(text, expected):
    program = eval(text)
    np.testing.assert_allclose(gradient(program)(np.array([1.5, 2.3])), expected, rtol=1e-12)
