"""Arguments that a program also finds under another name: a global, a closure, an attribute."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import gradient, hessian, jacobian, pullback, pushforward, sparsity_pattern, value_and_gradient
from workbench.errors import NotDifferentiableError

STATE = np.array([0.3, -0.7, 1.1])


@pytest.fixture(autouse=True, params=["off", "python"])
def _tier(request, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", request.param)
    STATE[:] = [0.3, -0.7, 1.1]


def doubled(x):
    for i in range(3):
        STATE[i] = STATE[i] * 2.0
    return np.sum(x * x)


def squared_as_a_whole(x):
    STATE[1:] = STATE[:-1] ** 2
    return np.sum(x * x)


def added_in_place(x):
    global STATE
    STATE += 1.0
    return np.sum(x * x)


def sorted_in_place(x):
    STATE.sort()
    return np.sum(x * np.arange(3.0))


def given_to_a_function(x):
    np.multiply(STATE, 2.0, out=STATE)
    return np.sum(x * x)


def shuffled_by_compiled_code(x):
    np.random.default_rng(2).shuffle(STATE)
    return np.sum(x * np.arange(3.0))


def traced_number_written(x):
    STATE[0] = x[1] * 2.0
    return np.sum(x * x)


WRITING = (
    doubled,
    squared_as_a_whole,
    added_in_place,
    sorted_in_place,
    given_to_a_function,
    shuffled_by_compiled_code,
    traced_number_written,
)


@pytest.mark.parametrize("program", WRITING, ids=lambda p: p.__name__)
def test_writing_under_another_name_is_refused(program):
    line = program.__code__.co_firstlineno + (2 if program in (doubled, added_in_place) else 1)
    with pytest.raises(NotDifferentiableError, match="written into under another name") as caught:
        value_and_gradient(program)(STATE)
    assert f"{__file__}:{line}" in str(caught.value)
    STATE[:] = [0.3, -0.7, 1.1]
    expected = program(x := STATE.copy())
    STATE[:] = x
    value, bar = value_and_gradient(program)(x)
    assert value == expected
    assert bar.shape == (3,)


def test_by_all_operators_and_for_all_arguments():
    def constant(y, x):
        STATE[0] = 5.0
        return y * x

    for run in (
        lambda: gradient(lambda y, x: np.sum(constant(y, x)))(1.5, STATE),
        lambda: gradient(lambda y, x: np.sum(constant(y, x)))(1.5, x=STATE),
        lambda: pullback(constant, 1.5, STATE),
        lambda: pushforward(constant, 1.5, STATE, wrt=0),
        lambda: jacobian(constant)(1.5, STATE),
        lambda: hessian(lambda x: np.sum(constant(1.0, x) ** 3))(STATE),
        lambda: sparsity_pattern(lambda x: constant(1.0, x), STATE),
        lambda: gradient(lambda p: np.sum(constant(1.0, p["x"][0])))({"x": [STATE]}),
        lambda: gradient(lambda x: np.sum(constant(1.0, x)))(STATE[:2]),
    ):
        with pytest.raises(NotDifferentiableError, match="written into under another name"):
            run()
        STATE[:] = [0.3, -0.7, 1.1]


class Model:
    def __init__(self):
        self.w = np.array([0.3, -0.7, 1.1])
        self.steps = np.zeros(3)

    def loss(self, w):
        """The parameters are set to what they are: all is as without the engine."""
        self.w[:] = w
        self.steps[:] = w
        return np.sum(self.w**3 + self.steps)

    def loss_by_parts(self, w):
        for i in range(3):
            self.w[i] = w[i]
        return np.sum(self.w**3)


def test_writing_what_stands_there_is_no_change():
    model = Model()
    assert np.allclose(gradient(model.loss)(model.w), 3.0 * model.w**2 + 1.0)
    assert np.allclose(gradient(model.loss_by_parts)(model.w), 3.0 * model.w**2)


def test_what_does_not_fit_is_numpys_error():
    def program(x):
        with pytest.raises(ValueError, match="could not broadcast input array"):
            x[:] = np.ones(2)
        try:
            x[7] = 1.0
        except IndexError:
            x[:] = [1.0, 2.0, 3.0]
        return np.sum(x * x)

    assert value_and_gradient(program)(STATE)[0] == program(STATE.copy())


def test_another_part_of_the_memory_is_no_argument():
    whole = np.arange(6.0)

    def program(x):
        whole[3:] = 2.0 * x
        whole[::2][2] = 7.0
        return np.sum(whole[3:] * x)

    assert np.array_equal(gradient(program)(whole[:3]), [0.0, 7.0, 8.0])
    assert np.array_equal(whole, [0.0, 1.0, 2.0, 0.0, 7.0, 4.0])


def test_reading_under_another_name_what_was_written_into_the_argument():
    def program(x):
        x[0] = x[1] * 2.0
        return np.sum(x * STATE)

    with pytest.raises(NotDifferentiableError, match="read under another name") as caught:
        value_and_gradient(program)(STATE)
    assert "return np.sum(x * STATE)" in str(caught.value)
    assert np.array_equal(STATE, [0.3, -0.7, 1.1])
    assert value_and_gradient(program)(STATE.copy())[0] == program(STATE.copy())


def test_reading_only_is_reading_a_constant():
    assert np.array_equal(gradient(lambda x: np.sum(x * STATE))(STATE), STATE)


def test_a_derivative_inside_of_a_program():
    def outer(x):
        def inner(y):
            x[0] = 2.0
            return np.sum(y * y)

        return np.sum(gradient(inner)(x))

    with pytest.raises(NotDifferentiableError, match="written into under another name"):
        gradient(outer)(STATE)


class Parameters:
    def __init__(self):
        self.a, self.name = 0.3, "no number"


NUMBERS, NAMED, PARAMETERS = [0.3, 0.5], {"a": 0.3, "more": [0.5, 0.7]}, Parameters()


def a_number_of_a_list(x):
    NUMBERS[0] = 2.0
    return x[0] * x[1]


def a_number_more(x):
    NUMBERS.append(2.0)
    return sum(x)


def a_number_less(x):
    return NUMBERS.pop() * sum(x)


def a_number_of_a_dict(x):
    NAMED["a"] = x["a"] * 2.0
    return x["a"] * x["more"][0]


def a_number_further_inside(x):
    NAMED["more"].sort(reverse=True)
    return x["a"] * x["more"][0]


def a_number_of_an_object(x):
    PARAMETERS.a += 1.0
    return x.a * 2.0


@pytest.mark.parametrize(
    ("program", "argument"),
    [
        (a_number_of_a_list, NUMBERS),
        (a_number_more, NUMBERS),
        (a_number_less, NUMBERS),
        (a_number_of_a_dict, NAMED),
        (a_number_further_inside, NAMED),
        (a_number_of_an_object, PARAMETERS),
    ],
)
def test_lists_dicts_and_objects(program, argument):
    NUMBERS[:], NAMED["a"], NAMED["more"][:], PARAMETERS.a = [0.3, 0.5], 0.3, [0.5, 0.7], 0.3
    with pytest.raises(NotDifferentiableError, match="writes into an argument under another name"):
        gradient(program)(argument)


def test_setting_parameters_to_what_they_are_and_what_is_no_number():
    NAMED["a"], NAMED["more"][:], PARAMETERS.a = 0.3, [0.5, 0.7], 0.3

    def loss(p):
        PARAMETERS.a, PARAMETERS.name = p.a, "another name"
        return PARAMETERS.a**2

    def loss_of_dict(p):
        NAMED["a"] = p["a"]
        NAMED["more"][1] = p["more"][1]
        return NAMED["a"] * NAMED["more"][1] ** 2

    assert gradient(loss)(PARAMETERS).a == pytest.approx(0.6)
    assert gradient(loss_of_dict)(NAMED) == {"a": pytest.approx(0.49), "more": [0.0, pytest.approx(0.42)]}
    assert NAMED == {"a": 0.3, "more": [0.5, 0.7]}
