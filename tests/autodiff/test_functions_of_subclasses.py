"""What NumPy's functions make of arrays of subclasses: the class, the mask and the numbers that NumPy gives.

Many of them are written in Python, and call what the class says of items, operators and methods.
"""

import numpy as np
import pytest

from workbench.autodiff import gradient, hessian, pullback
from workbench.checks import check_gradient

X = np.array([0.7, 1.3, 2.1, 0.4, 1.9])
A = np.array([[2.0, 0.3, -0.4], [0.1, 1.5, 0.2], [0.6, -0.7, 3.0]])


class Shifting(np.ndarray):
    """Items, products and sums of its own."""

    def __getitem__(self, index):
        found = super().__getitem__(index)
        return found + 0.25 if isinstance(found, np.ndarray) else found

    def __mul__(self, other):
        return (np.asarray(self) * np.asarray(other) * 1.5).view(Shifting)

    def sum(self, *args, **kwargs):
        return super().sum(*args, **kwargs) + 1.0


class Wrapping(np.ndarray):
    def __array_wrap__(self, array, context=None, return_scalar=False):
        return super().__array_wrap__(array, context, return_scalar)


def masked(x):
    return np.ma.array(x, mask=np.arange(x.size).reshape(x.shape) == 1)


def unmasked(x):
    return np.ma.array(x)


def matrix(x):
    return np.matrix(x)


def shifting(x):
    return x.view(Shifting)


def wrapping(x):
    return x.view(Wrapping)


ROWS = {
    "append": lambda x: np.append(x, [1.0, 2.0]),
    "concatenate": lambda x: np.concatenate([x, x * 2]),
    "delete": lambda x: np.delete(x, 2),
    "insert": lambda x: np.insert(x, 1, 0.3),
    "ediff1d": np.ediff1d,
    "flip": np.flip,
    "isclose": lambda x: np.isclose(x, 2 * x),
    "linspace": lambda x: np.linspace(x, 2.0, 3),
    "nanmax": np.nanmax,
    "nansum": np.nansum,
    "percentile": lambda x: np.percentile(np.asarray(x), 30),
    "repeat": lambda x: np.repeat(x, 2),
    "rot90": lambda x: np.rot90(np.atleast_2d(x)),
    "sinc": np.sinc,
    "sort": np.sort,
    "split": lambda x: np.split(x, [2]),
    "text": np.array_repr,
    "tile": lambda x: np.tile(x, 2),
    "parts": lambda x: np.unstack(x.reshape(5, 1)),
    "rows": lambda x: np.vstack(x.reshape(5, 1)),
    "trapezoid": np.trapezoid,
    "union1d": lambda x: np.union1d(x, np.asarray(x) + 1),
    "unique": np.unique,
}
SQUARES = {
    "argmax": np.argmax,
    "diag": np.diag,
    "gradient": np.gradient,
    "hstack": lambda x: np.hstack([x, x]),
    "kron": lambda x: np.kron(x, A),
    "row": lambda x: x.take(2, axis=0),
    "rows": np.concatenate,
    "std": lambda x: x.std(),
    "take": lambda x: np.take(x, 2),
    "take_along_axis": lambda x: np.take_along_axis(x, np.argsort(np.asarray(x), 1), 1),
    "trace": lambda x: x.trace(),
    "var": lambda x: np.var(x, axis=0),
    "vstack": lambda x: np.vstack([x, x]),
}
KINDS = (masked, shifting, wrapping)
CASES = [
    *[(name, function, kind, X) for name, function in ROWS.items() for kind in KINDS],
    *[
        (name, function, kind, A)
        for name, function in SQUARES.items()
        for kind in (masked, matrix, wrapping, unmasked)
    ],
]


@pytest.mark.parametrize(
    ("name", "function", "kind", "x"), CASES, ids=[f"{name} {kind.__name__}" for name, _, kind, _ in CASES]
)
def test_value_class_and_mask_are_those_of_numpy(name, function, kind, x):
    def program(x):
        return function(kind(x))

    _assert_same(pullback(program, x)[0], program(x.copy()))


def _assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, list | tuple):
        for one, other in zip(found, expected, strict=True):
            _assert_same(one, other)
        return
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(expected))
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def columns_of_matrices(x):
    m, zeros = np.matrix(x), np.matrix(np.zeros((3, 3)))
    m[:, 0] = m[:, 1] * 2
    zeros[:, 1] = m[:, 2]
    zeros[2] = m[0]
    return (m * zeros).sum() + m.std() * m.A1[2] + np.apply_along_axis(np.sum, 1, m).sum() + (m**2).argmax()


def test_columns_are_written_into_matrices():
    check_gradient(columns_of_matrices, A)


class Weighted(np.ndarray):
    weight = 2.0


def functions_of_classes(x):
    """The function gets parts of the class, also of a constant array; names in text are those of the program."""
    constant = np.ones((3, 3)).view(Weighted)
    found = np.apply_along_axis(lambda row: row.weight * row.sum(), 1, constant).sum() * x.sum()
    assert isinstance(np.apply_along_axis(np.sum, 0, constant), Weighted)
    block = np.matrix(x)
    found += np.apply_along_axis(lambda row: row.weight ** row.max(), 1, x.view(Weighted)).sum()
    return found + np.bmat("block, block")[0, 4] * block[1, 1]


def test_functions_of_the_program_get_parts_of_the_class():
    check_gradient(functions_of_classes, A)


def objects_made_numbers(x):
    cells = np.empty(3, object)
    for k in range(3):
        cells[k] = x[k] ** k
    found = np.array(cells, dtype=float) + cells.astype(float)
    return (found * np.arange(3.0)).sum() + sum(v * v for v in np.array(x, dtype=object))


def test_arrays_of_objects_become_numbers():
    check_gradient(objects_made_numbers, X)
    assert type(pullback(objects_made_numbers, X)[0]) is type(objects_made_numbers(X))


# ------------------------------------------------------------------------------------ masked arguments


def changed(m):
    m[2] = 5.0
    m.mask[0] = True
    return (m**3).sum()


def test_a_masked_argument_keeps_its_mask():
    given = np.ma.array(X, mask=[0, 1, 0, 0, 0])
    assert np.allclose(gradient(lambda m: (m**2).mean())(given), 2 * X * [1, 0, 1, 1, 1] / 4)
    assert np.allclose(gradient(changed)(given), 3 * X**2 * [0, 0, 0, 1, 1])
    assert given.mask.tolist() == [False, True, False, False, False]
    assert np.allclose(hessian(lambda m: (m**3).sum())(given), np.diag(6 * X * [1, 0, 1, 1, 1]))


def test_masks_of_views_are_shared_in_a_copy_too():
    def program(pair):
        whole, part = pair
        part[0] = np.ma.masked
        return (whole**2).sum()

    given = np.ma.array(X, mask=[0, 1, 0, 0, 0])
    found = gradient(program)([given, given[2:]])
    assert np.allclose(found[0], 2 * X * [1, 0, 0, 1, 1])
    assert given[2] is not np.ma.masked


class Rewrapped(np.ndarray):
    """What becomes of each result, also of one that is written in place."""

    def __array_finalize__(self, parent):
        self.times = getattr(parent, "times", 1.0)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        made = super().__array_wrap__(array, context, return_scalar)
        made.times = 2.0 * self.times
        return made


class Unwrapped(np.ndarray):
    def __array_wrap__(self, array, context=None, return_scalar=False):
        return np.asarray(array) * 1.5


def in_place(x, kind):
    y = (2.0 * x).view(kind)
    y *= 2.0
    y += x
    return np.asarray(y) * getattr(y, "times", 1.0)


def into_itself(x, kind):
    y = (2.0 * x).view(kind)
    z = np.add(y, y, out=y)
    return np.asarray(z) * np.asarray(y) * getattr(z, "times", 1.0) * getattr(y, "times", 1.0)


def into_another(x, kind):
    out = np.zeros(5).view(kind)
    y = np.sin(x, out=out)
    return np.asarray(y) * np.asarray(out) * getattr(y, "times", 1.0) * getattr(out, "times", 1.0)


@pytest.mark.parametrize("kind", [Rewrapped, Unwrapped, Wrapping])
@pytest.mark.parametrize("program", [in_place, into_itself, into_another])
def test_what_is_written_in_place_is_wrapped_too(program, kind):
    check_gradient(lambda x: program(x, kind), X)
    np.testing.assert_array_equal(pullback(lambda x: program(x, kind), X)[0], program(X, kind))


class Powered(np.ndarray):
    """Keeps a power of a unit, by the ufunc that NumPy names to ``__array_wrap__`` and what that was given."""

    def __array_finalize__(self, parent):
        self.power = getattr(parent, "power", 1.0)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        made = array if isinstance(array, Powered) else array.view(Powered)
        if context is not None:
            ufunc, given, _ = context
            first, *rest = (getattr(a, "power", 0.0) for a in given[: ufunc.nin])
            how = {"sqrt": first / 2, "multiply": first + sum(rest), "divide": first - sum(rest)}
            made.power = how.get(ufunc.__name__, first)
        return made


POWERED = {
    "mean": lambda m: np.mean(m, axis=0),
    "std": lambda m: np.std(m, axis=0),
    "var": lambda m: np.var(m),
    "ediff1d": lambda m: np.ediff1d(m),
    "nanstd": lambda m: np.nanstd(m, axis=1),
    "sqrt": lambda m: np.sqrt(m * m[0]),
    "method": lambda m: m.std(axis=0),
}


@pytest.mark.parametrize("name", POWERED)
def test_the_ufuncs_that_functions_call_are_named_to_the_class(name):
    def program(x):
        m = (2.0 * x).view(Powered)
        m.power = 3.0
        found = POWERED[name](m.reshape(3, 3))
        return np.asarray(found) * found.power

    x = A.ravel()
    check_gradient(program, x if name != "sqrt" else np.abs(x))
    np.testing.assert_array_equal(pullback(program, np.abs(x))[0], program(np.abs(x)))


class Named(np.ndarray):
    """An array whose class takes note of what universal functions were applied to, as arrays with units do."""

    def __array_wrap__(self, array, context=None, return_scalar=False):
        found = super().__array_wrap__(array, context, return_scalar)
        if context is not None and isinstance(found, Named):
            found.fits = len(context[1]) <= context[0].nargs
        return found


@pytest.mark.parametrize("name", ["std", "var", "sum", "cumsum", "cumprod", "mean"])
def test_an_array_of_a_subclass_may_be_given_by_its_place_to_be_written_into(name):
    def program(x):
        made = getattr(x, name)(None)
        out = np.zeros(made.shape).view(Named)
        assert getattr(x, name)(None, None, out) is out
        assert getattr(out, "fits", True)
        return np.sum(np.asarray(out) * np.arange(1.0, made.size + 1))

    check_gradient(program, X)
