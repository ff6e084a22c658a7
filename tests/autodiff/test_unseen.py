"""Memory that is written into or read through what is not followed: subclasses, addresses, functions without source."""

import array
import ctypes
import mmap
import pickle

import numpy as np
import pytest

from workbench import check_gradient, gradient
from workbench.errors import LostGradientError, MissingRuleError

X = np.array([1.0, 2.0])


class Labelled(np.ndarray):
    pass


def _through(view):
    """A program that writes through an ordinary array and reads through ``view`` of it."""

    def program(x):
        y = np.zeros(2)
        seen = view(y)
        y[:] = x
        return seen.sum() * x[0]

    return program


def test_traced_memory_is_not_read_as_numbers_of_another_type():
    with pytest.raises((LostGradientError, MissingRuleError)):
        gradient(_through(lambda y: y.view(int)))(X)


@pytest.mark.parametrize("kind", [Labelled, np.matrix, np.ma.MaskedArray])
def test_traced_memory_is_read_through_a_subclass(kind):
    assert np.allclose(gradient(_through(lambda y: y.view(kind)))(X), gradient(_through(lambda y: y))(X))


@pytest.mark.parametrize(
    "write",
    [
        lambda y: y.view(Labelled).__setitem__(0, 9.0),
        lambda y: y.view(Labelled).fill(9.0),
        lambda y: y.view(np.matrix).__iadd__(3.0),
        lambda y: np.ma.array(y, copy=False).__setitem__(0, 9.0),
        lambda y: np.add(1.0, [2.0, 3.0], out=y.view(Labelled)),
    ],
)
def test_what_is_written_through_a_subclass_is_undone(write):
    def program(x):
        y = np.full(2, 0.5)
        z = x * y
        write(y)
        return np.sum(z * x)

    assert np.allclose(gradient(program)(X), X)


def test_array_of_a_subclass_reads_as_a_plain_one():
    def program(x):
        seen = (y := np.zeros(2)).view(Labelled)
        y[:] = x
        return np.sum(np.asarray(seen) ** 2)

    assert np.allclose(gradient(program)(X), 2 * X)


def test_memory_that_is_handed_out_is_watched():
    def program(x):
        y = np.full(2, 0.5)
        z = x * y
        pointer = y.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        y[1] = 4.0
        w = np.sum(z * y)
        if x[0] > 1:
            pointer[0] = 9.0
        return w

    assert np.allclose(gradient(program)(X), [0.25, 2.0])
    with pytest.raises(LostGradientError, match="not followed"):
        gradient(program)(X * 2)


def test_handed_out_memory_has_its_axes_in_any_order():
    def program(x):
        y = np.array(np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0))
        handle = y.ctypes
        y[:, [1, 0], :] = y[:, [0, 1], :]
        y[1, 2:, 1] = 0.5
        return np.sum(x[0] * y[:, 1] ** x[1]) + y.size * (handle is None)

    assert not np.empty((2, 3, 4)).transpose(1, 2, 0).copy("K").T.flags.c_contiguous
    check_gradient(program, X)


@pytest.mark.parametrize(
    "lender",
    [
        lambda: bytearray(16),
        lambda: array.array("d", [0.0, 0.0]),
        lambda: mmap.mmap(-1, 16),
        lambda: (ctypes.c_double * 2)(),
        lambda: memoryview(bytearray(16)),
    ],
)
def test_memory_that_is_borrowed_takes_no_traced_values(lender):
    def program(x):
        memory = lender()
        y, seen = np.frombuffer(memory), np.frombuffer(memory)
        y[:] = x
        return np.sum(seen * x)

    with pytest.raises(LostGradientError, match="shares its memory with an object of type"):
        gradient(program)(X)


KEPT = pickle.loads(pickle.dumps({"rows": np.zeros((2, 3))}, 5))["rows"]


def test_an_array_that_was_pickled_has_its_memory_for_itself():
    pickled = pickle.dumps(np.arange(6.0).reshape(2, 3), 5)

    def program(x):
        y = pickle.loads(pickled)
        y[:, 1] = x
        y.T[0] *= x[1]
        KEPT[0] = y[0] ** 2
        return np.sum(y * y) * np.sum(KEPT)

    check_gradient(program, X)


@pytest.mark.parametrize("held", [memoryview, np.frombuffer, lambda memory: memory])
def test_memory_that_somebody_else_still_holds_takes_no_traced_values(held):
    def program(x):
        memory = bytearray(16)
        y = np.frombuffer(memoryview(memory) if held is memoryview else memory)
        memory = held(memory)
        y[:] = x
        return np.sum(y * x) + len(memory)

    with pytest.raises(LostGradientError, match="shares its memory with an object of type bytearray"):
        gradient(program)(X)


def test_memory_that_is_read_by_its_address_takes_no_traced_values():
    def program(x):
        y = np.zeros(2)
        pointer = y.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        y[:] = x
        return pointer[0] * x[0]

    with pytest.raises(LostGradientError, match="shares its memory with"):
        gradient(program)(X)


SOURCELESS: dict = {"np": np}
exec(
    """
def scaled(x, y):
    return np.sum(x * y)
def changed(x, y):
    z = x * y
    y[0] = 7.0
    return np.sum(z)
def filled(y):
    y[0] = 9.0
def own(x):
    y = np.full(2, 0.5)
    z = x * y
    y[0] = 9.0
    return np.sum(z * x)
""",
    SOURCELESS,
)


def filled_with(x):
    made = np.empty(3)
    made[0], made[1], made[2] = x[0], x[1] ** 2, x[0] * x[1]
    return made


def filled_twice(x):
    return [filled_with(x), {"second": filled_with(x)}]


exec(
    """
def reads(x):
    return np.sum(filled_with(x)[:2] * filled_with(x)[2])
def reads_inside(x):
    both = filled_twice(x)
    both[0][1] = 3.0
    return both[0][:2].sum() * both[1]["second"][2]
def goes_over(x):
    return sum(e for e in filled_with(x))
def later(x):
    yield filled_with(x)[2]
    yield filled_with(x)[0] * x[1]
def of_another(x, f):
    both = f(x)
    return both[0][0] * both[1]["second"][2]
""",
    WITH_SOURCE := {"np": np, "filled_with": filled_with, "filled_twice": filled_twice},
)


@pytest.mark.parametrize(
    "program",
    [
        WITH_SOURCE["reads"],
        WITH_SOURCE["reads_inside"],
        WITH_SOURCE["goes_over"],
        lambda x: sum(WITH_SOURCE["later"](x)),
        lambda x: WITH_SOURCE["of_another"](x, filled_twice),
    ],
)
def test_functions_without_source_read_what_others_have_written(program):
    check_gradient(program, X)


def test_functions_without_source_do_not_change_arrays_unseen():
    scaled, changed, filled, own = (SOURCELESS[name] for name in ("scaled", "changed", "filled", "own"))

    def program(x, last):
        y = np.full(2, 0.5)
        z = x * y
        y[1] = 4.0
        filled(y)
        return scaled(z, y) + last(x, y)

    assert np.allclose(gradient(program)(X, scaled), [4.5 + 9.0, 2.0 + 4.0])
    for refused in (lambda x: program(x, changed), own):
        with pytest.raises(LostGradientError, match="not followed"):
            gradient(refused)(X)


FILLS = [
    "made += x",
    "made[...] += x",
    "made *= x[0]",
    "np.add(made, x, out=made)",
    "np.add.at(made, [0, 0], x)",
    "np.add.reduce([x, x], out=made)",
    "np.cumsum(x, out=made)",
    "np.copyto(made, x)",
    "np.putmask(made, [True, False], x)",
    "x.cumsum(out=made)",
    "x.clip(0.5, 0.6, made)",
    "x.take([1, 0], out=made)",
]


@pytest.mark.parametrize("fill", FILLS)
def test_functions_without_source_fill_no_plain_array_with_traced_values(fill):
    text = f"def program(x):\n    made = np.ones(2)\n    {fill}\n    return np.sum(made * made)"
    exec(text, names := {"np": np})
    with pytest.raises(LostGradientError, match=r"not followed|plain array"):
        gradient(names["program"])(X)


def squares_into(made, x):
    made[:] = x * x


BY_OTHERS = [
    "made = np.ones(2); squares_into(made, x); return np.sum(made * x)",
    "made = [np.ones(2)]; squares_into(made[0], x); return np.sum(made[0] * x)",
    "squares_into(box['made'], x); return np.sum(box['made'] * x)",
]


@pytest.mark.parametrize("body", BY_OTHERS)
def test_functions_without_source_let_none_fill_their_arrays(body):
    names = {"np": np, "squares_into": squares_into, "box": {"made": np.ones(2)}}
    exec(f"def program(x): {body}", names)
    with pytest.raises(LostGradientError, match="a function without source reads as numbers"):
        gradient(names["program"])(X)


def test_functions_without_source_refuse_methods_that_take_numpys_arrays_alone():
    exec("def program(x): return np.sum(np.ndarray.reshape(x, (2, 1)))", names := {"np": np})
    with pytest.raises(LostGradientError, match="without source handed a traced value to compiled code"):
        gradient(names["program"])(X)


def test_functions_without_source_that_only_hand_on_arrays_may():
    exec(
        "def wrapper(made, *args, **kwargs):\n    return f(made, *args, **kwargs)",
        names := {"f": squares_into},
    )

    def program(x):
        made = np.ones(2)
        names["wrapper"](made, x)
        return np.sum(made * x)

    check_gradient(program, X)


def test_functions_without_source_write_into_traced_arrays():
    exec(
        "def f(x):\n    x = x * 1.0\n    x += x[::-1]\n    x.cumsum(out=x)\n    return np.sum(x * x)",
        SOURCELESS,
    )
    check_gradient(SOURCELESS["f"], X)


def test_functions_without_source_cannot_set_the_shape_of_traced_arrays():
    exec("def f(x):\n    y = x * x\n    y.shape = (2, 1)\n    return np.sum(y)", SOURCELESS)
    with pytest.raises(MissingRuleError, match="the shape of an array"):
        gradient(SOURCELESS["f"])(X)


def test_code_compiled_before_is_refused():
    code = compile("x * x", "<formula>", "eval")
    with pytest.raises(LostGradientError, match="compiled before"):
        gradient(lambda x: eval(code, {"x": x}))(1.5)


@pytest.mark.parametrize("name", ["data", "ctypes", "__array_interface__", "__array_struct__"])
def test_whether_an_array_has_memory_to_hand_out_is_known(name):
    def program(x):
        return np.sum(x * x) if hasattr(x, name) and hasattr(x[:1], name) else np.sum(x)

    assert gradient(program)(np.array([1.5])).tolist() == [3.0]
    with pytest.raises(LostGradientError, match="bytes"):
        gradient(lambda x: np.sum(x) if getattr(x, name, None) is None else np.sum(x * x))(np.array([1.5]))


def test_what_all_arrays_have_is_theirs():
    def program(x):
        same = x.__array_priority__ == 0 and x.__dlpack_device__() == (1, 0)
        return x.__array_namespace__().sum(x * x) * x[0].__array_namespace__().cos(x[0]) if same else x[0]

    check_gradient(program, np.array([1.5, 0.5]))
