"""Functions whose arguments a program names, by NumPy's and Python's names."""

import inspect

import numpy as np
import pytest

from tests.autodiff.by_lists import check_by_differences
from workbench import gradient
from workbench.autodiff.registry import DOORS


def _filled(function, x, **named):
    array = np.zeros((2, 2)) + x[0]
    function(**{next(iter(inspect.signature(function).parameters)): array}, **named)
    return np.sum(array**2)


PROGRAMS = {
    "array": lambda x: np.sum(np.array(object=x, dtype=float) ** 2),
    "asarray": lambda x: np.sum(np.asarray(a=x) ** 2) + np.sum(np.ascontiguousarray(a=x) ** 3),
    "copy": lambda x: np.sum(np.copy(a=np.array(x)) ** 2),
    "cumprod": lambda x: np.sum(np.cumprod(a=x)),
    "ediff1d": lambda x: np.sum(np.ediff1d(ary=np.array(x), to_end=x[0]) ** 2),
    "like": lambda x: np.sum(np.zeros_like(a=np.array(x)) + np.ones_like(a=np.array(x)) * x),
    "pow": lambda x: pow(base=x[0], exp=x[1]),
    "ndenumerate": lambda x: sum(v * v * place[0] for place, v in np.ndenumerate(arr=np.array(x))),
    "copyto": lambda x: _filled(np.copyto, x, src=x),
    "fill_diagonal": lambda x: _filled(np.fill_diagonal, x, val=x[1]),
    "put": lambda x: _filled(np.put, x, ind=[1, 2], v=x),
    "place": lambda x: _filled(np.place, x, mask=[[True, False], [True, False]], vals=x),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_they_are_named(name):
    check_by_differences(PROGRAMS[name])


def test_rounding():
    assert gradient(lambda x: x * round(x, ndigits=1))(2.26) == 2.3


def _named_otherwise(function, door):
    """The parameters that a door calls something else than the function that it stands for does."""
    code = door.__code__
    if code.co_flags & inspect.CO_VARARGS and code.co_argcount == 0:
        return []
    given = inspect.signature(function).parameters.values()
    own = code.co_varnames[: code.co_argcount]
    return [
        p.name
        for p, name in zip(given, own, strict=False)
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != name
    ]


def test_doors_name_their_parameters_as_numpy_does():
    doors = {
        f: d for f, d in DOORS.items() if getattr(f, "__module__", None) == "numpy" and hasattr(d, "__code__")
    }
    wrong = {f.__name__: found for f, d in doors.items() if (found := _named_otherwise(f, d))}
    assert len(doors) > 100
    assert not wrong
